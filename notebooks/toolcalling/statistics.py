"""Rates with intervals, paired tests, and how many prompts would show a gap.

Prompts of one family (a contrast pair, its paraphrases) are right or wrong
together, so every bootstrap here draws whole families, never single prompts.
"""

import statistics
from bisect import bisect_left

import numpy as np


def rate(hits):
    """{"n", "correct", "strict", "wilson"} of a list of booleans."""
    n, correct = len(hits), sum(hits)
    return {
        "n": n,
        "correct": correct,
        "strict": correct / n if n else 0.0,
        "wilson": wilson(correct, n),
    }


def wilson(correct, n, confidence=0.95):
    """Wilson score interval of a rate: [low, high]; [0, 1] where n is 0."""
    from scipy.stats import binomtest

    if n == 0:
        return [0.0, 1.0]
    interval = binomtest(correct, n).proportion_ci(confidence, method="wilson")
    return [float(interval.low), float(interval.high)]


def mcnemar(before, after):
    """Exact McNemar test of paired booleans: (fixed, broken, two-sided p)."""
    from scipy.stats import binomtest

    pairs = list(zip(before, after, strict=True))
    fixed = sum(a and not b for b, a in pairs)
    broken = sum(b and not a for b, a in pairs)
    if fixed + broken == 0:
        return 0, 0, 1.0
    return fixed, broken, float(binomtest(fixed, fixed + broken).pvalue)


def cluster_bootstrap(hits, clusters, confidence=0.95, repeats=10_000, seed=0):
    """BCa bootstrap interval [low, high] of the mean of hits, families resampled.

    hits: booleans, one per prompt; clusters: the family of each. BCa and not
    percentile, whose intervals are too narrow for rates near 0 or 1 (Efron 1987,
    J. Am. Stat. Assoc. 82). Where all families have the same rate, resampling
    shows no spread; the interval then spans what the Wilson bound leaves open:
    the largest share of families that may be otherwise though none was seen.
    ValueError for fewer than two families, lists of unequal length, or anything
    but booleans.
    """
    sums, counts = _by_family([hits], clusters)
    return _bca(sums[:, 0], counts, 0, confidence, repeats, seed)


def paired_bootstrap(before, after, clusters, confidence=0.95, repeats=10_000, seed=0):
    """{"difference", "low", "high"} of the rate of after minus that of before.

    before, after: booleans for the same prompts in the same order. The interval
    is that of cluster_bootstrap, over the prompts' differences (-1, 0 or 1).
    """
    sums, counts = _by_family([before, after], clusters)
    change = sums[:, 1] - sums[:, 0]
    low, high = _bca(change, counts, -1, confidence, repeats, seed)
    difference = float(change.sum() / counts.sum())
    return {"difference": difference, "low": low, "high": high}


def runs_bootstrap(runs, clusters, confidence=0.95, repeats=10_000, seed=0):
    """Percentile interval [low, high] of the mean over runs, e.g. training seeds.

    runs: a list of booleans per run, all for the same prompts. Two levels: each
    repeat draws families, then runs. A drawn run counts for all families, since
    a training seed moves all prompts at once (Owen 2007, Ann. Appl. Stat. 1);
    runs drawn anew per family would average that spread away. Few runs show
    their spread poorly: print them all beside the interval. Families that are
    all alike in all runs: as in cluster_bootstrap. ValueError for fewer than two
    runs, and as in cluster_bootstrap.
    """
    if len(runs) < 2:
        raise ValueError("Two runs at least are needed. For one: cluster_bootstrap.")
    sums, counts = _by_family(runs, clusters)
    families, number = sums.shape
    if _alike(sums, counts[:, None]):
        return _unseen(sums[:, 0], counts, 0, confidence)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(families, [1 / families] * families, repeats)
    drawn_runs = rng.multinomial(number, [1 / number] * number, repeats)
    right = (drawn @ sums * drawn_runs).sum(axis=1)
    means = right / (number * (drawn @ counts))
    tail = (1 - confidence) / 2
    return np.quantile(means, [tail, 1 - tail]).tolist()


def _by_family(lists, clusters):
    """Sums (families, lists) and prompt counts (families,), in order of first use."""
    if any(len(values) != len(clusters) for values in lists):
        sizes = ", ".join(str(len(values)) for values in lists)
        raise ValueError(f"{len(clusters)} clusters, but {sizes} results.")
    values = np.array(lists)
    if not np.isin(values, (False, True)).all():
        raise ValueError("Results must be booleans, e.g. Judgement.correct.")
    number = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    if len(number) < 2:
        raise ValueError(f"{len(number)} families: their spread needs two at least.")
    family = [number[name] for name in clusters]
    sums = np.zeros((len(number), len(lists)), dtype=int)
    np.add.at(sums, family, values.T.astype(int))
    return sums, np.bincount(family)


def _bca(sums, counts, least, confidence, repeats, seed):
    from scipy.stats import bootstrap

    if _alike(sums, counts):
        return _unseen(sums, counts, least, confidence)
    found = bootstrap(
        (sums, counts),
        lambda s, n, axis=-1: s.sum(axis) / n.sum(axis),
        paired=True,
        vectorized=True,
        method="BCa",
        confidence_level=confidence,
        n_resamples=repeats,
        batch=1000,  # bounds the memory
        random_state=np.random.default_rng(seed),  # `rng` is not in scipy 1.13
    ).confidence_interval
    return [float(found.low), float(found.high)]


def _alike(sums, counts):
    """Whether all families have one and the same rate (exact: integers)."""
    return bool((sums * counts.flat[0] == sums.flat[0] * counts).all())


def _unseen(sums, counts, least, confidence):
    """The interval of families that are all alike; values from least to 1."""
    rate, room = sums.sum() / counts.sum(), wilson(0, len(counts), confidence)[1]
    return [float(max(rate - room, least)), float(min(rate + room, 1))]


def holm(p_values):
    """Holm's adjusted p values (1979, Scand. J. Stat. 6), in the order given."""
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p values lie between 0 and 1, not so: {p_values}")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = float(largest)
    return adjusted


def summary(values):
    """{"mean", "sd", "min", "max", "n"} over runs; the sample SD, nan for one run."""
    values = [float(value) for value in values]
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else float("nan"),
        "min": min(values),
        "max": max(values),
        "n": len(values),
    }


def pairs_for_power(fixed, broken, power=0.8, alpha=0.05):
    """Prompts an exact two-sided McNemar test needs to show a change.

    fixed, broken: the shares of all prompts expected to change, from 0 to 1. The
    power is computed exactly; the normal formula (Connor 1987, Biometrics 43)
    gives fewer, by some 8% at usual shares, too few for the exact test. Prompts
    count as independent: multiply by the design effect where families hold
    several. ValueError for impossible shares, or a gap that 100,000 prompts
    would not show.
    """
    if min(fixed, broken) < 0 or not 0 < fixed + broken <= 1:
        raise ValueError(f"Not shares of the prompts: {fixed} fixed, {broken} broken.")
    if not (0 < power < 1 and 0 < alpha < 1):
        raise ValueError("power and alpha lie between 0 and 1.")
    most = 1
    while _power(most, fixed, broken, alpha) < power:
        most *= 2
        if most > 200_000:
            raise ValueError(f"{fixed} and {broken} are too close to tell apart.")
    sizes = range(most + 1)
    return bisect_left(sizes, power, key=lambda n: _power(n, fixed, broken, alpha))


def _power(n, fixed, broken, alpha):
    """Chance that n prompts give a significant exact McNemar test."""
    from scipy.stats import binom

    changed = np.arange(n + 1)
    # significant where the rarer change is found `few` times at most
    few = binom.ppf(alpha / 2, changed, 0.5)
    few = np.where(2 * binom.cdf(few, changed, 0.5) <= alpha, few, few - 1)
    share = fixed / (fixed + broken)
    found = binom.cdf(few, changed, share) + binom.cdf(few, changed, 1 - share)
    return float(binom.pmf(changed, n, fixed + broken) @ found)


def half_width(rate, n, confidence=0.95):
    """Half the width of the Wilson interval of a rate from 0 to 1 over n prompts."""
    z = statistics.NormalDist().inv_cdf((1 + confidence) / 2)
    root = (rate * (1 - rate) / n + z**2 / (4 * n**2)) ** 0.5
    return z * root / (1 + z**2 / n)


def auroc(scores, labels):
    """Area under the ROC curve: how well scores put True before False labels.

    From 0 to 1; 0.5 is chance. ValueError where only one class is there.
    """
    from sklearn.metrics import roc_auc_score

    labels = [bool(label) for label in labels]
    if len(set(labels)) < 2:
        held = f"all {len(labels)} are {labels[0]}" if labels else "there are none"
        raise ValueError(f"AUROC needs labels of both classes; {held}.")
    return float(roc_auc_score(labels, scores))
