"""The study: its recipe is notebook 04's, its runs are what they say."""

import ast
import json
from dataclasses import replace

import pytest
import torch

import series
import study as command
from toolcalling import models
from toolcalling.speed.prefix_cache import render_prompts
from toolcalling.study import (
    declarations,
    few_shot,
    plan,
    results,
    training_run,
    unseen_tools,
)
from toolcalling.study.plan import Run


def test_the_recipe_is_that_of_notebook_04():
    book = series.read(series.NOTEBOOKS / "04_finetuning.ipynb")
    calls = [
        node
        for cell in book.cells
        if cell.cell_type == "code" and "SFTConfig(" in cell.source
        for node in ast.walk(ast.parse(cell.source))
        if getattr(getattr(node, "func", None), "id", "") == "SFTConfig"
    ]
    written = {k.arg: ast.unparse(k.value) for k in calls[0].keywords}
    written |= {"max_length": "512", "num_train_epochs": "4"}  # variables there
    for name, value in plan.RECIPE.items():
        assert ast.literal_eval(written[name]) == value, name
    rest = set(written) - set(plan.RECIPE)
    assert rest == {"output_dir", "bf16", "use_cpu", "logging_steps", "report_to",
                    "seed", "save_strategy", "save_total_limit"}  # fmt: skip


def test_the_plan():
    runs = plan.every_run()
    assert len({run.key for run in runs}) == len(runs)
    whole = [r for r in runs if r.kind == "ours" and r.rows == plan.ALL]
    assert {r.seed for r in whole if r.split is None} == set(plan.SEEDS)
    assert {r.split for r in whole} == {None, 0, 1, 2, 3, 4}
    for kind in plan.ABLATIONS:
        seeds = plan.SEEDS[: 1 if kind in plan.VARIED else 3]
        assert [(r.rows, r.seed) for r in runs if r.kind == kind] == [
            (160, seed) for seed in seeds
        ]
    long = [run for run in runs if run.kind == plan.LONG]
    assert [(r.rows, r.seed) for r in long] == [(plan.FIRST, s) for s in plan.SEEDS[:3]]
    for rows in (*plan.CURVE, plan.FIRST):
        seeds = [r.seed for r in runs if (r.kind, r.rows) == ("ours", rows)]
        assert seeds == list(plan.SEEDS[:3])
    passes = [
        plan.recipe(Run(rows=n))["num_train_epochs"] for n in (20, 80, 160, 400, 1200)
    ]
    assert passes == [40, 12, 6, 6, 4]
    steps = {"ours": 120, "full sequence": 120, "reference": 320}
    assert {kind: plan.steps(Run(kind, 160)) for kind in steps} == steps
    long = Run(plan.LONG, plan.FIRST)
    assert [plan.steps(r) for r in (Run(rows=400), long, Run())] == [300, 600, 600]


def test_the_files_own_split(task):
    rows, own = plan.split_rows(Run(rows=80), task), task.rows
    assert tuple(rows["train"]) == own["train"][:80]
    assert tuple(rows["dev"]) == own["dev"][: plan.DEV]
    assert tuple(rows["test"]) == own["test"]
    assert tuple(plan.split_rows(Run(), task)["dev"]) == own["dev"]


def test_a_record_stays_valid_when_rows_are_added_behind(task):
    def changed(where, at):
        rows = {split: list(part) for split, part in task.rows.items()}
        rows[where].insert(
            at if at is not None else len(rows[where]),
            {**rows[where][0], "user_content": "new", "family": "new"},
        )
        return replace(task, rows=rows)  # fmt: skip

    kinds = (Run(rows=80), Run(rows=plan.FIRST), Run("zero-shot", rows=0),
             Run(plan.LONG, plan.FIRST))  # fmt: skip
    for run in kinds:
        before = plan.data_hash(run, task)
        for split in ("train", "dev"):
            assert plan.data_hash(run, changed(split, None)) == before, (run, split)
        assert plan.data_hash(run, changed("test", 0)) != before
        assert plan.data_hash(run, replace(task, developer="other")) != before
        if run.kind != "zero-shot":
            assert plan.data_hash(run, changed("train", 0)) != before
    assert plan.data_hash(Run(split=1), task) != plan.data_hash(
        Run(split=1), changed("train", None)
    )


def test_five_splits_keep_families_whole_and_test_every_row_once(task):
    tested = []
    for split in range(5):
        rows = plan.split_rows(Run(split=split), task)
        families = [{row["family"] for row in rows[part]} for part in rows]
        assert not families[0] & families[1]
        assert not (families[0] | families[1]) & families[2]
        assert 75 <= len(rows["dev"]) <= 80 and 1180 <= len(rows["train"]) <= 1200
        for part in ("train", "test"):
            none = sum(row["tool_name"] is None for row in rows[part])
            assert 0.1 < none / len(rows[part]) < 0.3
        tested += [row["id"] for row in rows["test"]]
    assert len(tested) == len(set(tested)) == 1740


def fields(run):
    """The names in a run's record."""
    found = ["run", "kind", "rows", "seed", "split", "base", "task", "data", "minutes"]
    found += ["device", "outcomes"]
    found += ["names", "choice", "call"] if plan.asked_closely(run) else []
    if plan.asked_closely(run) and run.kind not in plan.UNTRAINED:
        found += ["dev_choice", "dev_call", "dev_correct"]
    found += ["variants"] if plan.asked_with_variants(run) else []
    return {*found, *(["unseen"] if run in (Run(), Run("zero-shot", rows=0)) else [])}


@pytest.fixture
def small(tiny, task, monkeypatch):
    """(model, task): few rows and one epoch, on the tiny model."""
    sizes = {"train": 24, "dev": 4, "test": 6}
    few = {split: task.rows[split][:size] for split, size in sizes.items()}
    monkeypatch.setattr(plan, "STEPS", {plan.SMALL: 1, plan.FIRST: 1})
    monkeypatch.setitem(plan.RECIPE, "num_train_epochs", 1)
    monkeypatch.setitem(plan.ABLATIONS["reference"], "num_train_epochs", 1)
    prompts = unseen_tools.load_prompts()[:3]
    monkeypatch.setattr(unseen_tools, "load_prompts", lambda: prompts)
    return models.choose_model(tiny), replace(task, rows=few)


@pytest.mark.parametrize(
    "kind", ["ours", plan.LONG, plan.FRESH, *plan.ABLATIONS, *plan.UNTRAINED]
)
def test_every_kind_of_run_gives_a_whole_record(small, kind, tiny_loaded):
    machine = tiny_loaded[2]
    run = Run(kind, rows=0 if kind in plan.UNTRAINED else 16)
    record = json.loads(json.dumps(training_run.perform(run, *small, machine)))
    assert record["run"] == run.key and record["base"] == small[0].name
    assert set(record) == fields(run)
    for name in {"outcomes", "names", "choice", "call"} & set(record):
        assert len(record[name]) == 6, name
    assert all(score < 0 for pair in record.get("choice", ()) for score in pair)
    if kind == "zero-shot":
        assert set(record["unseen"]) == {f"unseen-00{i}" for i in (1, 2, 3)}
        assert len(record["variants"]["flipped"]["outcomes"]) == 6


def test_the_mean_of_the_seeds_is_one_model(small, tiny_loaded, monkeypatch, tmp_path):
    """Seeds whose weights are kept are not trained again."""
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path))
    monkeypatch.setattr(plan, "SEEDS", (1, 2))
    trained, train = [], training_run.train

    def noted(run, model, *rest):
        trained.append((run.seed, model.get_input_embeddings().weight[5, 5].item()))
        train(run, model, *rest)

    monkeypatch.setattr(training_run, "train", noted)
    training_run.perform(Run(seed=1), *small, tiny_loaded[2])
    record = training_run.perform(Run(plan.MEAN), *small, tiny_loaded[2])
    assert [seed for seed, _ in trained] == [1, 2] and len({x for _, x in trained}) == 1
    assert set(record) == fields(Run(plan.MEAN))
    kept = [torch.load(path, weights_only=True) for path in tmp_path.rglob("*.pt")]
    model, tokenizer = models.load_model(small[0], tiny_loaded[2])
    training_run.mean_of_seeds(model, tokenizer, *small, tiny_loaded[2])
    for name, weight in model.state_dict().items():
        assert torch.allclose(weight, (kept[0][name] + kept[1][name]) / 2)
    assert len(trained) == 2 and len(kept) == 2


def test_the_first_run_is_asked_most(small, tiny_loaded):
    record = training_run.perform(Run(), *small, tiny_loaded[2])
    assert set(record) == fields(Run())
    assert len(record["dev_choice"]) == 4
    assert set(record["variants"]["flipped"]) == {"outcomes", "names"}
    assert set(record["variants"]["flipped, grammar"]) == {"outcomes"}


def test_the_file_holds_what_the_runs_write(task):
    records = results.load(task, needed=plan.every_run())
    assert list(records) == [run.key for run in plan.every_run()]
    for run in plan.every_run():
        assert set(records[run.key]) == fields(run)


def test_more_contrast_has_as_many_rows_in_whole_families(task):
    rows = plan.split_rows(Run("more contrast", rows=160), task)["train"]
    every = task.rows["train"]
    assert len({row["id"] for row in rows}) == len(rows) and 157 <= len(rows) <= 160
    kinds = [row["slice"] for row in rows]
    assert kinds.count("triple") > 30 and "plain" not in kinds
    triples = {row["family"] for row in rows if row["slice"] == "triple"}
    assert sum(row["family"] in triples for row in rows) == sum(
        row["family"] in triples for row in every
    )


def test_varied_tools_differ_by_family_and_never_use_the_tests_words(task):
    rows = task.rows["train"]
    varied = declarations.varied_tools(rows, task, seed=1)
    assert varied == declarations.varied_tools(rows, task, seed=1)
    by_family = {}
    for row, own in zip(rows, varied, strict=True):
        assert by_family.setdefault(row["family"], own) == own
        assert {t["function"]["name"] for t in own.task.tools} == set(
            declarations.WORDINGS
        )
        assert own.task.developer == task.developer
    assert len({json.dumps(own.task.tools) for own in by_family.values()}) == 2 * 4 * 4
    tested = json.dumps([v.task.tools for v in declarations.variants(task)[2:3]])
    for words in declarations.WORDINGS.values():
        assert not any(text in tested for text in words)


def test_varied_names_stand_in_schema_policy_and_call(task):
    rows = task.rows["train"]
    varied = declarations.varied_tools(rows, task, seed=1, names=True)
    shown = set()
    for row, own in zip(rows, varied, strict=True):
        made = declarations.conversation(row, own)
        names = {tool["function"]["name"] for tool in made["tools"]}
        shown |= names
        assert all(name in made["prompt"][0]["content"] for name in names)
        for call in made["completion"][0].get("tool_calls", ()):
            assert call["function"]["name"] == own.expected[row["tool_name"]]
            assert call["function"]["name"] in names
    assert len(shown) == 6
    kept = sum(
        own.expected[declarations.COMPANY] == declarations.COMPANY for own in varied
    )
    assert 0.35 < kept / len(rows) < 0.65
    assert not shown & set(declarations.RENAMED.values())


def test_examples_in_the_prompt(tiny_loaded, task):
    rows = task.rows
    shown = few_shot.examples(rows["train"])
    assert [row["slice"] for row in shown] == [
        "contrast", "contrast", "cue_reversed", "no_tool"
    ]  # fmt: skip
    asked = task.conversation(rows["dev"][0])
    made = few_shot.with_examples(asked, shown, task)
    text = render_prompts(tiny_loaded[1], [made])[0]
    assert text.count("<start_of_turn>user") == 5
    assert text.count("<start_function_call>") == 3
    assert text.endswith(render_prompts(tiny_loaded[1], [asked])[0].split(
        "<start_of_turn>user")[-1])  # fmt: skip


def test_better_descriptions_change_nothing_else(tools):
    made = declarations.described(tools, few_shot.BETTER)
    for tool, better in zip(tools, made, strict=True):
        assert better["function"]["description"] != tool["function"]["description"]
        better["function"]["description"] = tool["function"]["description"]
        assert better == tool


def test_the_file_keeps_the_plans_order_and_refuses_other_data(
    tmp_path, monkeypatch, small
):
    monkeypatch.setattr(command, "TARGET", tmp_path / "study.jsonl")
    choice, task = small
    runs = plan.every_run()[:3]
    keys = [run.key for run in runs]
    records = {
        run.key: {"run": run.key, **vars(run), "base": choice.name,
                  "data": plan.data_hash(run, task), "outcomes": ["correct", "cut"],
                  "variants": {"flipped": {"outcomes": ["no_call", "malformed"]}}}
        for run in reversed(runs)
    }  # fmt: skip
    command.save(records)
    assert command.done(*small) == {key: records[key] for key in keys}
    assert '"outcomes": "07"' in command.TARGET.read_text()
    records[keys[0]]["data"] = "another"
    command.save(records)
    with pytest.raises(SystemExit, match="other data"):
        command.done(*small)
    assert [p.name for p in tmp_path.iterdir()] == ["study.jsonl"]
