"""A tuned model at work: a call is run, its response shown, an answer given.

loop            question, call, run, response, answer; an allow-list, a limit
outcomes        each step of it as an object; responses worded by code
responses       a tool's result as the model is shown it, nothing in it acts
answers         is an answer grounded: gold facts held, none invented
mentions        numbers, dates, times and ids of a text (for answers)
helpdesk_tools  the five tools of data/helpdesk behind a database
helpdesk_data   what is in that database, by seed
searches        two searches, of company_notes.txt and public_facts.txt
log             one row for each question of a deployed model, in SQLite
drift           do people still ask what the model was trained for? by day
drift_picture   the checks' days beside what is usual
simulated_week  a week's questions, with a drift that must be found
"""
