"""A week of a deployed model, simulated, so that a drift check can be tried.

People ask what the task's dev and test rows ask. From the fifth day on most of them ask
about something new, of which the training rows know nothing.
"""

import random
import time
from datetime import datetime, timedelta
from pathlib import Path

MONDAY = datetime(2026, 11, 9, 8)  # local time
TRIAL, A_DAY, DAYS = 60, 20, 7  # questions, questions, days
FIRST_NEW, NEW_A_DAY = 4, 14  # the fifth day counts as 4
SHIFT_APP = Path(__file__).with_name("shift_app_questions.txt")


def shift_app_questions():
    """What staff of data/helpdesk ask about a new app that plans their shifts."""
    return SHIFT_APP.read_text(encoding="utf-8").splitlines()


def simulated_week(task, reply, log, new=(), seed=0):
    """Ask 200 questions and log them; returns (entries of the trial, of the week).

    Sixty on the Sunday before, the trial, which is the reference; then 20 a day, a
    Monday to a Sunday. reply: the texts of a day to their Outcomes, in order. new:
    texts that come in from Friday on, 14 a day; none for a week without a drift.
    ValueError where there are too few of either.
    """
    draw = random.Random(seed)
    usual = [
        row["messages"][-1]["content"]
        for split in ("dev", "test")
        for row in task.rows[split]
        if row["messages"][-1]["role"] == "user"
    ]
    usual, new = draw.sample(usual, len(usual)), draw.sample(list(new), len(new))
    news = NEW_A_DAY * (DAYS - FIRST_NEW) if new else 0
    if len(usual) < TRIAL + A_DAY * DAYS - news or len(new) < news:
        raise ValueError(
            f"A week needs {TRIAL + A_DAY * DAYS - news} dev and test questions and "
            f"{news} new ones; there are {len(usual)} and {len(new)}."
        )
    asked = [(MONDAY - timedelta(1), [usual.pop() for _ in range(TRIAL)])]
    for day in range(DAYS):
        count = NEW_A_DAY if news and day >= FIRST_NEW else 0
        texts = [new.pop() for _ in range(count)]
        texts += [usual.pop() for _ in range(A_DAY - count)]
        asked.append((MONDAY + timedelta(day), draw.sample(texts, A_DAY)))
    for morning, texts in asked:
        start = time.perf_counter()
        outcomes = reply(texts)
        ms = 1000 * (time.perf_counter() - start) / len(texts)
        for minute, (text, outcome) in enumerate(zip(texts, outcomes, strict=True)):
            log.add(text, outcome, ms, morning + timedelta(minutes=8 * minute))
    entries = log.entries()
    trial = [e for e in entries if e.time.astimezone().date() < MONDAY.date()]
    return trial, entries[len(trial) :]
