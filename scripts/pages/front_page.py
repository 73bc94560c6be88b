"""The generated blocks of READMEs and docs: the recorded figures, in any language.

Plain functions of what data/ holds and of a table of words; series.py puts what they
return between the pages' marks.
"""

import html
import re
import sys
from pathlib import Path

from front_words import ENGLISH, LANGUAGES

sys.path.insert(0, str(Path(__file__).parents[2] / "notebooks"))
from toolcalling.calls import parse_reply  # noqa: E402

__all__ = ["ENGLISH", "LANGUAGES", "blocks", "duration", "firsts"]

INTERNAL, PUBLIC = "search_knowledge_base", "search_google"
NO_TOOL = "no tool"
EMBEDDED = {"gemma-3-270m-embedded": "Gemma 3 270M"}  # needs no account

# Columns of docs/hardware.md, which is in English only: kinds of training.
MEMORY = {
    "reference": "reference", "ours": "ours", "frozen": "ours, embeddings frozen",
    "checkpointed": "frozen, activations recomputed",
}  # fmt: skip


def blocks(words, core, bench, gpu, helpdesk, notebooks, runs, rows, unseen):
    """{name: content} of every generated block in the language of words.

    core, bench, gpu, helpdesk: contents of the files of these names, or None.
    notebooks: [{"name", "title", "gain", "colab"}].
    runs: the study's records of the recorded recipe, one a seed.
    rows: {"train": [...], "test": [...]} of the task; unseen: prompts of other tools.
    """
    made = {"notebooks": contents(words, core, notebooks)}
    for name, function, needed in (
        ("open", opening, (core, notebooks, rows)),
        ("transcript", transcript, (core, rows)),
        ("results", results, (core, runs, helpdesk)),
        ("limits", limits, (core, runs, rows, unseen)),
        ("speed", speed, (bench, gpu)),
        ("memory", memory, (bench,)),
    ):  # fmt: skip
        there = needed[0] is not None
        made[name] = function(words, *needed) if there else words["missing"]
    return made


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine(text, words):
    """A machine's description in the language of words."""
    for pattern, replacement in words["machine"]:
        text = re.sub(pattern, replacement, text)
    return text


def duration(minutes, words=ENGLISH):
    """Minutes, or None, in words."""
    unknown, short, one, many = words["duration"]
    if minutes is None:
        return unknown
    if minutes < 1.5:
        return short if minutes < 1 else one
    return many.format(f"{minutes:.0f}")


def model(core):
    """The measured model's name."""
    return EMBEDDED.get(core["base"], f"`{core['base']}`")


def opening(words, core, notebooks, rows):
    """The button that trains, and what that takes."""
    book = next(book for book in notebooks if "finetuning" in book["name"])
    image = "https://colab.research.google.com/assets/colab-badge.svg"
    text = words["open"].format(
        model=model(core), rows=len(rows["train"]), n=book["name"].partition("_")[0],
        minutes=core["training"]["minutes"], date=core["run"]["date"],
        machine=machine(core["run"]["machine"], words),
    )  # fmt: skip
    text += words["embedded"] if core["base"] in EMBEDDED else ""
    return f"[![{words['badge']}]({image})]({book['colab']})\n\n{text}"


def firsts(rows):
    """Places of the first row due each tool, and of the first due none."""
    due = [row["tool_name"] for row in rows]
    return [due.index(name) for name in dict.fromkeys(due)]


def transcript(words, core, rows):
    """The first test prompt of each kind, with the replies before and after."""
    lines = []
    for place in firsts(rows["test"]):
        row = rows["test"][place]
        before = core.get("before_replies", {}).get(row["id"], "")
        due = row["tool_name"] or NO_TOOL
        said = (reply(text, due, words) for text in (before, core["replies"][place]))
        lines.append((cell(row["user_content"]), words["tools"][due], " → ".join(said)))
    return table(words["transcript"], lines)


def reply(text, due, words):
    """What a reply calls or says, and whether that is the tool due."""
    parsed = parse_reply(text)
    name, said = NO_TOOL, parsed.content
    for call in parsed.calls[:1]:
        name, said = call.name, ", ".join(map(str, call.arguments.values()))
    said = " ".join(said.split())
    said = said if len(said) < 80 else said[:40].rstrip() + "…"
    said = words["said"].format(cell(said)) if said else ""
    right = name == due and len(parsed.calls) < 2 and not parsed.problems
    return f"**{words['tools'][name]}**{said} {'✓' if right else '✗'}"


def cell(text):
    """Text for a table's cell, nothing of it Markdown or HTML."""
    return re.sub(r"([|*_`\[\]])", r"\\\1", html.escape(text, quote=False))


def results(words, core, runs, helpdesk):
    """Before and after beside two baselines that understand nothing; other seeds."""
    rows = []
    for key, name in words["methods"].items():
        score, mark = core[key], "**" if key == "after" else ""
        silent = score["slices"]["no_tool"]
        called = score["correct"] - silent["correct"], score["n"] - silent["n"]
        cells = (
            name.format(model=model(core)), f"{score['strict']:.1%}",
            f"{called[0]}/{called[1]}", f"{silent['correct']}/{silent['n']}",
        )  # fmt: skip
        rows.append([f"{mark}{text}{mark}" for text in cells])
        rows[-1][1] += f" ({words['range'].format(*score['wilson'])})"
    header = [text.format(n=core["after"]["n"]) for text in words["results"]]
    paired = core["mcnemar_tfidf"]
    text = words["paired"].format(
        better=paired["fixed"], worse=paired["broken"], p=f"{paired['p']:.0g}"
    )
    if len(runs) > 1:
        right = [r["outcomes"].count("correct") / len(r["outcomes"]) for r in runs]
        ends = {"mean": sum(right) / len(right), "low": min(right), "high": max(right)}
        text = words["seeds"].format(n=len(runs), **ends) + text
    if helpdesk:
        score = helpdesk["after"]["strict"]
        ends = words["range"].format(*score["wilson"])
        text += words["helpdesk"].format(**score, range=ends)
    return f"{table(header, rows)}\n\n{text}"


def limits(words, core, runs, rows, unseen):
    """What the model does badly, and what was not measured, as a list."""
    made = {"base": {}} if core["base"] in EMBEDDED else {}
    if runs:
        due = [row["tool_name"] for row in rows["test"]]
        judged = [list(zip(due, run["names"], run["outcomes"])) for run in runs]
        leaks = [sum(d == INTERNAL and PUBLIC in n for d, n, _ in j) for j in judged]
        silent = [sum(not d and o == "correct" for d, _, o in j) for j in judged]
        for name, measure, counts in (
            ("leaks", "leak_rate", leaks), ("silent", "no_tool_specificity", silent),
        ):  # fmt: skip
            ends = {"low": min(counts), "high": max(counts)}
            made[name] = core["measures"][measure] | ends
        first = next(run for run in runs if "variants" in run)
        renamed = first["variants"]["renamed"]["outcomes"]
        made["renamed"] = {"right": renamed.count("correct"), "n": len(renamed)}
        wrong = [first["unseen"][p["id"]] for p in unseen if p["accepted"]]
        made["unseen"] = {"right": wrong.count(None), "n": len(wrong)}
    made["scope"] = {}
    return "\n".join(f"- {words['limits'][key].format(**made[key])}" for key in made)


def contents(words, core, notebooks):
    """The list of notebooks, and how long all of them take."""
    run = (core or {}).get("run", {"minutes": {}, "machine": ""})
    lines = []
    for book in notebooks:
        name, own = book["name"], (book["title"], book["gain"])
        title, gain = words["notebooks"].get(name, own)
        lines.append(
            words["notebook"].format(
                number=name.partition("_")[0], title=title, gain=gain,
                path=f"notebooks/{name}.ipynb", colab=book["colab"],
                time=duration(run["minutes"].get(name), words).capitalize(),
            )
        )  # fmt: skip
    known = [run["minutes"].get(book["name"], 0) for book in notebooks]
    if any(known):
        lines += ["", words["together"].format(minutes=sum(known))]
    return "\n".join(lines)


def tool_counts(bench, part):
    """Numbers of tools for which a part of the benchmark is there."""
    found = (re.fullmatch(rf"{part}-(\d+)", key) for key in bench)
    return sorted(int(match[1]) for match in found if match)


def measured_on(words, bench):
    """Machine and date of the benchmark, for the texts' placeholders."""
    run = bench["run"]  # its first line: "device     cpu: NAME, CORES, GiB"
    name = run["machine"].splitlines()[0].partition(": ")[2]
    return {"machine": machine(name, words), "date": run["date"]}


def speed(words, bench, gpu):
    """Training's times as fast, over the numbers of tools."""
    ends = measured_on(words, bench)
    for name in ("ratio", "ratio_equal_batch"):
        ratios = [bench[f"train-{n}"][name] for n in tool_counts(bench, "train")]
        ends |= {f"{name}_low": min(ratios), f"{name}_high": max(ratios)}
    text = words["speed"].format(**ends)
    if gpu is None:
        return text + words["no_gpu"]
    ours, reference = (
        gpu[name]["rows_per_second"] for name in ("ours-42", "reference-42")
    )
    return text + words["gpu"].format(
        **gpu["run"], seconds=60 * gpu["training"]["minutes"], ratio=ours / reference,
        right=gpu["after"]["correct"], n=gpu["after"]["n"],
    )  # fmt: skip


def memory(words, bench):
    """Peak memory of training, the reference recipe's and ours."""
    rows = []
    for n in tool_counts(bench, "memory-reference"):
        gib = [bench[f"memory-{kind}-{n}"]["gib"] for kind in MEMORY]
        shares = [f"{g:.1f} GiB ({g / gib[0]:.0%})" for g in gib[1:]]
        rows.append((n, f"{gib[0]:.1f} GiB", *shares))
    where = "Measured on {machine}, {date}.".format(**measured_on(words, bench))
    return f"{table(('tools', *MEMORY.values()), rows)}\n\n{where}"
