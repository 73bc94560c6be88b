"""A saved model made ready for another runtime: one folder that has all it needs."""

import json
import shutil
from pathlib import Path

from .. import hardware, models, tasks
from ..decoding.grammar import gbnf_grammar
from ..workspace import shown, whole_folder
from .client_format import for_clients
from .gguf_file import quantise_further, write_gguf
from .gguf_words import how_to_run, modelfile, prompt_around
from .self_test import make_self_test

CARD, SELF_TEST = "README.md", "self_test.json"


def export(folder, to, task=None, out=None, log=print):
    """Write what a runtime needs of the saved model in folder; returns the new folder.

    to: one of TARGETS. task: name or folder of the task it was tuned for, None for the
    one that it names itself. out: the folder to write, None for one beside. It takes
    its place when all is written; RuntimeError or ValueError names the step that is
    missing, and what was there before is then untouched.
    """
    if to not in TARGETS:
        raise ValueError(f"There is no export to {to!r}: {', '.join(TARGETS)}.")
    folder = Path(folder).resolve()
    if not (folder / "config.json").is_file():
        raise RuntimeError(
            f"There is no model in {folder.name!r}. Name the folder that notebook 04 "
            "saved."
        )
    noted = models.made_from(folder)
    task = task or noted.get("task")
    if not task:
        raise RuntimeError(
            f"The model in {folder.name!r} does not name the task it was tuned for. Name "
            "it: --task FOLDER."
        )
    task = tasks.load_task(task, log=lambda note: None)
    if noted.get("data") not in (None, task.hash):
        log(f"The files of {task.name} have changed since this model was tuned.")
    out = Path(out).resolve() if out else folder.with_name(f"{folder.name}-{to}")
    _check_place(out, folder)
    machine = hardware.detect()
    model, tokenizer = models.load_model(folder, machine)
    for_clients(tokenizer)
    with whole_folder(out) as beside:
        log("Asking the model the ten questions of the self-test ...")
        questions = make_self_test(model, tokenizer, task, machine)
        del model
        text = json.dumps(questions, indent=1, ensure_ascii=False)
        (beside / SELF_TEST).write_text(text + "\n", encoding="utf-8")
        TARGETS[to](folder, beside, tokenizer, task, log)
        for card in (folder / CARD, folder.parent / "hub" / CARD):
            if card.is_file():
                shutil.copy(card, beside / CARD)
                break
        else:
            log("No model card there: notebook 06 writes one.")
    right = sum(question["right"] for question in questions)
    log(
        f"{shown(out)}: the self-test's calls are right in {right} of {len(questions)}."
    )
    return out


def _check_place(out, folder):
    """RuntimeError where writing out would take something else away."""
    if out == folder or out in folder.parents or folder in out.parents:
        raise RuntimeError("Export to a folder beside the model, not around or in it.")
    if out.exists() and not (out / SELF_TEST).is_file():
        raise RuntimeError(
            f"{out.name!r} is there already and is no export. Name another folder."
        )


def _serve(folder, beside, tokenizer, task, log):
    """The model's files, read by `transformers serve` as a client expects."""
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, beside)
    tokenizer.save_pretrained(beside)


def _gguf(folder, beside, tokenizer, task, log):
    """F16, Q8_0, and Q4_K_M where llama.cpp's quantiser is; Modelfile, grammar."""
    names = {kind: f"{task.name}-{kind}.gguf" for kind in ("Q8_0", "F16", "Q4_K_M")}
    prompt = prompt_around(tokenizer, task)
    for kind in ("F16", "Q8_0"):
        size = write_gguf(folder, beside / names[kind], kind, tokenizer, prompt)
        log(f"{names[kind]}: {size / 1e6:.0f} MB")
    try:
        size = quantise_further(beside / names["F16"], beside / names["Q4_K_M"])
        log(f"{names['Q4_K_M']}: {size / 1e6:.0f} MB")
    except RuntimeError as error:
        log(f"No Q4_K_M: {error}")
        del names["Q4_K_M"]
    written = {
        "chat_template.jinja": tokenizer.chat_template,
        "Modelfile": modelfile(names["Q8_0"], tokenizer, task),
        "RUN.md": how_to_run(list(names.values()), task),
    }
    try:
        written["grammar.gbnf"] = gbnf_grammar(list(task.tools))
    except ValueError as error:
        log(f"No grammar.gbnf: {error}")
    for name, text in written.items():
        (beside / name).write_text(text, encoding="utf-8")


TARGETS = {"gguf": _gguf, "serve": _serve}
