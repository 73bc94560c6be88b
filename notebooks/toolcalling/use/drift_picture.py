"""The picture of a drift check: its days beside what is usual."""

from ..charts import NEUTRAL, OTHER, WIDTH
from .drift import CHECKS, SHARES

TITLES = {
    "no_call": "replies without a call, %",
    "not_run": "replies with a call that did not run, %",
    "length": "words of a question, median",
    "distance": "distance to the nearest training question, median",
}


def picture(days):
    """A figure of four panels, one a check, over the days; returned.

    days: of Reference.days. Grey is where a day stays without a drift, the line what
    is usual; a filled dot is a day, with Wilson's interval of a share. A day with an
    alarm is a square in another colour.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(CHECKS), sharex=True, figsize=(WIDTH, 7.5))
    for ax, name in zip(axes, CHECKS):
        times = 100 if name in SHARES else 1
        for place, day in enumerate(days):
            check = day.checks[name]
            low, high = (times * end for end in check.band)
            ax.bar(place, high - low, 1, low, color="#dddddd", zorder=0)
            usual = times * check.usual
            ax.plot([place - 0.5, place + 0.5], [usual] * 2, color=OTHER, lw=0.8)
            colour, marker = (NEUTRAL, "s") if check.alarm else (OTHER, "o")
            if check.interval:
                ends = [times * end for end in check.interval]
                ax.plot([place] * 2, ends, color=colour, lw=1)
            ax.plot(place, times * check.value, marker, color=colour, ms=7)
        ax.set_title(TITLES[name], loc="left", fontsize=10)
        if name in SHARES:
            ax.set_ylim(-3, 103)
    axes[-1].set_xticks(range(len(days)), [f"{day.date:%a}" for day in days])
    return figure
