"""An export is whole or not there, and has what its runtime needs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import gguf
import pytest

from conftest import ROOT
from toolcalling import models
from toolcalling.share import __main__ as command
from toolcalling.share import export as exporting
from toolcalling.share import gguf_file
from toolcalling.share.client_format import RESPONSE_TEMPLATE
from toolcalling.share.gguf_words import modelfile
from toolcalling.share.self_test import calls_in, differences


def quiet(text):
    """For log."""


@pytest.fixture
def old(taught, tmp_path):
    """The taught model as earlier series saved one: nothing in it for a server."""
    folder = shutil.copytree(taught, tmp_path / "finetuned")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["response_template"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    shutil.copy(models.embedded_model.TEMPLATE, folder / "chat_template.jinja")
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "README.md").write_text("the card")
    noted = {"base": "tiny", "task": "tool_selection", "data": "of another day"}
    (folder / "toolcalling.json").write_text(json.dumps(noted))
    return folder


def test_a_saved_folder_has_what_a_server_needs(tiny_loaded, tmp_path):
    model, tokenizer, _ = tiny_loaded
    before = tokenizer.chat_template
    models.save_model(model, tokenizer, tmp_path / "saved", {"base": "tiny"})
    saved = models.load_tokenizer(tmp_path / "saved")
    assert saved.response_template == RESPONSE_TEMPLATE
    assert saved.chat_template.endswith(before) and saved.chat_template != before
    assert tokenizer.chat_template == before
    assert getattr(tokenizer, "response_template", None) is None


def test_an_old_folder_becomes_one_that_a_server_reads(old, task, capsys):
    out = exporting.export(old, "serve")
    assert out == old.with_name("finetuned-serve")
    said = capsys.readouterr().out
    assert "have changed since" in said and "of 10" in said
    tokenizer = models.load_tokenizer(out)
    assert tokenizer.response_template == RESPONSE_TEMPLATE
    assert "tool_call_id" in tokenizer.chat_template
    assert (out / "README.md").read_text() == "the card"
    for file in ("model.safetensors", "generation_config.json", "toolcalling.json"):
        assert (out / file).read_bytes() == (old / file).read_bytes()


def test_the_self_test_is_ten_questions_with_the_models_own_calls(old, task):
    out = exporting.export(old, "serve", log=quiet)
    questions = json.loads((out / "self_test.json").read_text())
    assert len(questions) == 10
    tokenizer = models.load_tokenizer(out)
    texts = {row["messages"][-1]["content"] for row in task.rows["dev"]}
    for question in questions:
        assert question["messages"][-1]["content"] in texts
        assert question["prompt"] == tokenizer.apply_chat_template(
            question["messages"], tools=question["tools"],
            add_generation_prompt=True, tokenize=False,
        )  # fmt: skip
    due = {row["messages"][-1]["content"]: row["calls"] for row in task.rows["dev"]}
    asked = [due[question["messages"][-1]["content"]] for question in questions]
    first = {calls[0]["name"] if calls else None for calls in asked}
    assert first == {*task.tool_names, None}
    assert differences(questions, lambda question: question["calls"]) == []


def test_calls_in_a_reply():
    reply = (
        "<start_function_call>call:f{a:1}<end_function_call><start_function_response>"
    )
    assert calls_in("Hm. " + reply) == [{"name": "f", "arguments": {"a": 1}}]
    assert calls_in("No.<end_of_turn>") == []


def test_a_gguf_export_has_files_grammar_and_words(old, task, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    out = exporting.export(old, "gguf")
    assert sorted(path.name for path in out.iterdir()) == [
        "Modelfile", "README.md", "RUN.md", "chat_template.jinja", "grammar.gbnf",
        "self_test.json", "tool_selection-F16.gguf", "tool_selection-Q8_0.gguf",
    ]  # fmt: skip
    assert "No Q4_K_M: " in capsys.readouterr().out
    kept = gguf.GGUFReader(out / "tool_selection-F16.gguf").fields
    template = (out / "chat_template.jinja").read_text()
    assert kept["tokenizer.chat_template"].contents() == template
    start, end = (kept[key].contents() for key in gguf_file.PROMPT)
    for asked in json.loads((out / "self_test.json").read_text()):
        question = asked["messages"][-1]["content"]
        assert asked["prompt"] == start + question + end
    assert "tool_call_id" in template
    assert "root ::= " in (out / "grammar.gbnf").read_text()
    for name in ("Modelfile", "RUN.md"):
        assert "tool_selection-Q8_0.gguf" in (out / name).read_text()
    assert "Q4_K_M" not in (out / "RUN.md").read_text()


def test_with_the_quantiser_there_are_four_bits_too(old, monkeypatch):
    monkeypatch.setattr(
        exporting, "quantise_further",
        lambda source, path: len(shutil.copy(source, path).name),
    )  # fmt: skip
    out = exporting.export(old, "gguf", log=quiet)
    assert (out / "tool_selection-Q4_K_M.gguf").is_file()
    assert "Q4_K_M" in (out / "RUN.md").read_text()


def test_the_modelfile_asks_with_the_prompt_that_the_template_renders(
    tiny_loaded, task
):
    """Its template read by hand: the head, then one question."""
    text = modelfile("x.gguf", tiny_loaded[1], task)
    template = text.partition('TEMPLATE """')[2].partition('"""')[0]
    head, _, turns = template.partition("{{ range .Messages }}")
    user, _, rest = turns.partition('{{ if eq .Role "user" }}')[2].partition("{{ else")
    end = rest.rpartition("{{ end }}{{ end }}")[2]
    made = head.replace('{{ "{{" }}', "{{") + user + end
    prompt = tiny_loaded[1].apply_chat_template(
        task.ask("Who won?")["prompt"], tools=list(task.tools),
        add_generation_prompt=True, tokenize=False,
    )  # fmt: skip
    assert "<bos>" + made.replace("{{ .Content }}", "Who won?") == prompt
    assert "FROM ./x.gguf" in text and "PARSER functiongemma" in text
    assert "PARAMETER stop <start_function_response>\n" in text


def test_interrupted_it_leaves_nothing_or_what_was_there(old, monkeypatch):
    there = sorted(old.parent.iterdir())
    write = gguf_file.write_gguf

    def stop(folder, path, kind, *given):
        if kind == "Q8_0":
            raise KeyboardInterrupt
        return write(folder, path, kind, *given)

    monkeypatch.setattr(exporting, "write_gguf", stop)
    with pytest.raises(KeyboardInterrupt):
        exporting.export(old, "gguf", log=quiet)
    assert sorted(old.parent.iterdir()) == there
    monkeypatch.setattr(exporting, "write_gguf", write)
    out = exporting.export(old, "gguf", log=quiet)
    whole = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    monkeypatch.setattr(exporting, "write_gguf", stop)
    with pytest.raises(KeyboardInterrupt):
        exporting.export(old, "gguf", log=quiet)
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == whole
    assert sorted(old.parent.iterdir()) == sorted([*there, out])


def test_stopped_from_outside_it_leaves_nothing(old):
    there = sorted(old.parent.iterdir())
    process = subprocess.Popen(
        [sys.executable, "-m", "toolcalling.share", "export", str(old), "--to", "gguf"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "notebooks")},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    until = time.monotonic() + 120
    while sorted(old.parent.iterdir()) == there and time.monotonic() < until:
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert sorted(old.parent.iterdir()) == there


def test_the_command_says_what_is_missing(old, tmp_path, capsys):
    def said(*arguments):
        assert command.main(["export", *map(str, arguments)]) == 1
        return capsys.readouterr().out

    assert "no model in 'nothing'" in said(tmp_path / "nothing", "--to", "gguf")
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "thesis.txt").write_text("years of work")
    assert "is no export" in said(old, "--to", "serve", "--out", papers)
    assert (papers / "thesis.txt").read_text() == "years of work"
    assert "beside the model" in said(old, "--to", "serve", "--out", old / "in")
    assert "beside the model" in said(old, "--to", "serve", "--out", tmp_path)
    assert "no task folder" in said(old, "--to", "gguf", "--task", "no-such-task")
    (old / "toolcalling.json").write_text('{"base": "tiny"}')
    assert "--task FOLDER" in said(old, "--to", "gguf")
    (old / "model.safetensors").write_bytes(b"cut")
    assert "model.safetensors" in said(old, "--to", "gguf", "--task", "tool_selection")
    with pytest.raises(SystemExit):
        command.main(["export", str(old), "--to", "abacus"])
    with pytest.raises(ValueError, match="no export to 'abacus'"):
        exporting.export(old, "abacus")
