"""make exam: the sealed exam, once for each released recipe; data/results/exam.json.

exam.py          the model that notebook 04 saved, if its recipe has not sat it yet
exam.py FOLDER   the model of this folder

Nothing else opens data/sealed_exam. Prompts and replies are neither printed nor kept,
only what came of each, so that no later training can be led by them.
"""

import hashlib
import json
import os
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

os.environ.setdefault("TQDM_DISABLE", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "notebooks")]

from toolcalling import (  # noqa: E402
    evaluation,
    hardware,
    models,
    tasks,
    workspace,
)
from toolcalling.judging.decisions import saved_line  # noqa: E402
from toolcalling.rows.forms import examples  # noqa: E402

ROWS = ROOT / "data" / "sealed_exam" / "rows.jsonl"
RECORD = ROOT / "data" / "results" / "exam.json"
# Of what a saved model notes, what another training would have to change.
RECIPE = (
    "base", "task", "data", "rows", "epochs", "trainer", "frozen", "averaged", "call_line",
)  # fmt: skip
MESSY = "messy"  # the slice of messages as employees write them


def read(path, task):
    """(rows as the task has them, sha256 of the file)."""
    content = path.read_bytes()
    rows = []
    for line in content.decode().splitlines():
        made, faults = examples(json.loads(line), list(task.tools), None)
        if faults:
            raise ValueError(f"{path.name}: {faults[0]}")
        rows += made
    return rows, hashlib.sha256(content).hexdigest()


def recipe_of(folder):
    """{setting: value} of a saved model; RuntimeError where there is none."""
    noted = models.made_from(folder)
    return {key: noted[key] for key in RECIPE if key in noted}


def sit(folder, task, path=ROWS, record=RECORD, asked=evaluation.generate_replies):
    """Ask the model in folder everything once; its entry of the record.

    RuntimeError where a model of the same recipe has sat this exam.
    """
    recipe, machine = recipe_of(folder), hardware.detect()
    kept = json.loads(record.read_text()) if record.is_file() else []
    rows, seal = read(path, task)
    for entry in kept:
        if (entry["recipe"], entry["exam_sha256"]) == (recipe, seal):
            raise RuntimeError(
                f"This recipe sat the exam on {entry['date']}, and {record.name} has "
                "its result. An exam that is sat twice is one more dev set."
            )
    model, tokenizer = models.load_model(folder, machine)
    line = saved_line(folder)
    task = replace(task, rows={**task.rows, "test": tuple(rows)})
    replies = asked(
        model, tokenizer, task.conversations("test"), machine,
        call_line=line.high if line else None,
    )  # fmt: skip
    judged = evaluation.judge_rows(replies, rows, task)
    parts = {
        name: figures([pair for pair in zip(rows, judged, strict=True)
                       if (pair[0]["slice"] == MESSY) == messy], task)
        for name, messy in (("exam", False), (MESSY, True))
    }  # fmt: skip
    entry = {
        "recipe": recipe, "exam_sha256": seal, "date": date.today().isoformat(),
        **parts, "outcomes": [j.outcome for j in judged],
    }  # fmt: skip
    workspace.save_json(record, [*kept, entry])
    return entry


def figures(pairs, task):
    """Score and measures of (row, judgement) pairs."""
    rows, judged = zip(*pairs, strict=True)
    measured = evaluation.measures(rows, judged, task)
    return {
        **evaluation.score(rows, judged),
        **{name: measured[name] for name in ("no_tool_specificity", "leak_rate")},
    }


def main(arguments):
    task = tasks.load_task(tasks.BUILT_IN)
    choice = models.choose_model("embedded")
    given = arguments[0] if arguments else None
    folder = Path(given or workspace.folder(choice, task) / "finetuned")
    try:
        entry = sit(folder, task)
    except RuntimeError as error:
        sys.exit(str(error))
    for name in ("exam", MESSY):
        part = entry[name]
        print(
            f"{name}: {part['correct']} of {part['n']}, "
            f"{part['wilson'][0]:.1%} to {part['wilson'][1]:.1%}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
