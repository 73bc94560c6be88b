"""A GGUF file holds the model: its weights, its tokens, its stops; and llama.cpp runs it."""

import json
import shutil
import sys
from types import SimpleNamespace

import gguf
import numpy as np
import pytest
from safetensors.torch import load_file
from transformers import AutoConfig, Gemma3ForCausalLM

import taught as lesson
from toolcalling import hardware, models
from toolcalling.calls import CONTROL_TOKENS
from toolcalling.decoding.grammar import gbnf_grammar
from toolcalling.evaluation import render_prompts
from toolcalling.share import gguf_file
from toolcalling.share.llama_cpp import Llama


@pytest.fixture(scope="module")
def files(taught, tmp_path_factory):
    """{kind: path} of the taught model's files."""
    folder = tmp_path_factory.mktemp("gguf")
    paths = {kind: folder / f"tiny-{kind}.gguf" for kind in ("F16", "Q8_0")}
    for kind, path in paths.items():
        assert gguf_file.write_gguf(taught, path, kind) == path.stat().st_size
    assert sorted(folder.iterdir()) == sorted(paths.values())
    return paths


@pytest.fixture(scope="module")
def loaded(taught):
    return models.load_model(taught, hardware.detect())


@pytest.fixture(scope="module")
def llama(files):
    """A GGUF file in llama.cpp, by its path or the kind of a file of the taught model."""
    pytest.importorskip("cyllama", exc_type=ImportError)
    return lambda path: Llama(files.get(path, path))


def weights(path):
    reader = gguf.GGUFReader(path)
    return {t.name: (t.tensor_type, gguf.dequantize(t.data, t.tensor_type))
            for t in reader.tensors}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "error"), [("F16", 2**-11), ("Q8_0", 0.5 / 127 + 2**-11)]
)
def test_every_weight_is_there_within_the_formats_error(files, taught, kind, error):
    stored, saved = weights(files[kind]), load_file(taught / "model.safetensors")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GEMMA3, 2)
    assert len(stored) == len(saved)
    used = set()
    for key, weight in saved.items():
        kept, found = stored[names.get_name(key, try_suffixes=(".weight",))]
        used.add(kept)
        weight = weight.numpy() + ("norm" in key)
        largest = np.abs(weight).max(axis=-1, keepdims=True)
        assert found.shape == weight.shape
        assert (np.abs(found - weight) <= 1.01 * error * largest + 1e-7).all(), key
    blocks = gguf.GGMLQuantizationType[kind]
    assert used >= {gguf.GGMLQuantizationType.F32, blocks}


def test_the_tokenizer_its_stops_and_its_template_are_in_the_file(files, loaded):
    fields = {
        name: field.contents()
        for name, field in gguf.GGUFReader(files["Q8_0"]).fields.items()
        if name.startswith("tokenizer.")
    }
    tokenizer, types = loaded[1], fields["tokenizer.ggml.token_type"]
    tokens = fields["tokenizer.ggml.tokens"]
    assert tokens == tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    control = [types[tokens.index(token)] for token in CONTROL_TOKENS]
    assert control == [gguf.TokenType.USER_DEFINED] * 7
    assert types[tokens.index("<start_of_turn>")] == gguf.TokenType.CONTROL
    ids = ("bos", "eos", "eot", "eom", "unknown", "padding")
    found = [fields[f"tokenizer.ggml.{name}_token_id"] for name in ids]
    assert found == [2, 1, 106, 50, 3, 0]
    assert fields["tokenizer.chat_template"] == tokenizer.chat_template
    assert fields["tokenizer.ggml.add_space_prefix"] is False


def test_an_interrupted_file_is_not_there_and_the_old_one_stays(
    taught, tmp_path, monkeypatch
):
    path = tmp_path / "model.gguf"
    path.write_text("the old one")

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", stop)
    with pytest.raises(KeyboardInterrupt):
        gguf_file.write_gguf(taught, path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.gguf"]
    assert path.read_text() == "the old one"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"query_pre_attn_scalar": 256}, "query_pre_attn_scalar"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "layer_types"),
        ({"model_type": "llama"}, "llama"),
    ],
)
def test_a_model_that_llama_cpp_would_compute_otherwise(
    taught, tmp_path, changed, named
):
    folder = shutil.copytree(taught, tmp_path / "odd")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changed))
    with pytest.raises(RuntimeError, match=named):
        gguf_file.write_gguf(folder, tmp_path / "odd.gguf")
    assert not list(tmp_path.glob("*.gguf"))


def test_four_bits_need_the_quantiser_of_llama_cpp(files, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(gguf_file, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="llama-quantize, which is not on the PATH"):
        gguf_file.quantise_further(files["F16"], tmp_path / "q4.gguf")


def test_the_quantiser_gets_the_file_and_its_failure_is_told(
    files, tmp_path, monkeypatch
):
    path = tmp_path / "q4.gguf"
    monkeypatch.setattr(shutil, "which", lambda name: sys.executable)

    def run(command, **options):
        assert command[1] == str(files["F16"]) and command[3] == "Q4_K_M"
        shutil.copy(command[1], command[2])
        return SimpleNamespace(returncode=code, stdout="", stderr="no\nbad file\n")

    monkeypatch.setattr(gguf_file.subprocess, "run", run)
    code = 1
    with pytest.raises(RuntimeError, match="bad file"):
        gguf_file.quantise_further(files["F16"], path)
    assert not list(tmp_path.iterdir())
    code = 0
    assert gguf_file.quantise_further(files["F16"], path) == path.stat().st_size


TEXTS = (
    "Is  it   raining\n\n\tin Lisbon?", "naïve café, “quotes”, 日本語, 👩‍🚀", "x" * 9,
    "<b>bold</b><table><td>", " lead and trail ", "a" + " " * 41 + "b", "\r\n<unused7>",
    "<start_function_call>call:f{a:<escape>x<escape>,n:-3.5}<end_function_call>",
)  # fmt: skip


@pytest.fixture(scope="module")
def whole_vocabulary(embedded, tiny, tmp_path_factory):
    """A folder as `tiny` with the tokenizer that is not cut."""
    config = AutoConfig.from_pretrained(tiny)
    config.vocab_size = 262144
    folder = tmp_path_factory.mktemp("whole")
    Gemma3ForCausalLM(config).save_pretrained(folder)
    models.load_tokenizer(embedded).save_pretrained(folder)
    return folder


def test_llama_cpp_reads_the_same_tokens(whole_vocabulary, task, tmp_path, llama):
    gguf_file.write_gguf(whole_vocabulary, tmp_path / "whole.gguf")
    whole = llama(tmp_path / "whole.gguf")
    tokenizer = models.load_tokenizer(whole_vocabulary)
    prompts = render_prompts(tokenizer, task.conversations("dev")[:20])
    for text in (*TEXTS, *prompts):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert whole.tokens(text) == ids, text
    assert [i for i in range(200) if whole.vocab.is_eog(i)] == [1, 50, 106]


def test_llama_cpp_computes_the_same(llama, loaded, task):
    """On a prompt longer than the sliding window, so that both kinds of layers count."""
    model, tokenizer = loaded
    (prompt,) = render_prompts(tokenizer, [task.ask("Who won?")])
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
    width = ids["input_ids"].shape[1]
    assert width > 3 * model.config.sliding_window
    expected = model.generate(**ids, max_new_tokens=24)[0, width:].tolist()
    assert len(set(expected)) > 3
    asked = llama("F16")
    for _ in range(2):  # the second time out of what is held
        assert asked.reply(prompt, limit=24) == expected


@pytest.mark.parametrize("kind", ["F16", "Q8_0"])
def test_llama_cpp_gives_the_same_replies(llama, loaded, kind):
    """One after the other, so that what prompts begin with is held."""
    turns = [lesson.rendered(loaded[1], *turn) for turn in lesson.TURNS]
    due = [
        reply.removesuffix("<end_of_turn>").removesuffix("<start_function_response>")
        for _, reply in turns
    ]
    assert llama(kind).replies([prompt for prompt, _ in turns]) == due


def test_a_prompt_without_room_and_a_missing_file_are_refused(llama, tmp_path):
    with pytest.raises(ValueError, match="need a larger context than 2048"):
        llama("F16").reply("a b " * 2000)
    with pytest.raises(RuntimeError, match="no file none.gguf"):
        llama(tmp_path / "none.gguf")


def test_four_bits_by_the_package(llama, taught, tmp_path, monkeypatch):
    """Its blocks are 256 wide. The model of the other tests is too narrow for any."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    narrow, wide = tmp_path / "narrow.gguf", tmp_path / "wide.gguf"
    config = AutoConfig.from_pretrained(taught)
    config.hidden_size = config.intermediate_size = config.head_dim = 256
    config.query_pre_attn_scalar = 256
    folder = shutil.copytree(taught, tmp_path / "folder")
    Gemma3ForCausalLM(config).save_pretrained(folder)
    for model, path in ((taught, narrow), (folder, wide)):
        gguf_file.write_gguf(model, path)
    with pytest.raises(RuntimeError, match="could not write Q4_K_M"):
        gguf_file.quantise_further(narrow, tmp_path / "q4.gguf")
    assert sorted(tmp_path.glob("*q4*")) == []
    size = gguf_file.quantise_further(wide, tmp_path / "q4.gguf")
    assert size < wide.stat().st_size / 2
    assert isinstance(llama(tmp_path / "q4.gguf").reply("Hello"), list)


def test_llama_cpp_keeps_to_the_tasks_grammar(llama, loaded):
    """The model's own town is forbidden: only the grammar can make it say Oslo."""
    town = {**lesson.TOWN, "enum": ["Oslo"]}
    schema = {**lesson.SCHEMA, "properties": {"town": town}}
    tools = [
        {"type": "function", "function": {**lesson.FUNCTION, "parameters": schema}}
    ]
    prompt, _ = lesson.rendered(loaded[1], *lesson.TURNS[0])
    ids = llama("F16").reply(prompt, grammar=gbnf_grammar(tools), limit=40)
    call = "<start_function_call>call:get_weather{town:<escape>Oslo<escape>}"
    assert loaded[1].decode(ids).startswith(call + "<end_function_call>")
