"""Training rows for tool calling in general, made by seed: see rows.rows.

rows            the public function: conversations of many kinds, eight to a tool set
mixture         how many of each kind, and which share a set
kinds           one row of each kind
plain           rows that say every value outright, plain.txt
plain_requests  their words
catalogue       the invented tools, read from fields/*.txt
declarations    a tool as a set shows it: names, words, formats
tool_sets       which tools are declared together
messages        a request in words, and the call that it asks for
replies         words due: ask back, decline, answer from a tool's response
small_talk      messages that need no tool, small_talk.txt
policies        a developer message that decides between overlapping tools
values          what a parameter can hold: texts, amounts, dates
names           how tools and parameters are called
grammar         pools.txt: texts put together from parts
duplicates      drops rows that resemble texts they must not resemble
"""

from .rows import rows

__all__ = ["rows"]
