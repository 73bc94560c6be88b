"""The series' figures and tables: readable on a phone, one colour for one thing."""

import math
from collections import Counter
from html import escape

import matplotlib.pyplot as plt

# What a colour means in every figure (of the colour-safe sets of Okabe-Ito and Tol).
TRAINING = "#009e73"  # the training rows
DEV = "#aa3377"  # the dev rows
BEFORE = "#999999"  # the model before fine-tuning, on the test
AFTER = "#0072b2"  # the fine-tuned model, on the test
TFIDF = NEUTRAL = "#d55e00"  # the TF-IDF classifier; and lines drawn for comparison
OTHER = "#444444"  # any other method, without a model

LABELS = {
    "majority": "majority class (commonest label)",
    "no call": "never a call",
    "cue words": "rule of cue words",
    "tfidf": "TF-IDF + logistic regression",
    "before": "before fine-tuning",
    "after": "after fine-tuning",
}
COLOURS = {"tfidf": TFIDF, "before": BEFORE, "after": AFTER}
WIDTH = 4.5  # inches: a phone shows this width without making the letters small


def style():
    """Set matplotlib's defaults for the series."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.figsize": (WIDTH, 3),
            "figure.constrained_layout.use": True,
            "font.size": 11,
            "axes.titlesize": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.alpha": 0.3,
            "svg.hashsalt": "toolcalling",  # the same figure gives the same file
        }
    )


def curves(train, dev, correct, kept):
    """A figure of three panels over the epochs; returned.

    Training and dev loss on a log scale; the dev loss alone, so that its turn is
    seen; the share of correct dev replies. train, dev, correct: [(epoch, value)].
    kept: the epoch whose weights were kept.
    """
    figure, (both, turn, right) = plt.subplots(3, sharex=True, figsize=(WIDTH, 6))
    both.plot(*zip(*train), ".-", color=TRAINING, label="training")
    both.plot(*zip(*dev), "o-", color=DEV, label="dev")
    both.set(yscale="log", ylabel="loss, log scale")
    both.legend(frameon=False)
    turn.plot(*zip(*dev), "o-", color=DEV)
    turn.set(ylabel="dev loss alone")
    right.plot(
        *zip(*[(epoch, 100 * share) for epoch, share in correct]), "o-", color=DEV
    )
    right.set(ylabel="dev correct, %", xlabel="epoch", xticks=[e for e, _ in correct])
    for ax in (both, turn, right):
        ax.axvline(kept, color=OTHER, linestyle=":")
    right.text(kept, right.get_ylim()[0], "kept ", ha="right", va="bottom")
    return figure


def forest(ax, results):
    """One line per method: count, rate, and the rate's point in its Wilson interval.

    results: {method: rate dict} as evaluation.rate returns them, from top to bottom.
    The fine-tuned model is marked: "after", or else the last one.
    """
    marked = "after" if "after" in results else list(results)[-1]
    for place, (name, cell) in enumerate(results.items()):
        colour = COLOURS.get(name, AFTER if name == marked else OTHER)
        weight = "bold" if name == marked else "normal"
        _interval(ax, cell, place, colour)
        ax.text(0, place - 0.25, LABELS.get(name, name), weight=weight)
        share = f"{cell['correct']}/{cell['n']} = {cell['strict']:.0%}"
        ax.text(100, place - 0.25, share, weight=weight, ha="right")
    _upright(ax, len(results), 0.42)
    ax.set(yticks=[], xlabel="strictly correct, %, with 95% interval")
    ax.spines["left"].set_visible(False)


def slices(ax, results):
    """Per slice a dot for each method in its Wilson interval, in per cent.

    results: {method: {slice: rate dict}}, the same slices for each. The counts of
    the last method stand at the right, in its colour.
    """
    step = 0.6 / len(results)
    for i, (name, cells) in enumerate(results.items()):
        for place, cell in enumerate(cells.values()):
            height = place + (i - (len(results) - 1) / 2) * step
            label = None if place else LABELS.get(name, name)
            _interval(ax, cell, height, COLOURS.get(name, OTHER), label)
    for place, cell in enumerate(cells.values()):
        count = f"{cell['correct']}/{cell['n']}"
        ax.text(104, place, count, va="center", color=COLOURS.get(name, OTHER))
    _upright(ax, len(cells), 0.32, above=0.25 * len(results))
    ax.set_yticks(range(len(cells)), [name.replace("_", " ") for name in cells])
    ax.set_xlabel("strictly correct, %, with 95% interval")
    ax.figure.legend(loc="outside upper left", frameon=False)


def _interval(ax, cell, height, colour, label=None):
    """A rate as a point on the line of its interval."""
    ax.plot([100 * end for end in cell["wilson"]], [height] * 2, color=colour, lw=2)
    ax.plot(100 * cell["strict"], height, "o", color=colour, label=label)


def _upright(ax, rows, each, above=0.0):
    """Rows from top to bottom, each so many inches high, on an axis from 0 to 100.

    above: inches for a legend.
    """
    ax.figure.set_size_inches(WIDTH, each * rows + 0.8 + above)
    ax.set(xlim=(-2, 102), ylim=(rows - 0.5, -0.7))
    ax.grid(axis="x", alpha=0.3)
    ax.grid(axis="y", visible=False)


def call_line(decisions, due, line, leak=None):
    """What a call line gives and costs on dev, in per cent; a figure, returned.

    Above: prompts that need no tool and are answered without one, and due calls that
    are lost, over the line. Below, where leak is given: questions due its first tool
    that go to the second, and the other way round, over the margin of the second.
    decisions, due, leak: as judging.decisions.choose_line takes them. line: the
    CallLine chosen, dotted.
    """
    panels = 2 if leak else 1
    figure, axes = plt.subplots(panels, squeeze=False, figsize=(WIDTH, 3 * panels))
    calls = [(d.call, name) for d, name in zip(decisions, due, strict=True)]
    (ax, *below), ticks = axes[:, 0], (0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    edges = sorted({0.003, 0.9997, *(c for c, _ in calls if 0.003 < c < 0.9997)})
    silent, wanted = ([c for c, n in calls if bool(n) == b] for b in (False, True))
    ax.step(edges, _under(silent, edges), color=DEV, label="needs no tool: no call")
    ax.step(edges, _under(wanted, edges), "--", color=DEV, label="due calls lost")
    ax.set(xscale="logit", xlim=(edges[0], edges[-1]), ylim=(-3, 103))
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(ylabel="% of dev prompts", xlabel="call line: least probability of a call")
    ax.axvline(line.high, color=OTHER, linestyle=":")
    for ax in below:
        one, other = leak
        leads = [
            (math.log(d.tools[one] / d.tools[other]), name)
            for d, name in zip(decisions, due, strict=True)
            if name in leak
        ]
        leaked = [-lead for lead, name in leads if name == one]
        missed = [-lead for lead, name in leads if name == other]
        edges = sorted({0, 4, *(x for x, _ in leads for x in (-x,) if 0 < x < 4)})
        share = [100 - y for y in _under(leaked, edges)]
        ax.step(edges, share, color=DEV, label=f"to {other}, not {one}")
        ax.step(
            edges, _under(missed, edges), "--", color=DEV, label="the other way round"
        )
        ax.set(ylabel="% of dev prompts", xlabel=f"margin of {other}, nats")
        ax.axvline(line.margins.get(other, 0), color=OTHER, linestyle=":")
        ax.set(xlim=(0, 4), ylim=(0, None))
    for ax in axes[:, 0]:
        ax.legend(frameon=False, fontsize="small")
    return figure


def _under(values, edges):
    """Per edge the share of values below it, in per cent."""
    return [100 * sum(v < edge for v in values) / max(1, len(values)) for edge in edges]


def save(figure, path):
    """Save as SVG without a date, so that an unchanged figure stays unchanged."""
    figure.savefig(path, format="svg", metadata={"Date": None})


def clip(text, width=60):
    """The beginning of a text, on one line, cut between words."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    whole = text[: width - 1].rpartition(" ")[0]
    return f"{whole or text[: width - 2]} …"


def brief(reply, correct=None, width=60):
    """A reply as parse_reply gives it, in short: name(arguments), or its words.

    correct: the judge's verdict, which a tick or a cross shows in front.
    """
    calls = [
        f"{call.name}({clip(', '.join(map(str, call.arguments.values())), width - 20)})"
        for call in reply.calls
    ]
    mark = "" if correct is None else "✓ " if correct else "✗ "
    return mark + (" + ".join(calls) or clip(reply.content, width))


def table(rows):
    """Rows of texts, [{column: text}], as a table whose texts begin at the left.

    A pandas table would put them at the right. A line break in a text is kept.
    """
    from IPython.display import HTML

    def line(tag, texts):
        shown = (escape(str(text)).replace("\n", "<br>") for text in texts)
        made = (f'<{tag}><div align="left">{text}</div></{tag}>' for text in shown)
        return f"<tr>{''.join(made)}</tr>"

    head, body = line("th", rows[0] if rows else ()), (r.values() for r in rows)
    made = [f"<thead>{head}</thead>", *(line("td", texts) for texts in body)]
    return HTML(f'<table class="dataframe">{"".join(made)}</table>')


def rates(cells):
    """{what: rate dict} as a table of counts, shares and intervals."""
    return table(
        [
            {
                "": what,
                "count": f"{cell['correct']} of {cell['n']}",
                "share": f"{cell['strict']:.0%}",
                "95% interval": "{:.0%} to {:.0%}".format(*cell["wilson"]),
            }
            for what, cell in cells.items()
        ]
    )


def story(lines):
    """A dozen lines {"message", "due", "before", "after"}, chosen by rule.

    By the ticks and crosses in front of the replies: the first six that turned right,
    then the first two each that turned wrong, stayed wrong and were right both times.
    Within a group, what is due comes in turn.
    """
    groups, seen = {"✗✓": [], "✓✗": [], "✗✗": [], "✓✓": []}, Counter()
    for line in lines:
        kind = line["before"][0] + line["after"][0]
        groups[kind].append((seen[kind, line["due"]], line))
        seen[kind, line["due"]] += 1
    chosen = []
    for kind, group in groups.items():
        in_turn = [line for _, line in sorted(group, key=lambda pair: pair[0])]
        chosen += in_turn[: 6 if kind == "✗✓" else 2]
    return chosen
