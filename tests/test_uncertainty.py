from itertools import product

import numpy as np
import pytest
from scipy import stats

from toolcalling import statistics as un
from toolcalling.evaluation import Judgement, mcnemar, wilson

pytestmark = pytest.mark.filterwarnings("error")


def simulated(families=150, size=4, rate=0.8, spread=1.5, seed=0):
    """Hits that lean the same way within a family, of 1 to `size` prompts each."""
    rng = np.random.default_rng(seed)
    logits = np.log(rate / (1 - rate)) + spread * rng.standard_normal(families)
    counts = rng.integers(1, size + 1, families)
    clusters = np.repeat(np.arange(families), counts).tolist()
    hits = rng.random(len(clusters)) < 1 / (1 + np.exp(-logits[clusters]))
    return hits.tolist(), clusters


def cluster_half_width(values, clusters):
    """1.96 cluster standard errors of a mean, families of unequal size."""
    values, clusters = np.array(values, dtype=float), np.array(clusters)
    residuals = values - values.mean()
    sums = np.array([residuals[clusters == name].sum() for name in set(clusters)])
    correction = len(sums) / (len(sums) - 1)
    return 1.96 * np.sqrt(correction * (sums**2).sum()) / len(values)


def test_cluster_bootstrap_agrees_with_the_cluster_standard_error():
    hits, clusters = simulated()
    low, high = un.cluster_bootstrap(hits, clusters)
    expected = cluster_half_width(hits, clusters)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.05)
    assert (low + high) / 2 == pytest.approx(np.mean(hits), abs=0.01)
    # a bootstrap of single prompts would be visibly too sure of itself
    alone = un.cluster_bootstrap(hits, range(len(hits)))
    assert alone[1] - alone[0] < 0.85 * (high - low)


def test_cluster_bootstrap_of_single_prompts_is_the_plain_bootstrap():
    hits, _ = simulated(families=60)
    plain = stats.bootstrap(
        (hits,), np.mean, method="BCa", confidence_level=0.9, n_resamples=2000,
        batch=1000, random_state=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    names = [f"family {i}" for i in range(len(hits))]
    found = un.cluster_bootstrap(hits, names, 0.9, repeats=2000, seed=3)
    assert found == pytest.approx([plain.low, plain.high])


def test_copies_of_a_prompt_add_no_certainty():
    hits, _ = simulated(families=60)
    once = un.cluster_bootstrap(hits, range(len(hits)))
    thrice = un.cluster_bootstrap(hits * 3, [*range(len(hits))] * 3)
    assert thrice == pytest.approx(once)


def test_families_that_are_all_alike():
    clusters = [i // 3 for i in range(60)]  # 20 families
    all_right, all_wrong = pytest.approx(wilson(20, 20)), pytest.approx(wilson(0, 20))
    assert un.cluster_bootstrap([True] * 60, clusters) == all_right
    assert un.cluster_bootstrap([False] * 60, clusters) == all_wrong
    assert un.runs_bootstrap([[True] * 60] * 3, clusters) == all_right
    room = wilson(0, 20)[1]
    halves = un.cluster_bootstrap([True, False] * 20, [i // 2 for i in range(40)])
    assert halves == pytest.approx([0.5 - room, 0.5 + room])
    same = un.paired_bootstrap([True] * 60, [True] * 60, clusters)
    assert same == {"difference": 0.0, "low": -room, "high": room}


def test_few_families_give_finite_intervals_in_range():
    rng = np.random.default_rng(0)
    for _ in range(60):
        clusters = [0, 1, *rng.integers(0, 4, 5).tolist()]
        before, after = rng.random((2, 7)) < [[0.4], [0.8]]
        low, high = un.cluster_bootstrap(after, clusters, repeats=50)
        assert 0 <= low <= after.mean() <= high <= 1
        change = un.paired_bootstrap(before, after, clusters, repeats=50)
        assert -1 <= change["low"] <= change["high"] <= 1


def test_paired_bootstrap():
    before, clusters = simulated()
    rng = np.random.default_rng(1)
    after = [hit or rng.random() < 0.5 for hit in before]
    found = un.paired_bootstrap(before, after, clusters)
    change = np.array(after, dtype=int) - np.array(before, dtype=int)
    assert found["difference"] == pytest.approx(change.mean())
    half = (found["high"] - found["low"]) / 2
    assert half == pytest.approx(cluster_half_width(change, clusters), rel=0.05)
    back = un.paired_bootstrap(after, before, clusters)
    assert back["difference"] == -found["difference"]
    assert back["low"] == pytest.approx(-found["high"], abs=0.005)


def test_runs_bootstrap_agrees_with_plain_loops():
    hits, clusters = simulated(families=40, size=2)
    rng = np.random.default_rng(5)
    runs = [[hit and rng.random() < p for hit in hits] for p in (0.5, 0.8, 1.0)]
    members = [[i for i, c in enumerate(clusters) if c == f] for f in range(40)]
    means = []
    for _ in range(2000):
        prompts = sum((members[f] for f in rng.integers(0, 40, 40)), [])
        drawn = [runs[r] for r in rng.integers(0, 3, 3)]
        means.append(np.mean([[run[i] for i in prompts] for run in drawn]))
    found = un.runs_bootstrap(runs, clusters)
    assert found == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.015)


def test_runs_bootstrap_keeps_the_spread_between_runs():
    hits, clusters = simulated()
    same = un.runs_bootstrap([hits] * 5, clusters)
    assert same == pytest.approx(un.cluster_bootstrap(hits, clusters), abs=0.01)
    failed = [False] * len(hits)  # one of two runs: it may be none or both
    low, high = un.runs_bootstrap([hits, failed], clusters)
    assert low == 0 and high > 0.7


@pytest.mark.parametrize(
    "interval",
    [
        un.cluster_bootstrap,
        lambda hits, *a, **k: un.paired_bootstrap(hits, hits[::-1], *a, **k),
        lambda hits, *a, **k: un.runs_bootstrap([hits, hits[::-1]], *a, **k),
    ],
)
def test_intervals_follow_seed_and_confidence_and_refuse_bad_input(interval):
    hits, clusters = simulated(families=40)
    first = interval(hits, clusters, repeats=200, seed=1)
    assert interval(hits, clusters, repeats=200, seed=1) == first
    assert interval(hits, clusters, repeats=200, seed=2) != first

    def width(confidence):
        found = interval(hits, clusters, confidence)
        low, high = found if isinstance(found, list) else [*found.values()][1:]
        return high - low

    assert width(0.8) < width(0.95) < width(0.99)
    with pytest.raises(ValueError, match="clusters, but"):
        interval(hits, clusters[1:])
    with pytest.raises(ValueError, match="two at least"):
        interval(hits, [0] * len(hits))
    with pytest.raises(ValueError, match="booleans"):
        interval([Judgement("no_call")] * len(hits), clusters)


def test_runs_bootstrap_needs_runs():
    with pytest.raises(ValueError, match="cluster_bootstrap"):
        un.runs_bootstrap([[True, False]], [0, 1])


def test_holm_by_hand():
    # the usual worked example: 4 x 0.005, 3 x 0.01, 2 x 0.03, then never smaller
    assert un.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert un.holm([0.5, 0.6]) == [1.0, 1.0]
    assert un.holm([0.02, 0.02]) == [0.04, 0.04]
    assert un.holm([0.03]) == [0.03] and un.holm([]) == []
    for bad in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="between 0 and 1"):
            un.holm([0.5, bad])


def test_summary():
    found = un.summary([2, 4, 4, 4, 5, 5, 7, 9])
    sd = pytest.approx((32 / 7) ** 0.5)
    assert found == {"mean": 5.0, "sd": sd, "min": 2.0, "max": 9.0, "n": 8}
    one = un.summary([0.5])
    assert (one["mean"], one["n"]) == (0.5, 1) and np.isnan(one["sd"])


@pytest.mark.parametrize(
    ("fixed", "broken", "normal"),
    [(0.15, 0.05, 155), (0.075, 0.025, 312), (0.25, 0.05, 57)],
)
def test_pairs_for_power_is_a_little_above_the_normal_formula(fixed, broken, normal):
    found = un.pairs_for_power(fixed, broken)
    assert normal < found < 1.1 * normal
    assert un.pairs_for_power(broken, fixed) == found
    assert un.pairs_for_power(fixed, broken, power=0.9) > found
    assert un.pairs_for_power(fixed, broken, alpha=0.01) > found


def test_pairs_for_power_is_the_first_size_with_that_power():
    def power(n, fixed, broken):
        """Over all outcomes, by the test the notebooks use."""
        total = 0
        for f, b in product(range(n + 1), repeat=2):
            before, after = [False] * f + [True] * b, [True] * f + [False] * b
            if f + b <= n and mcnemar(before, after)[2] <= 0.05:
                shares = [fixed, broken, 1 - fixed - broken]
                total += stats.multinomial.pmf([f, b, n - f - b], n, shares)
        return total

    n = un.pairs_for_power(0.6, 0.05)
    assert power(n - 1, 0.6, 0.05) < 0.8 <= power(n, 0.6, 0.05)
    assert un.pairs_for_power(1, 0) == 6  # six one-way changes: the fewest, p = 1/32


def test_power_against_a_published_figure():
    # G*Power 3.1 manual, exact McNemar: odds ratio 0.25, 40% discordant, 50 pairs,
    # one-sided 0.05 (two-sided 0.1 adds next to nothing on the other side)
    assert un._power(50, 0.08, 0.32, alpha=0.1) == pytest.approx(0.839343, abs=5e-5)


@pytest.mark.parametrize(
    ("shares", "message"),
    [((0.6, 0.5), "shares"), ((-0.1, 0.5), "shares"), ((0, 0), "shares"),
     ((0.1, 0.1), "too close")],
)  # fmt: skip
def test_pairs_for_power_refuses(shares, message):
    with pytest.raises(ValueError, match=message):
        un.pairs_for_power(*shares)


def test_half_width_against_published_figures_and_the_interval():
    points = {20: 13.7, 40: 9.5, 100: 6.0, 200: 4.2, 300: 3.4, 400: 3.0}
    for n, expected in points.items():
        assert 100 * un.half_width(0.9, n) == pytest.approx(expected, abs=0.051)
    for correct in (0, 7, 10):
        low, high = wilson(correct, 10, 0.9)
        assert un.half_width(correct / 10, 10, 0.9) == pytest.approx((high - low) / 2)


def test_auroc():
    rng = np.random.default_rng(0)
    labels = [True] * 12 + [False] * 20
    scores = rng.normal(labels, 1).round(1)  # with ties
    u = stats.mannwhitneyu(scores[:12], scores[12:]).statistic
    assert un.auroc(scores, labels) == pytest.approx(u / (12 * 20))
    assert un.auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]) == 0.75
    with pytest.raises(ValueError, match="all 2 are True"):
        un.auroc([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="none"):
        un.auroc([], [])
