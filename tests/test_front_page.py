"""What the READMEs' generated blocks show of the records, and of records to come."""

import copy
import json
import string

import pytest
import torch

import front_page
import series
from test_hardware import gpu as pretend_gpu
from test_readme import ENGLISH, TEXTS, tables
from toolcalling import hardware

CORE = json.loads(series.RESULTS.read_text())
BENCH = json.loads(series.BENCH.read_text())


def test_results_show_the_recorded_figures():
    row = next(r for r in tables(ENGLISH)[0] if r[0] == "**after fine-tuning**")
    after = CORE["after"]
    silent = after["slices"]["no_tool"]
    assert float(row[1].rstrip("%")) == pytest.approx(100 * after["strict"], abs=0.05)
    due, none = (tuple(map(int, cell.split("/"))) for cell in row[3:])
    assert none == (silent["correct"], silent["n"])
    assert (due[0] + none[0], due[1] + none[1]) == (after["correct"], after["n"])


def changed(core=CORE, bench=BENCH, gpu=None, name="README.md", extra=()):
    return front_page.blocks(
        front_page.LANGUAGES[name], core, bench, gpu, [*series.notebook_rows(), *extra]
    )


@pytest.mark.parametrize("name", TEXTS)
def test_other_seeds_stand_beside_the_run(name):
    words = front_page.LANGUAGES[name]
    one = front_page.blocks(words, CORE, BENCH, None, [], [0.8])["results"]
    three = front_page.blocks(words, CORE, BENCH, None, [], [0.8, 0.9, 0.75])["results"]
    assert three.startswith(one)
    for figure in ("3", "81.7%", "75.0%", "90.0%"):
        assert figure in three.removeprefix(one)
    assert len(series.seeds()) == 5 and all(0 < share < 1 for share in series.seeds())


@pytest.mark.parametrize("name", TEXTS)
def test_a_gpu_is_named_once_it_was_measured(name):
    assert "H100 X" not in json.dumps(changed(name=name))
    gpu = {"run": {"gpu": "H100 X", "date": "2030-01-01"}, "train-2": {"ratio": 3.21}}
    made = changed(gpu=gpu, name=name)
    assert "H100 X" in made["measured"] and "2030-01-01" in made["measured"]
    assert "3.2" in made["hardware"]
    assert front_page.LANGUAGES[name]["no_gpu"] not in made["hardware"]


@pytest.mark.parametrize("name", TEXTS)
def test_a_notebook_not_yet_recorded_and_a_record_not_yet_made(name):
    extra = {"name": "99_new", "title": "New", "gain": "g", "gpu": True, "badges": "b"}
    row = changed(name=name, extra=[extra])["notebooks"].splitlines()[-3]
    assert "[New](notebooks/99_new.ipynb)" in row
    assert front_page.duration(None, front_page.LANGUAGES[name]) in row
    made = changed(core=None, bench=None, name=name)
    assert made["results"] == made["bench"] == front_page.LANGUAGES[name]["missing"]


def test_another_model_is_named_in_the_results():
    core = copy.deepcopy(CORE)
    core["base"] = "functiongemma-270m-it"
    made = changed(core=core)
    assert "none of this" not in made["results"]
    assert "`functiongemma-270m-it`" in made["results"]
    row = next(r for r in tables(made["measured"])[0] if r[0] == "FunctionGemma itself")
    assert row[1] == "`functiongemma-270m-it`"


def chosen(name):
    """(matrix products in bfloat16, may use FlashAttention) by the table."""
    machine = front_page.ENGLISH["machines"].get(name, name)
    row = next(r for table in tables(ENGLISH) for r in table if r[0] == machine)
    return row[1] == "bfloat16", "flash_attention_2" in row[2]


@pytest.mark.parametrize(
    ("name", "capability"),
    [("T4", (7, 5)), ("A100", (8, 0)), ("L4", (8, 9)), ("H100", (9, 0))],
)
def test_the_hardware_table_says_what_the_code_chooses(monkeypatch, name, capability):
    found = pretend_gpu(monkeypatch, capability, "works")
    assert chosen(name) == (found.bf16, found.attention == "flash_attention_2")
    assert pretend_gpu(monkeypatch, capability).attention == "sdpa"


@pytest.mark.parametrize(
    ("name", "flags"), [("cpu bf16", {"amx_bf16": True}), ("cpu", {}), ("mps", None)]
)
def test_the_hardware_table_without_cuda(monkeypatch, name, flags):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: flags is None)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 2**34)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    found = hardware.detect()
    assert chosen(name) == (found.bf16, found.attention == "flash_attention_2")


def test_memory_is_of_this_model():
    book = series.read(series.NOTEBOOKS / "01_environment_setup.ipynb")
    printed = json.dumps([c.get("outputs") for c in book.cells])
    assert f"{front_page.PARAMETERS / 1e6:.0f} million" in printed
    assert f"{front_page.EMBEDDINGS / front_page.PARAMETERS:.0%}" in printed


def test_words_have_the_same_keys_and_placeholders():
    def shape(words):
        if isinstance(words, dict):
            return {key: shape(value) for key, value in words.items()}
        if isinstance(words, tuple):
            return [shape(value) for value in words]
        names = {name for _, name, _, _ in string.Formatter().parse(words)}
        return sorted(names - {None})

    for key in front_page.ENGLISH.keys() | front_page.LANGUAGES["README.ja.md"].keys():
        if key not in ("machine", "notebooks"):
            one, other = (shape(words[key]) for words in front_page.LANGUAGES.values())
            assert one == other, key


def test_every_notebook_has_japanese_words():
    words = front_page.LANGUAGES["README.ja.md"]["notebooks"]
    assert {name for name, *_ in series.SERIES} <= words.keys()
