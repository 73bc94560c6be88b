"""Helpers that the notebooks share. What the lessons name stands here:

tasks        a task is a folder: policy, tools and rows; edit one for your own
calls        FunctionGemma's calls as text: write one, read a reply back
models       choose a model, load it, save it
hardware     device, number format, attention
training     what notebook 04 trains with: a trainer for a CPU, the epoch by dev
evaluation   generate replies, judge each, score them
statistics   rates, intervals, paired tests
charts       the series' figures
workspace    where results are kept, what must be there first

The rest is in rooms, each named by what it is for:

rows/        reads and checks a task folder (for tasks)
general/     makes rows for tool calling in general, by seed (for training)
judging/     are these the calls due; measures; forced choice; call, or not, or unsure
base/        a base that can call: trained on those rows, measured
decoding/    replies by a grammar of the declared tools, by a call line
use/         the loop closed: call, run, respond, answer
speed/       the same training and replies, faster (notebook 07)
setup/       the first cell, packages, the embedded model, the Hub
share/       model card, upload, training elsewhere (notebook 06); a server, GGUF, export
study/       seeds, sizes, settings, changed tools (notebooks 08, 08b)
"""
