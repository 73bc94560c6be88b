"""The series' figures: colour-safe, labelled, drawn from the numbers given."""

import matplotlib.pyplot as plt

BEFORE, AFTER, NEUTRAL = "#bbbbbb", "#0072b2", "#d55e00"  # Okabe-Ito and grey


def style():
    """Set matplotlib's defaults for the series."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.grid.axis": "y",
            "grid.alpha": 0.3,
            "svg.hashsalt": "toolcalling",  # the same figure gives the same file
        }
    )


def rates(ax, groups, results, colours=(BEFORE, AFTER)):
    """Bars of strict accuracy with Wilson intervals, grouped.

    groups: labels on the x axis. results: {legend: [rate dict per group]} as
    evaluation.rate returns them. Values are shown in per cent.
    """
    width = 0.8 / len(results)
    for i, (legend, cells) in enumerate(results.items()):
        x = [g + (i - (len(results) - 1) / 2) * width for g in range(len(groups))]
        y = [100 * c["strict"] for c in cells]
        low = [max(0, v - 100 * c["wilson"][0]) for v, c in zip(y, cells, strict=True)]
        high = [max(0, 100 * c["wilson"][1] - v) for v, c in zip(y, cells, strict=True)]
        ax.bar(x, y, width, yerr=[low, high], capsize=3, label=legend,
               color=colours[i % len(colours)], error_kw={"alpha": 0.6})  # fmt: skip
    ax.set_xticks(range(len(groups)), groups)
    ax.set_ylim(0, 100)
    ax.set_ylabel("strictly correct, %")
    ax.legend(
        frameon=False, ncols=len(results), loc="lower left", bbox_to_anchor=(0, 1)
    )


def forest(ax, results):
    """One line per method: its rate as a point in its Wilson interval, in per cent.

    results: {method: rate dict} as evaluation.rate returns them, from top to bottom;
    the last one is marked.
    """
    for place, cell in enumerate(reversed(results.values())):
        low, middle, high = (
            100 * v for v in (cell["wilson"][0], cell["strict"], cell["wilson"][1])
        )
        colour = NEUTRAL if place else AFTER
        ax.plot([low, high], [place, place], color=colour, linewidth=2)
        ax.plot(middle, place, "o", color=colour)
        ax.text(102, place, f"{middle:.0f}%", va="center")
    ax.set_yticks(range(len(results)), reversed(results))
    ax.set(xlim=(0, 100), xlabel="strictly correct, %, with 95% interval")
    ax.grid(axis="x", alpha=0.3)
    ax.grid(axis="y", visible=False)


def confusion(ax, table, title):
    """A confusion table {expected: {called: count}} as shaded squares."""
    expected, called = list(table), list(next(iter(table.values())))
    counts = [[table[e][c] for c in called] for e in expected]
    top = max(max(row) for row in counts) or 1
    ax.imshow(counts, cmap="Blues", vmin=0, vmax=top)
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            colour = "white" if count > 0.6 * top else "black"
            ax.text(j, i, count, ha="center", va="center", color=colour)
    short = [name.removeprefix("search_").replace("_", "\n") for name in called]
    ax.set_xticks(range(len(called)), short)
    ax.set_yticks(
        range(len(expected)),
        [n.removeprefix("search_").replace("_", "\n") for n in expected],
    )
    ax.set(xlabel="called", ylabel="expected", title=title)
    ax.grid(False)


def save(figure, path):
    """Save as SVG without a date, so that an unchanged figure stays unchanged."""
    figure.savefig(path, format="svg", metadata={"Date": None})
