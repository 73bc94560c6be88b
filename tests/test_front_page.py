"""What the generated blocks show of the records, and of records to come."""

import copy
import json
import string

import pytest
import torch
from transformers import Gemma3ForCausalLM, Gemma3TextConfig

import front_page
import series
from test_hardware import gpu as pretend_gpu
from test_readme import ENGLISH, READMES, TEXTS, tables
from toolcalling import evaluation, hardware

CORE = json.loads(series.RESULTS.read_text())
BENCH = json.loads(series.BENCH.read_text())
PARAMETERS, EMBEDDINGS = 268_098_176, 262_144 * 640  # of Gemma 3 270M


def changed(monkeypatch, tmp_path, name="README.md", core=CORE, bench=BENCH, gpu=None):
    """The blocks of a README if the records were these."""
    for file, content in (("RESULTS", core), ("BENCH", bench), ("GPU", gpu)):
        path = tmp_path / f"{file}.json"
        if content:
            path.write_text(json.dumps(content))
        monkeypatch.setattr(series, file, path)
    return series.pages(front_page.LANGUAGES[name])


def test_results_show_the_recorded_figures():
    row = tables(ENGLISH)[1][1]
    after = CORE["after"]
    silent = after["slices"]["no_tool"]
    shown = float(row[1].strip("*").partition("%")[0])
    assert shown == pytest.approx(100 * after["strict"], abs=0.05)
    due, none = (tuple(map(int, cell.strip("*").split("/"))) for cell in row[2:])
    assert none == (silent["correct"], silent["n"])
    assert (due[0] + none[0], due[1] + none[1]) == (after["correct"], after["n"])


def test_the_transcript_is_of_the_first_rows_and_marked_as_judged(
    monkeypatch, tmp_path, task
):
    rows = task.rows["test"]
    places = front_page.firsts(rows)
    assert [rows[i]["tool_name"] for i in places][0] == rows[0]["tool_name"]
    assert len(places) == 3 and not rows[places[2]]["calls"]
    before = {rows[i]["id"]: "An | *odd*\nreply" for i in places}
    made = changed(monkeypatch, tmp_path, core={**CORE, "before_replies": before})
    for line, i in zip(tables(made["transcript"])[0][1:], places, strict=True):
        right = [
            judged.outcome == "correct"
            for judged in evaluation.judge_rows(
                [before[rows[i]["id"]], CORE["replies"][i]], [rows[i]] * 2, task
            )
        ]
        marks = [part.rstrip()[-1] for part in line[2].split(" → ")]
        assert line[0] == rows[i]["user_content"]
        assert marks == ["✓" if x else "✗" for x in right]
        assert r"An | \*odd\* reply" in line[2]


def test_the_weak_points_are_counted_over_all_seeds():
    runs = series.runs()
    assert len(runs) == 5
    text = series.pages(front_page.ENGLISH)["limits"]
    leaks = CORE["measures"]["leak_rate"]
    assert f"{leaks['correct']} of {leaks['n']} internal" in text
    renamed = runs[0]["variants"]["renamed"]["outcomes"]
    assert f"{renamed.count('correct')} of {len(renamed)} right" in text
    right = [run["outcomes"].count("correct") for run in runs]
    results = series.pages(front_page.ENGLISH)["results"]
    for share in (sum(right) / 5, min(right), max(right)):
        assert f"{share / 300:.1%}" in results


@pytest.mark.parametrize("name", READMES)
def test_a_gpu_is_named_once_it_was_measured(monkeypatch, tmp_path, name):
    words = front_page.LANGUAGES[name]
    assert words["no_gpu"] in changed(monkeypatch, tmp_path, name)["speed"]
    gpu = {
        "run": {"gpu": "H100 X", "date": "2030-01-01"}, "training": {"minutes": 1.5},
        "ours-42": {"rows_per_second": 64.2}, "reference-42": {"rows_per_second": 20},
        "after": {"n": 300, "correct": 262},
    }  # fmt: skip
    made = changed(monkeypatch, tmp_path, name, gpu=gpu)["speed"]
    assert "H100 X" in made and "2030-01-01" in made and "3.2" in made
    assert words["no_gpu"] not in made


@pytest.mark.parametrize("name", READMES)
def test_a_notebook_not_yet_recorded_and_a_record_not_yet_made(
    monkeypatch, tmp_path, name
):
    words = front_page.LANGUAGES[name]
    book = {"name": "99b_new", "title": "New", "gain": "g", "colab": "https://c"}
    line = front_page.contents(words, CORE, [book])
    assert "**99b** [New](notebooks/99b_new.ipynb)" in line
    assert front_page.duration(None, words).capitalize() in line
    made = changed(monkeypatch, tmp_path, name, core=None, bench=None)
    assert made["results"] == made["speed"] == words["missing"]


def test_another_model_is_named_in_the_results(monkeypatch, tmp_path):
    core = copy.deepcopy(CORE)
    core["base"] = "functiongemma-270m-it"
    made = changed(monkeypatch, tmp_path, core=core)
    assert "`functiongemma-270m-it`, fine-tuned" in made["results"]
    assert "`functiongemma-270m-it`" in made["open"]
    assert "Gemma 3" not in made["open"] + made["results"] + made["limits"]


def machine_row(name):
    return next(row for row in tables(TEXTS["docs/hardware.md"])[0] if row[0] == name)


def chosen(name):
    """(matrix products in bfloat16, may use FlashAttention) by the table."""
    row = machine_row(name)
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
    ("name", "flags"),
    [
        ("CPU with AVX512-BF16 or AMX", {"amx_bf16": True}),
        ("another CPU", {}),
        ("Apple GPU", None),
    ],
)
def test_the_hardware_table_without_cuda(monkeypatch, name, flags):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: flags is None)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 2**34)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    found = hardware.detect()
    assert chosen(name) == (found.bf16, found.attention == "flash_attention_2")


def test_the_hardware_table_adds_up():
    for name, *_ in tables(TEXTS["docs/hardware.md"])[0][1:]:
        each = 18 if chosen(name)[0] else 16  # bytes, as the text beside it says
        whole = each * PARAMETERS
        frozen = whole - 12 * EMBEDDINGS  # no gradient, no moments
        assert machine_row(name)[3:] == [
            f"{x / 2**30:.1f} GiB" for x in (whole, frozen)
        ]
    config = Gemma3TextConfig(
        vocab_size=262_144, hidden_size=640, intermediate_size=2048, head_dim=256,
        num_hidden_layers=18, num_attention_heads=4, num_key_value_heads=1,
    )  # fmt: skip
    with torch.device("meta"):
        model = Gemma3ForCausalLM(config)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS
    assert model.get_input_embeddings().weight.numel() == EMBEDDINGS
    assert f"{PARAMETERS / 1e6:.0f}M parameters" in TEXTS["docs/hardware.md"]


def test_words_have_the_same_keys_and_placeholders():
    def shape(words):
        if isinstance(words, dict):
            return {key: shape(value) for key, value in words.items()}
        if isinstance(words, tuple):
            return [shape(value) for value in words]
        names = {name for _, name, _, _ in string.Formatter().parse(words)}
        return sorted(names - {None})

    one, other = (front_page.LANGUAGES[name] for name in READMES)
    for key in one.keys() | other.keys():
        if key not in ("machine", "notebooks"):
            assert shape(one[key]) == shape(other[key]), key


def test_every_notebook_has_japanese_words():
    words = front_page.LANGUAGES["README.ja.md"]["notebooks"]
    assert {name for name, *_ in series.SERIES} <= words.keys()
