"""Folders of models as people have them: cut off, half there, of another kind."""

import json
import shutil

import pytest

from toolcalling import hardware, models
from toolcalling.setup.embedded_model import TEMPLATE

MACHINE = hardware.detect()


@pytest.fixture
def folder(tiny, tmp_path):
    """A copy of the tiny model, to be spoilt."""
    return shutil.copytree(tiny, tmp_path / "spoilt")


def remove(*names):
    return lambda folder: [(folder / name).unlink() for name in names]


def cut(name, part=0.5):
    def spoil(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(part * len(content))])

    return spoil


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def configure(**settings):
    def spoil(folder):
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))

    return spoil


def shard(folder):
    """Half-downloaded: the index of two parts is there, one part is."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    parts = {"a": "model-00001-of-00002.safetensors",
             "b": "model-00002-of-00002.safetensors"}  # fmt: skip
    write("model.safetensors.index.json", json.dumps({"weight_map": parts}))(folder)


def adapter(folder):
    remove("config.json", "model.safetensors")(folder)
    write("adapter_config.json", "{}")(folder)


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 536223056\n"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
TWO_LAYERS = ["full_attention"] * 2
MODEL = {  # what is wrong: (how it came to be, file, what the message says)
    "no weights": (remove(WEIGHTS), WEIGHTS, "is missing. Copy or download"),
    "weights cut": (cut(WEIGHTS), WEIGHTS, "was cut off. Copy or download"),
    "weights cut by a byte": (cut(WEIGHTS, 0.99999), WEIGHTS, "was cut off"),
    "weights cut in the header": (cut(WEIGHTS, 0.001), WEIGHTS, "was cut off"),
    "weights empty": (cut(WEIGHTS, 0), WEIGHTS, "was cut off"),
    "weights a pointer": (write(WEIGHTS, POINTER), WEIGHTS, "git lfs pull"),
    "a part missing": (shard, "model-00002-of-00002.safetensors", "is missing"),
    "no config": (remove("config.json"), "config.json", "is missing. Name a folder"),
    "config cut": (cut("config.json"), "config.json", "was cut off"),
    "config empty": (cut("config.json", 0), "config.json", "was cut off"),
    "config a list": (write("config.json", "[]"), "config.json", "was cut off"),
    "config of nothing": (write("config.json", "{}"), "config.json", "Choose google/"),
    "another architecture": (configure(model_type="llama"), "config.json", "'llama'"),
    "an unknown one": (configure(model_type="own"), "config.json", "'own'"),
    "an adapter": (adapter, "config.json", "merge_and_unload"),
    "other sizes": (configure(hidden_size=32), "config.json", "have another size"),
    "more layers": (
        configure(num_hidden_layers=3, layer_types=[*TWO_LAYERS, "full_attention"]),
        "config.json",
        "are missing, such as model.layers.2",
    ),
    "fewer layers": (
        configure(num_hidden_layers=1, layer_types=["full_attention"]),
        "config.json",
        "are too many, such as model.layers.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MODEL)
def test_a_model_that_is_not_whole(folder, what):
    spoil, file, says = MODEL[what]
    spoil(folder)
    with pytest.raises(RuntimeError) as caught:
        models.load_model(folder, MACHINE)
    message = str(caught.value)
    assert message.startswith("The folder 'spoilt' can't be loaded: ")
    assert file in message and says in message and "\n" not in message


SPOILT_TOKENIZER = {
    "no tokenizer": (remove(TOKENIZER), TOKENIZER, "is missing. Save the tokenizer"),
    "no tokenizer files": (
        remove(TOKENIZER, "tokenizer_config.json"), TOKENIZER, "is missing"),
    "nothing": (
        remove("config.json", TOKENIZER), TOKENIZER, "Name a folder written by"),
    "tokenizer cut": (cut(TOKENIZER), TOKENIZER, "was cut off"),
    "tokenizer empty": (cut(TOKENIZER, 0), TOKENIZER, "was cut off"),
    "tokenizer a pointer": (write(TOKENIZER, POINTER), TOKENIZER, "git lfs pull"),
    "its settings cut": (
        cut("tokenizer_config.json"), "tokenizer_config.json", "was cut off"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT_TOKENIZER)
def test_a_tokenizer_that_is_not_whole(folder, what):
    spoil, file, says = SPOILT_TOKENIZER[what]
    spoil(folder)
    with pytest.raises(RuntimeError) as caught:
        models.load_tokenizer(folder)
    message = str(caught.value)
    assert message.startswith("The folder 'spoilt' can't be loaded: ")
    assert file in message and says in message and "\n" not in message


@pytest.mark.parametrize("load", [models.load_tokenizer, models.load_tuned])
def test_a_folder_that_is_not_there(tmp_path, load):
    more = ["base", MACHINE] if load is models.load_tuned else []
    with pytest.raises(RuntimeError, match="There is no .*notebook"):
        load(tmp_path / "nothing", *more)


def test_what_no_check_foresees_is_one_sentence_too(folder):
    write(TOKENIZER, '{"model": {"type": "of tomorrow"}}')(folder)
    with pytest.raises(RuntimeError) as caught:
        models.load_tokenizer(folder)
    message = str(caught.value)
    assert message.startswith("The folder 'spoilt' can't be loaded: ")
    assert "Copy or download" in message and "\n" not in message


def test_optional_files_are_optional(folder):
    remove("generation_config.json", "tokenizer_config.json")(folder)
    model, _ = models.load_model(folder, MACHINE)
    assert model.generation_config.eos_token_id == [1, 50, 106]


# Chat templates

OWN = TEMPLATE.read_text()
TURNS = (
    "{% for m in messages %}<start_of_turn>{{ m.role }}\n{{ m.content }}{% endfor %}"
)
DECLARED = "<start_function_declaration>{{ tools | tojson }}<end_function_declaration>"
TEMPLATES = {  # what a template does wrong: (the template, what the message says)
    "chat alone": (TURNS, "ignores tools"),
    "tools in another form": ("{{ tools | tojson }}" + TURNS, "ignores tools"),
    "names alone": (
        "<start_function_declaration>{{ tools[0].function.name }}"
        "<end_function_declaration>" + TURNS, "ignores tools"),
    "calls as nothing": (DECLARED + TURNS, "writes no call"),
    "calls in another form": (
        DECLARED + TURNS + "{{ messages[-1].tool_calls | default('') }}", "writes no call"),
    "calls without arguments": (
        OWN.replace("{{ pairs(arguments) }}", ""), "writes no call"),
    "calls in JSON": (
        OWN.replace("{{ pairs(arguments) }}", "{{ arguments | tojson }}"),
        "writes no call"),
    "no developer": (
        OWN.replace("'system', 'developer'", "'developer'").replace(
            "{{ text(messages[0]['content'], with_images=false) }}", ""), "drops the"),
    "refuses tools": ("{{ raise_exception('no tools') }}", "fails on tools"),
    "refuses the role": (
        "{% if messages[0].role == 'developer' %}{{ raise_exception('who?') }}"
        "{% endif %}" + TURNS, "fails on tools (TemplateError: who?)"),
    "no template": ("{% for", "fails on tools (TemplateSyntaxError"),
    "of other fields": ("{{ messages[0].parts.text }}", "fails on tools (Undefined"),
    "no such prompt": (
        OWN.replace("'<start_of_turn>model\\n'", "'<start_of_turn>assistant\\n'"),
        "does not begin"),
}  # fmt: skip


@pytest.mark.parametrize("what", TEMPLATES)
def test_a_template_that_does_not_carry_tools(folder, what):
    template, says = TEMPLATES[what]
    assert template != OWN
    write("chat_template.jinja", template)(folder)
    with pytest.raises(RuntimeError) as caught:
        models.load_tokenizer(folder)
    message = str(caught.value)
    begun = "The chat template of 'spoilt' (chat_template.jinja) "
    assert message.startswith(begun + says) and "Remove it" in message
    assert "\n" not in message


def test_a_template_in_the_settings_is_named_there(folder):
    remove("chat_template.jinja")(folder)
    path = folder / "tokenizer_config.json"
    settings = {**json.loads(path.read_text()), "chat_template": TURNS}
    path.write_text(json.dumps(settings))
    with pytest.raises(RuntimeError, match=r"\(tokenizer_config.json\) ignores tools"):
        models.load_tokenizer(folder)


def test_without_its_own_ours_is_taken(folder):
    """The next step that the messages name."""
    remove("chat_template.jinja")(folder)
    assert models.load_tokenizer(folder).chat_template == OWN


def test_blanks_that_the_format_allows_are_no_reason_to_refuse(folder):
    spaced = OWN.replace(
        "call:{{ function['name'] }}{", "call: {{ function['name'] }} {"
    )
    assert spaced != OWN
    write("chat_template.jinja", spaced)(folder)
    assert models.load_tokenizer(folder).chat_template == spaced
