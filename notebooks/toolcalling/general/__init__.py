"""Training rows for tool calling in general, made by seed: see rows.rows.

rows            the public function: conversations of many kinds, eight to a tool set
catalogue       the invented tools, read from fields/*.txt
tool_sets       which tools are declared together, under which names and formats
messages        a request in words, and the call that it asks for
replies         words due: ask back, decline, answer from a tool's response
small_talk      messages that need no tool, small_talk.txt
policies        a developer message that decides between overlapping tools
values, names   what a parameter can hold, and how things are called
grammar         pools.txt: texts put together from parts
duplicates      drops rows that resemble texts they must not resemble
"""

from .rows import rows

__all__ = ["rows"]
