"""The file for LiteRT-LM, as far as it goes without its 2 GB of packages.

The converter is a stand-in here, which notes what it is given; what the real one made is
in data/results/deploy.json.
"""

import json
import sys
import types

import pytest

from toolcalling import models
from toolcalling.share import export as exporting
from toolcalling.share import litert


def quiet(text):
    """For log."""


@pytest.fixture
def converter(monkeypatch):
    """What stands in for litert-torch; the arguments that it was called with."""
    given = {}

    def export(model, output_dir, **settings):
        given.update(settings, model=model)
        print("much noise")
        if given.get("broken"):
            raise OSError("no room")
        (litert.Path(output_dir) / "model.litertlm").write_bytes(b"weights")

    name, parents = "litert_torch.generative.export_hf", []
    for part in name.split("."):
        parents.append(part)
        made = types.ModuleType(".".join(parents))
        made.__path__ = []
        made.__spec__ = types.SimpleNamespace()
        monkeypatch.setitem(sys.modules, made.__name__, made)
    sys.modules[name].export = types.SimpleNamespace(export=export)
    schema = types.ModuleType("ai_edge_litert")
    schema.schema_py_generated = object()
    monkeypatch.setitem(sys.modules, "ai_edge_litert", schema)
    return given


def test_without_its_packages_it_says_which_and_leaves_nothing(taught, tmp_path, task):
    out = tmp_path / "out"
    with pytest.raises(RuntimeError, match="pip install litert-torch=="):
        exporting.export(taught, "litert", task.name, out, log=quiet)
    assert not out.exists() and not list(tmp_path.iterdir())


def test_a_whole_folder_with_template_and_stop_tokens(
    taught, tmp_path, task, converter, capsys
):
    out = exporting.export(taught, "litert", task.name, tmp_path / "out", log=quiet)
    assert sorted(path.name for path in out.iterdir()) == [
        "RUN.md", "chat_template.jinja", "self_test.json", f"{task.name}.litertlm",
    ]  # fmt: skip
    assert (out / f"{task.name}.litertlm").read_bytes() == b"weights"
    assert f"{task.name}.litertlm" in (out / "RUN.md").read_text()
    assert "much noise" not in capsys.readouterr().out
    said = converter["litert_lm_llm_metadata_override"]
    tokenizer = models.load_tokenizer(taught)
    for text in ("<eos>", "<end_of_turn>", "<start_function_response>"):
        number = tokenizer.convert_tokens_to_ids(text)
        assert f"stop_tokens {{ token_ids {{ ids: {number} }} }}" in said
    (template,) = [
        line.partition(": ")[2]
        for line in said.splitlines()
        if line.startswith("jinja_prompt_template")
    ]
    assert json.loads(template) == (out / "chat_template.jinja").read_text()
    assert "tensorflow" not in sys.modules


def test_a_converter_that_fails_leaves_what_was_there(
    taught, tmp_path, task, converter
):
    out = exporting.export(taught, "litert", task.name, tmp_path / "out", log=quiet)
    before = (out / "self_test.json").read_bytes()
    (out / "mine.txt").write_text("kept")
    converter["broken"] = True
    with pytest.raises(RuntimeError, match="could not be written"):
        exporting.export(taught, "litert", task.name, out, log=quiet)
    assert (out / "self_test.json").read_bytes() == before
    assert (out / "mine.txt").read_text() == "kept"
