"""Do people still ask what the model was trained for? A check of each day of a log.

    reference = Reference(task, entries of days that somebody has read)
    for day in reference.days(log.entries()):
        print(day)

Four checks a day against the reference: replies without a call and calls that did not
run by Fisher's exact test; length and distance of the questions by the Mann-Whitney
test. Holm's correction over the four; over the days Bonferroni's, a seventh of WEEK
each, since they come one by one.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from ..statistics import holm, wilson

WEEK = 0.05  # of the weeks without a drift may raise an alarm
FEWEST = 30  # questions of a reference
CHECKS = {  # name: (what is higher, lower)
    "no_call": ("More replies without a call", "Fewer replies without a call"),
    "not_run": ("More calls that did not run", "Fewer calls that did not run"),
    "length": ("Longer questions", "Shorter questions"),
    "distance": (
        "Questions further from the training questions",
        "Questions closer to the training questions",
    ),
}
ADVICE = {
    "no_call": "Look for a wish that no tool serves, or a tool no longer called.",
    "not_run": "Compare the calls in the log with the tools as they are declared.",
    "length": "See who asks now, and from where.",
    "distance": "Read the five below. If they are a new kind, add rows for it.",
}
SHARES = ("no_call", "not_run")


@dataclass(frozen=True)
class Check:
    """One check of a day.

    value: the day's share or median; usual: the reference's. interval: Wilson's, of a
    share, else None. band: where a day of that size stays without a drift. p: after
    Holm's correction. alarm: is p below the line of a day?
    """

    value: float
    usual: float
    interval: list | None
    band: tuple
    p: float

    @property
    def alarm(self):
        return self.p < WEEK / 7


@dataclass(frozen=True)
class Day:
    """checks: {name: Check}. far: the day's five questions that are furthest from the
    training questions, [(distance, question, nearest training question)]."""

    date: date
    n: int
    checks: dict
    far: tuple

    @property
    def alarms(self):
        return [name for name, check in self.checks.items() if check.alarm]

    def __str__(self):
        head = f"{self.date:%A %d %B}, {self.n} questions"
        if not self.alarms:
            return f"{head}: no alarm."
        lines = [f"{head}: ALARM."]
        for name in self.alarms:
            check = self.checks[name]
            change = CHECKS[name][check.value < check.usual]
            shown = ".0%" if name in SHARES else ".2f" if name == "distance" else ".0f"
            lines.append(
                f"  {change}: {check.value:{shown}}, usual {check.usual:{shown}} "
                f"(p {check.p:.1g}). {ADVICE[name]}"
            )
        lines += [f"  {distance:.2f}  {text}" for distance, text, _ in self.far]
        return "\n".join(lines)


class Reference:
    """What is usual: questions of a time when all was well.

    task: what the model was trained on. entries: of a log. They are questions that the
    model was not trained on: at first the dev rows, later days of the log that
    somebody has read. ValueError for fewer than FEWEST.
    """

    def __init__(self, task, entries):
        if len(entries) < FEWEST:
            raise ValueError(
                f"{len(entries)} questions are no reference: {FEWEST} at least. Log "
                "the dev rows, or wait for more days."
            )
        self.nearest = Nearest(training_questions(task))
        self.usual, _ = self._measured(entries)

    def days(self, entries):
        """A Day for each local date on which something was asked, in order."""
        by_date = {}
        for entry in entries:
            by_date.setdefault(entry.time.astimezone().date(), []).append(entry)
        return [self.day(date, by_date[date]) for date in sorted(by_date)]

    def day(self, date, entries):
        """The Day of these entries."""
        found, nearest = self._measured(entries)
        p_values = holm([_p(name, found[name], self.usual[name]) for name in CHECKS])
        checks = {
            name: _check(name, found[name], self.usual[name], p)
            for name, p in zip(CHECKS, p_values)
        }
        far = {(d, e.text, near) for (d, near), e in zip(nearest, entries)}
        return Day(date, len(entries), checks, tuple(sorted(far, reverse=True)[:5]))

    def _measured(self, entries):
        """({check: a value for each entry}, [(distance, nearest)])."""
        nearest = self.nearest([entry.text for entry in entries])
        return {
            "no_call": np.array([entry.no_call for entry in entries]),
            "not_run": np.array([entry.not_run for entry in entries]),
            "length": np.array([len(entry.text.split()) for entry in entries]),
            "distance": np.array([distance for distance, _ in nearest]),
        }, nearest


class Nearest:
    """The nearest of some texts, by TF-IDF over character 3- to 5-grams.

    Called with texts it returns [(distance, nearest)]; 0 for the same text, 1 for
    nothing in common. A text has the same distance on every day.
    """

    def __init__(self, known):
        from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
        from sklearn.pipeline import make_pipeline

        # Hashed, not by a vocabulary: n-grams that no known text has count in the
        # length of the vector, and so in the distance.
        counter = HashingVectorizer(
            analyzer="char", ngram_range=(3, 5), norm=None, alternate_sign=False
        )
        self.texts = list(known)
        self.vectors = make_pipeline(counter, TfidfTransformer())
        self.known = self.vectors.fit_transform(self.texts).T.tocsr()

    def __call__(self, texts):
        cosines = (self.vectors.transform(texts) @ self.known).toarray()
        best = cosines.argmax(axis=1)
        return [
            (max(0.0, float(1 - row[at])), self.texts[at])
            for row, at in zip(cosines, best)
        ]


def training_questions(task):
    """What users say in a task's training rows."""
    return [
        message["content"]
        for row in task.rows["train"]
        for message in row["messages"]
        if message["role"] == "user"
    ]


def _p(name, found, usual):
    """The two-sided p value of one check."""
    from scipy.stats import fisher_exact, mannwhitneyu

    if name in SHARES:
        table = [[int(v.sum()), int((~v).sum())] for v in (found, usual)]
        return float(fisher_exact(table)[1])
    return float(mannwhitneyu(found, usual, method="asymptotic").pvalue)


def _check(name, found, usual, p):
    if name in SHARES:
        value, interval = float(found.mean()), wilson(int(found.sum()), len(found))
        return Check(value, float(usual.mean()), interval, _share_band(usual, found), p)
    band = _median_band(usual, len(found))
    return Check(float(np.median(found)), float(np.median(usual)), None, band, p)


def _line():
    """The p value that is enough for an alarm whatever the other checks give."""
    return WEEK / 7 / len(CHECKS)


def _share_band(usual, found):
    """The shares that Fisher's test would not call an alarm."""
    n = len(found)
    within = [
        hits / n
        for hits in range(n + 1)
        if _p("no_call", np.arange(n) < hits, usual) >= _line()
    ]
    return min(within), max(within)


def _median_band(usual, n, repeats=4000):
    """Where the median of n such questions lies, the reference itself being drawn."""
    rng = np.random.default_rng(0)
    drawn = rng.choice(usual, (repeats, len(usual)))
    days = np.take_along_axis(drawn, rng.integers(0, len(usual), (repeats, n)), axis=1)
    ends = _line() / 2, 1 - _line() / 2
    return tuple(np.quantile(np.median(days, axis=1), ends).tolist())
