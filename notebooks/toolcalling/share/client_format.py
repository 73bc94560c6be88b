"""What a saved folder needs so that a server speaks of its calls as OpenAI's clients do.

RESPONSE_TEMPLATE tells transformers, in tokenizer_config.json, how to read a reply;
with_tool_names lets a chat template find the name that a client's tool message lacks.
"""

from ..calls import (
    END_CALL,
    END_RESPONSE,
    ESCAPE,
    NAME,
    START_CALL,
    START_RESPONSE,
    TURN_ENDS,
)

_ENDS = (END_CALL, START_RESPONSE, *TURN_ENDS)  # a stop token can have eaten END_CALL
_TEXT = rf"{ESCAPE}(?:(?!{ESCAPE})[^\x01\x02])*{ESCAPE}"
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
# A mapping that transformers' reader of JSON takes: keys of word characters, no None.
# What is no such call stays text, so that nothing runs with half its arguments.
_MAPPING = (
    rf"(?<mapping>\{{(?:(?<pair>\w+:(?<value>{_TEXT}|{_NUMBER}|true|false|null"
    r"|(?&mapping)|\[(?:(?&value)(?:,(?&value))*)?\]))(?:,(?&pair))*)?\})"
)

RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    # Behind a tool's response the model goes on in the same turn.
    "start_anchor": ["<start_of_turn>model\n", END_RESPONSE],
    "fields": {
        "tool_calls": {
            "open_pattern": rf"{START_CALL}call:(?P<name>{NAME.pattern})"
            rf"(?={_MAPPING}(?:{'|'.join(_ENDS)}))",
            "close": list(_ENDS),
            "repeats": True,
            "content": "json",
            "content_args": {
                "unquoted_keys": True,
                "string_delims": [[ESCAPE, ESCAPE]],
            },
            "transform": {
                "type": "function",
                "function": {"name": "{name}", "arguments": "{content}"},
            },
        },
        "content": {
            "close": [START_RESPONSE, *TURN_ENDS],
            "content": "text",
            "content_args": {"strip": False},
            "repeats": True,
            "join": "",
        },
    },
}

# Literals and namespaces only, which every runtime's Jinja knows.
_LOOK_UP = """\
{#- A client's tool message gives the id of its call: the function's name is looked up. -#}
{%- set known = namespace(messages=[], calls=[], name='') -%}
{%- for message in messages -%}
    {%- for call in message['tool_calls'] or [] -%}
        {%- set known.calls = known.calls + [call] -%}
    {%- endfor -%}
    {%- if message['role'] == 'tool' and message['tool_call_id'] and not message['name'] -%}
        {%- set known.name = '' -%}
        {%- for call in known.calls if call['id'] == message['tool_call_id'] -%}
            {%- set known.name = call['function']['name'] -%}
        {%- endfor -%}
        {%- set known.messages = known.messages + [{'role': 'tool', 'name': known.name, 'content': message['content']}] -%}
    {%- else -%}
        {%- set known.messages = known.messages + [message] -%}
    {%- endif -%}
{%- endfor -%}
{%- set messages = known.messages -%}
"""


def with_tool_names(template):
    """The chat template, with the look-up of names in front unless it is there.

    Prompts of messages that give the names themselves are as before.
    """
    return template if template.startswith(_LOOK_UP) else _LOOK_UP + template


def for_clients(tokenizer):
    """Give a tokenizer both; what save_pretrained writes then has them."""
    tokenizer.response_template = RESPONSE_TEMPLATE
    tokenizer.chat_template = with_tool_names(tokenizer.chat_template)
    return tokenizer
