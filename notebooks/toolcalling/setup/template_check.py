"""Does a model's chat template carry tools? It renders one tool and one call, and looks."""

from pathlib import Path

from ..calls import END_DECLARATION, START_CALL, START_DECLARATION, parse_reply

QUESTION, POLICY, VALUE = "Is it raining in Lisbon?", "Speak plainly.", "Lisbon"
NAME, PARAMETER = "look_up_weather", "town"


def check_template(tokenizer, source):
    """Does the template declare a tool and write a call so that it can be read?

    Templates made for chat alone ignore both in silence: a training would learn, and
    an evaluation ask, with no tools at all.
    """
    problem = _template_problem(tokenizer)
    if problem is None:
        return
    folder = Path(source) if Path(source).is_dir() else None
    file = "chat_template.jinja"
    if folder and not (folder / file).is_file():
        file = "tokenizer_config.json"
    name, step = source, "Choose"
    if folder:
        name, step = folder.name, "Remove it, this series' own is used then, or choose"
    raise RuntimeError(
        f"The chat template of {name!r} ({file}) {problem}. {step} "
        'google/functiongemma-270m-it, a model tuned from it, or "embedded".'
    )


def _template_problem(tokenizer):
    """What is wrong with it, in words that follow its name; None for nothing."""
    properties = {PARAMETER: {"type": "string", "description": "Where."}}
    schema = {"type": "object", "properties": properties, "required": [PARAMETER]}
    declared = {"name": NAME, "description": "Looks it up.", "parameters": schema}
    call = {"name": NAME, "arguments": {PARAMETER: VALUE}}
    asked = [
        {"role": "developer", "content": POLICY},
        {"role": "user", "content": QUESTION},
    ]
    answered = [
        *asked,
        {"role": "assistant", "tool_calls": [{"type": "function", "function": call}]},
    ]

    def render(messages, **options):
        tools = [{"type": "function", "function": declared}]
        return tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=False, **options
        )

    try:
        prompt = render(asked, add_generation_prompt=True)
        whole = render(answered)
    except Exception as error:  # a template may raise anything
        said = str(error).strip().split("\n")[0][:120].rstrip(".")
        return f"fails on tools ({type(error).__name__}: {said})"
    declaration = prompt.partition(START_DECLARATION)[2].partition(END_DECLARATION)[0]
    if NAME not in declaration or PARAMETER not in declaration:
        return "ignores tools: it declares none between FunctionGemma's control tokens"
    if POLICY not in prompt or QUESTION not in prompt:
        return "drops the developer's or the user's text"
    block = START_CALL + whole.partition(START_CALL)[2]
    calls = [(c.name, c.arguments) for c in parse_reply(block).calls]
    if calls != [(NAME, {PARAMETER: VALUE})]:
        return "writes no call that can be read back, where the model is to make one"
    if not whole.startswith(prompt):
        return "does not begin a conversation with its prompt"
    return None
