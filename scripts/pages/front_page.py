"""The READMEs' generated blocks: tables of the recorded figures, in any language.

Plain functions of what data/results holds and of a table of words; series.py puts
what they return between the READMEs' marks.
"""

import re

from front_words import ENGLISH, LANGUAGES

__all__ = ["ENGLISH", "LANGUAGES", "MACHINES", "blocks", "duration"]

PARAMETERS, EMBEDDINGS = 268_098_176, 262_144 * 640  # of Gemma 3 270M
STATE, COPIES = 16, 2  # bytes: weight, gradient, two moments; bfloat16 copy

# machine: (matrix products in bfloat16, FlashAttention where it is installed),
# as toolcalling.hardware chooses.
MACHINES = {
    "cpu bf16": (True, False),
    "cpu": (False, False),
    "T4": (False, False),
    "L4": (True, True),
    "A100": (True, True),
    "H100": (True, True),
    "mps": (False, False),
}


def blocks(words, core, bench, gpu, notebooks, seeds=()):
    """{name: content} of one README's generated blocks.

    core, bench, gpu: contents of core.json, bench.json, bench_gpu.json, or None.
    notebooks: [{"name", "title", "gain", "gpu": is one used, "badges"}].
    seeds: strict accuracy, 0 to 1, of each run of the same recipe.
    """
    made = {
        "notebooks": contents(words, core, notebooks),
        "hardware": hardware(words, gpu),
    }
    for name, function, needed in (
        ("results", results, (core, seeds)),
        ("memory", memory, (bench,)),
        ("measured", measured, (core, bench, gpu)),
        ("bench", speed, (bench,)),
    ):
        there = core is not None if name == "results" else bench is not None
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


def results(words, core, seeds):
    """Before and after beside two baselines that understand nothing; other seeds."""
    rows = []
    for key, name in words["methods"].items():
        score = core[key]
        silent = score["slices"]["no_tool"]
        due = score["n"] - silent["n"], score["correct"] - silent["correct"]
        rows.append(
            (
                name,
                f"{score['strict']:.1%}",
                between(score["wilson"], words),
                f"{due[1]}/{due[0]}",
                f"{silent['correct']}/{silent['n']}",
            )
        )
    header = [cell.format(n=core["after"]["n"]) for cell in words["results"]]
    paired = core["mcnemar"]
    text = words["paired"].format(
        fixed=paired["fixed"], broken=paired["broken"], p=f"{paired['p']:.1g}",
        model=model(words, core), minutes=core["training"]["minutes"],
        machine=machine(core["run"]["machine"], words), date=core["run"]["date"],
    )  # fmt: skip
    if len(seeds) > 1:
        shares = (sum(seeds) / len(seeds), min(seeds), max(seeds))
        mean, low, high = (f"{share:.1%}" for share in shares)
        text += words["seeds"].format(n=len(seeds), mean=mean, low=low, high=high)
    return f"{table(header, rows)}\n\n{text}"


def between(interval, words):
    """Both ends of an interval of a rate."""
    return words["range"].format(*(f"{x:.1%}" for x in interval))


def model(words, core):
    """The model that was measured, as a sentence."""
    embedded = core["base"] == "gemma-3-270m-embedded"
    return words["embedded"] if embedded else words["model"].format(core["base"])


def contents(words, core, notebooks):
    """The table of notebooks, and how long all of them take."""
    run = (core or {}).get("run", {"minutes": {}, "machine": ""})
    rows = []
    for number, book in enumerate(notebooks, 1):
        name, own = book["name"], (book["title"], book["gain"])
        title, gain = words["notebooks"].get(name, own)
        time = duration(run["minutes"].get(name), words)
        used = words["gpu_used"][book["gpu"]]
        link = f"[{title}](notebooks/{name}.ipynb)"
        rows.append((number, link, gain, time, used, book["badges"]))
    text = table(words["contents"], rows)
    known = [run["minutes"].get(book["name"], 0) for book in notebooks]
    if any(known):
        text += "\n\n" + words["together"].format(
            minutes=sum(known), machine=machine(run["machine"], words)
        )
    return text


def hardware(words, gpu):
    """What each kind of machine computes in, and the memory that takes."""
    whole = STATE * PARAMETERS
    frozen = whole - 12 * EMBEDDINGS  # no gradient, no moments
    rows = []
    for name, (bf16, flash) in MACHINES.items():
        copies = COPIES * PARAMETERS if bf16 else 0
        needs = [f"{(x + copies) / 2**30:.1f} GiB" for x in (whole, frozen)]
        number_format = "bfloat16" if bf16 else "float32"
        attention = words["flash"] if flash else "`sdpa`"
        rows.append(
            (words["machines"].get(name, name), number_format, attention, *needs)
        )
    text = words["arithmetic"].format(
        bytes=STATE, copies=COPIES, parameters=PARAMETERS / 1e6
    )
    return f"{table(words['hardware'], rows)}\n\n{text}{on_gpu(words, gpu)}"


def on_gpu(words, gpu):
    """What was measured on a GPU, as a sentence."""
    if gpu is None:
        return words["no_gpu"]
    counts = [key.split("-")[1] for key in gpu if re.fullmatch(r"train-\d+", key)]
    return words["gpu"].format(
        card=gpu["run"]["gpu"], date=gpu["run"]["date"], tools=", ".join(counts),
        ratios=", ".join(f"{gpu[f'train-{n}']['ratio']:.1f}" for n in counts),
    )  # fmt: skip


def tool_counts(bench, part):
    """Numbers of tools for which a part of the benchmark is there."""
    found = (re.fullmatch(rf"{part}-(\d+)", key) for key in bench)
    return sorted(int(match[1]) for match in found if match)


def measured_on(words, bench):
    """Machine and date of the benchmark, for the texts' placeholders."""
    run = bench["run"]  # its first line: "device     cpu: NAME, CORES, GiB"
    name = run["machine"].splitlines()[0].partition(": ")[2]
    return {"machine": machine(name, words), "date": run["date"]}


def memory(words, bench):
    """Peak memory of training, the reference recipe's and ours."""
    rows = []
    for n in tool_counts(bench, "memory-reference"):
        kinds = ("reference", "ours", "frozen", "checkpointed")
        gib = [bench.get(f"memory-{kind}-{n}", {}).get("gib") for kind in kinds]
        cells = [f"{g:.1f} GiB ({g / gib[0]:.0%})" if g else "" for g in gib[1:]]
        rows.append((n, f"{gib[0]:.1f} GiB", *cells))
    text = words["peak"].format(**measured_on(words, bench))
    return f"{table(words['memory'], rows)}\n\n{text}"


def speed(words, bench):
    """Seconds per row of training, the reference recipe's and ours."""
    rows = []
    for n in tool_counts(bench, "train"):
        part = bench[f"train-{n}"]
        seconds = [f"{part[kind]['median']:.2f}" for kind in ("reference", "ours")]
        ratios = f"**{part['ratio']:.1f}**", f"{part['ratio_frozen']:.1f}"
        rows.append((n, *seconds, *ratios))
    total, asked = bench["end-to-end"], bench["evaluate"]
    text = words["whole"].format(
        before=asked["before"]["ratio"], after=asked["after"]["ratio"],
        ratio=total["ratio"], reference=total["reference_minutes"],
        ours=total["ours_minutes"], repeats=bench["run"]["repeats"],
        **measured_on(words, bench),
    )  # fmt: skip
    return f"{table(words['speed'], rows)}\n\n{text}"


def measured(words, core, bench, gpu):
    """What was measured on which model and machine, and what was not."""
    run, place = core["run"], measured_on(words, bench)
    recorded = f"`{core['base']}`", machine("{machine}, {date}".format(**run), words)
    embedded = "`gemma-3-270m-embedded`"  # what the benchmark measures
    benched = embedded, machine("{machine}, {date}".format(**place), words)
    unknown = words["unmeasured"], ""
    found = {
        "accuracy": recorded,
        "speed": benched,
        "functiongemma": recorded if "functiongemma" in core["base"] else unknown,
        "gpu": (embedded, "{gpu}, {date}".format(**gpu["run"])) if gpu else unknown,
    }
    rows = [(words["subjects"][key], *cells) for key, cells in found.items()]
    tfidf = core["mcnemar_tfidf"]
    text = words["evidence"].format(
        better=tfidf["fixed"], worse=tfidf["broken"], p=f"{tfidf['p']:.1g}",
        strict=f"{core['after']['strict']:.1%}", range=between(core["interval"], words),
    )  # fmt: skip
    return f"{table(words['measured'], rows)}\n\n{text}"
