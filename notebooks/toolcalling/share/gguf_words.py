"""What goes beside a GGUF file: a Modelfile for Ollama, and how to run it elsewhere."""

_USER = "<start_of_turn>user\n"
STOP_WORDS = ("<end_of_turn>", "<start_function_response>")


def prompt_around(tokenizer, task):
    """(start, end): what the chat template writes before and after one question."""
    asked = task.ask("")
    prompt = tokenizer.apply_chat_template(
        asked["prompt"],
        tools=asked["tools"],
        add_generation_prompt=True,
        tokenize=False,
    )
    start, user, end = prompt.partition(_USER)
    return start + user, end


def modelfile(gguf, tokenizer, task):
    """The text of an Ollama Modelfile.

    gguf: the file's name. The developer message and the tools stand in it as the
    chat template renders them: Ollama's own renderer for FunctionGemma writes another
    developer message and leaves out enums, lists and nested objects.
    """
    start, _ = prompt_around(tokenizer, task)
    head = start.removesuffix(_USER).removeprefix(tokenizer.bos_token)
    head = head.replace("{{", '{{ "{{" }}')
    stops = "\n".join(f"PARAMETER stop {word}" for word in STOP_WORDS)
    return f'''\
# ollama create {task.name} -f Modelfile
# Not tried here. One question a time: send the tools' schemas along, so that Ollama
# returns tool_calls. After a tool has run, send the whole prompt with "raw": true.
FROM ./{gguf}
PARSER functiongemma
PARAMETER temperature 0
PARAMETER num_ctx 4096
{stops}
TEMPLATE """{head}{{{{ range .Messages }}}}{{{{ if eq .Role "user" }}}}<start_of_turn>user
{{{{ .Content }}}}<end_of_turn>
{{{{ else if eq .Role "assistant" }}}}<start_of_turn>model
{{{{ .Content }}}}<end_of_turn>
{{{{ end }}}}{{{{ end }}}}<start_of_turn>model
"""
'''


def how_to_run(files, task):
    """The text of RUN.md. files: names of the GGUF files, the first one preferred."""
    best = files[0]
    return f"""\
# Run {task.title}

Files: {", ".join(f"`{name}`" for name in files)}. They end a reply at `<end_of_turn>`
and at `<start_function_response>`. `self_test.json` holds ten prompts with the calls
that they must give: try them in your runtime first.

| runtime | how |
|---|---|
| llama.cpp | `llama-completion -m {best} --temp 0 -no-cnv -f prompt.txt --override-kv tokenizer.ggml.add_bos_token=bool:false` |
| under the grammar | the same with `--grammar-file grammar.gbnf` |
| llama.cpp's server | `llama-server -m {best} --jinja`, then prompts to `/completion` |
| Ollama | `ollama create {task.name} -f Modelfile` |
| LM Studio | `lms import {best}` |
| a browser | open the series' `docs/demo/index.html`, choose `{best}` |

llama.cpp's library and the browser's page were tried with such files, the other
programs in the table were not.
A prompt is what `chat_template.jinja` makes of the messages and the tools; it brings
its own `<bos>`, so no second one must be added. Ollama reads the calls by itself. For
the others, `toolcalling.calls.parse_reply` reads the reply's text.
"""
