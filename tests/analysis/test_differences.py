"""Differences between models: on made-up data whose truth is known."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_up_runs import run
from vaematrix.analysis.differences import (
    Difference,
    best,
    between_models,
    holm,
    judged,
    subject,
)
from vaematrix.analysis.measurements import Measurement, measurements, resampled_means
from vaematrix.common.errors import UserError

NAMES = {"metric": "mse", "first": "a", "second": "b", "better": "lower"}
FACES, RESAMPLES, REPEATS = 80, 400, 400


def models(
    rng: np.random.Generator, seeds: int, shift: float, seed_sd: float, noise: float = 0.3
) -> tuple[dict[int, Measurement], dict[int, Measurement], np.ndarray]:
    """Two models on the same hard and easy faces, the first `shift` above; and the seeds' own differences."""
    hardness = rng.gamma(2, 1, FACES)
    level = rng.normal(0, seed_sd / np.sqrt(2), (2, seeds)) + np.array([[shift], [0]])
    values = hardness + level[..., None] + rng.normal(0, noise, (2, seeds, FACES))
    draws = resampled_means(values.reshape(-1, FACES).T, RESAMPLES).T.reshape(2, seeds, RESAMPLES)
    first, second = (
        {seed: Measurement(values[model, seed].mean(), draws[model, seed]) for seed in range(seeds)} for model in (0, 1)
    )
    return first, second, level[0] - level[1]


@pytest.mark.parametrize(
    ("seeds", "seed_sd"),
    [(1, 0.2), (2, 0.2), (3, 0.0), (3, 0.05), (3, 0.5), (5, 0.1)],
)
def test_intervals_cover_the_truth_as_often_as_they_say(seeds: int, seed_sd: float) -> None:
    """With one seed the truth is the difference of these two networks, with several that of their mean trainings."""
    rng, hits = np.random.default_rng(7), 0
    for _ in range(REPEATS):
        first, second, by_seed = models(rng, seeds, 0.1, seed_sd)
        found = judged(first, second, 0.9, **NAMES)
        truth = by_seed[0] if seeds == 1 else 0.1
        hits += found.low <= truth <= found.high
        assert found.covers == ("faces" if seeds == 1 else "faces and seeds")
    # Three standard deviations of a binomial count below, one point for the percentile method; never wide without end.
    assert 0.9 - 3 * np.sqrt(0.09 / REPEATS) - 0.01 < hits / REPEATS < 0.99


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_another_seed_of_one_model_is_no_better_model(seeds: int) -> None:
    """Pairs of one family that differ by their seeds alone, which lie 12 standard errors of the faces apart (MSE).

    Their intervals over faces exclude zero nearly always with one seed, which may not become a claim about models.
    """
    rng, better, apart = np.random.default_rng(11), 0, 0
    for _ in range(REPEATS):
        first, second, _ = models(rng, seeds, 0.0, 12 * np.sqrt(2) * 0.3 / np.sqrt(FACES), noise=0.3)
        found = judged(first, second, 0.95, **NAMES)
        better += found.better_model is not None
        apart += found.apart
        assert ("better" in found.verdict) == (found.better_model is not None)
        assert (found.p is None) == (seeds < 3)
    if seeds < 3:
        assert better == 0
    else:
        assert better / REPEATS < 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPEATS)
    if seeds == 1:
        assert apart / REPEATS > 0.8, "the simulation is no test, where faces alone tell no pair apart"


def test_five_models_of_one_family_have_no_best_more_often_than_holm_allows() -> None:
    rng, claims = np.random.default_rng(5), 0
    for _ in range(REPEATS):
        values = {model: rng.normal(0, 1, 3) for model in "abcde"}
        pairs = holm(
            [
                judged(
                    *({seed: Measurement(value) for seed, value in enumerate(values[model])} for model in pair), 0.95,
                    **NAMES | {"first": pair[0], "second": pair[1]},
                )
                for pair in itertools.combinations(values, 2)
            ]
        )  # fmt: skip
        claims += any(pair.better_model for pair in pairs)
        assert best(pairs) is None or sum(pair.better_model == best(pairs) for pair in pairs) == 4
    assert claims / REPEATS < 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPEATS)


def test_the_best_is_better_than_every_other() -> None:
    def claim(first: str, second: str, value: float, p: float = 0.01) -> Difference:
        low, high = sorted((value / 2, value * 2))
        return Difference("mse", first, second, "lower", value, 3, "seeds", 0.95, low, high, p, p)

    assert best([claim("a", "b", -1), claim("a", "c", -1), claim("b", "c", 1)]) == "a"
    assert best([claim("a", "b", -1), claim("a", "c", -1, p=0.2), claim("b", "c", 1)]) is None
    assert best([]) is None


def test_means_over_fewer_than_three_seeds_speak_of_networks() -> None:
    assert [subject(seeds) for seeds in (1, 2, 3)] == ["these networks", "these networks", "these models"]


def test_resampling_three_seeds_would_not_do() -> None:
    """The reason for Student's t: from the smallest to the largest of three is 75 %, not 90."""
    rng = np.random.default_rng(3)
    drawn = rng.normal(size=(4000, 3))
    ends = np.quantile(drawn[:, rng.integers(3, size=(2000, 3))].mean(axis=2), [0.05, 0.95], axis=1)
    assert ((ends[0] <= 0) & (ends[1] >= 0)).mean() < 0.8


def test_pairing_finds_what_an_unpaired_test_cannot() -> None:
    """A twentieth of the spread between faces: found nearly always when paired, hardly ever when not."""
    rng, paired, unpaired, false = np.random.default_rng(1), 0, 0, 0
    for _ in range(REPEATS):
        hardness = rng.gamma(2, 1, FACES)  # sd 1.4
        first, second, same = (hardness + shift + rng.normal(0, 0.1, FACES) for shift in (0.07, 0.0, 0.0))
        draws = resampled_means(np.column_stack([first, second, same]), RESAMPLES)
        a, b, c = ({0: Measurement(v.mean(), d)} for v, d in zip((first, second, same), draws.T, strict=True))
        paired += judged(a, b, 0.95, **NAMES).verdict.startswith("b lower on these faces: these two networks")
        false += judged(c, b, 0.95, **NAMES).apart
        unpaired += stats.ttest_ind(first, second).pvalue < 0.05
    assert paired / REPEATS > 0.95
    assert unpaired / REPEATS < 0.1
    assert 0.02 < false / REPEATS < 0.09


def test_measures_of_whole_sets_are_judged_over_seeds_as_scipy_judges_them() -> None:
    old, new = [61.2, 62.5, 63.1, 60.0], [55.4, 57.0, 60.2, 54.8]
    found = judged(
        *({seed: Measurement(value) for seed, value in enumerate(values)} for values in (old, new)), 0.95, **NAMES
    )
    reference = stats.ttest_rel(old, new)
    assert (found.low, found.high) == pytest.approx(tuple(reference.confidence_interval(0.95)))
    assert found.p == pytest.approx(reference.pvalue)
    assert (found.covers, found.n, found.verdict) == ("seeds", 4, "b better")


def test_what_cannot_be_judged_is_said() -> None:
    one = judged({0: Measurement(3.0)}, {0: Measurement(2.0)}, 0.95, **NAMES)
    assert (one.value, one.n, one.low, one.p) == (1.0, 1, None, None)
    assert one.verdict == "cannot be judged: one seed"
    none = judged({0: Measurement(3.0)}, {1: Measurement(2.0)}, 0.95, **NAMES)
    assert none.verdict == "cannot be judged: no seed in common"
    two = judged(*({seed: Measurement(seed * factor) for seed in (0, 1)} for factor in (1.0, 3.0)), 0.95, **NAMES)
    assert (two.covers, two.p, two.verdict) == ("seeds", None, "cannot be judged: 2 seeds")


def test_a_measure_without_spread_over_seeds_is_coarse_and_not_certain() -> None:
    """Scores in steps of three seeds each: a t interval of no width would claim with p = 0."""
    six, seven = ({seed: Measurement(score) for seed in range(3)} for score in (6.0, 7.0))
    found = judged(seven, six, 0.95, **NAMES | {"better": "higher"})
    assert (found.value, found.low, found.p, found.better_model) == (1.0, None, None, None)
    assert found.verdict == "cannot be judged: no spread over seeds"


def test_equal_models_are_not_distinguishable() -> None:
    values = resampled_means(np.random.default_rng(0).normal(size=(50, 1)), 100)[:, 0]
    for draws in (values, None):
        same = {seed: Measurement(1.0, draws) for seed in range(3)}
        found = judged(same, same, 0.95, **NAMES)
        assert (found.low, found.high, found.p, found.verdict) == (0, 0, 1, "not distinguishable")
    one = judged({0: Measurement(1.0, values)}, {0: Measurement(1.0, values)}, 0.95, **NAMES)
    assert one.verdict == "not distinguishable on these faces: these two networks only"


def test_the_least_p_that_resamples_can_show_is_marked() -> None:
    """All of 400 draws on one side: 2 / 401 or less. One on the other side: 4 / 401."""
    for smallest, p, at_most in ((1.0, 2 / 401, True), (-1.0, 4 / 401, False)):
        draws = np.array([smallest, *np.linspace(1.0, 2.0, 399)])
        first, second = ({seed: Measurement(value, value * draws) for seed in range(3)} for value in (2.0, 1.0))
        found = judged(first, second, 0.95, **NAMES)
        assert (found.p, found.at_most, found.verdict) == (pytest.approx(p), at_most, "b better")


def test_only_seeds_in_common_are_compared() -> None:
    first = {0: Measurement(1.0), 1: Measurement(2.0), 2: Measurement(9.0)}
    second = {0: Measurement(0.0), 1: Measurement(2.0)}
    assert judged(first, second, 0.95, **NAMES).value == 0.5


def test_holm_by_hand() -> None:
    """0.005·4, 0.01·3, 0.03·2, and 0.04·1 raised to what stands before it."""
    tests = [Difference(**NAMES, value=-1, n=3, covers="seeds", confidence=0.95, low=-2, high=-0.5, p=p, p_holm=p)
             for p in (0.01, 0.04, None, 0.03, 0.005)]  # fmt: skip
    adjusted = holm(tests)
    assert [difference.p_holm for difference in adjusted] == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    assert adjusted[0].verdict == "a better"
    assert adjusted[1].verdict == "not distinguishable after Holm"


@pytest.mark.parametrize(
    ("better", "low", "high", "words"),
    [("lower", 1, 2, "b better"), ("higher", 1, 2, "a better"), ("lower", -2, -1, "a better"),
     ("higher", -2, -1, "b better"), ("", 1, 2, "different"), ("lower", -1, 2, "not distinguishable"),
     ("lower", 0, 2, "not distinguishable")],
)  # fmt: skip
def test_the_claim_follows_the_direction(better: str, low: float, high: float, words: str) -> None:
    found = Difference("mse", "a", "b", better, (low + high) / 2, 3, "seeds", 0.95, low, high, 0.01, 0.01)
    assert found.verdict == words


def test_resampled_means_are_those_of_drawn_faces() -> None:
    values = np.random.default_rng(0).normal(5, 2, size=(500, 2))
    means = resampled_means(np.column_stack([values, values[:, 0]]), 3000)
    assert means.shape == (3000, 3)
    assert np.array_equal(means[:, 0], means[:, 2]), "the same faces for all columns"
    assert means.mean(axis=0)[:2] == pytest.approx(values.mean(axis=0), abs=0.01)
    assert means.std(axis=0)[:2] == pytest.approx(values.std(axis=0) / np.sqrt(500), rel=0.05)


def frame(values: np.ndarray, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"ssim": values}, index=pd.Index(names, name="image_id"))


def test_every_pair_in_every_metric() -> None:
    rng, names = np.random.default_rng(0), [f"{number:06}.jpg" for number in range(60)]
    hardness = rng.normal(0.7, 0.1, 60)
    groups, per_image = {}, {}
    for model, shift in (("a", 0.0), ("b", 0.02), ("c", 0.02)):
        groups[model] = [run(model, seed, 0.03, 0.7 + shift, 50.0 + seed) for seed in range(3)]
        for seed in range(3):
            per_image[model, seed] = frame(hardness + shift + rng.normal(0, 0.01, 60), names)
    found = between_models(groups, per_image, ["ssim", "fid"])
    assert [(difference.metric, difference.first, difference.second) for difference in found] == [
        (metric, *pair) for metric in ("ssim", "fid") for pair in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert [difference.covers for difference in found] == 3 * ["faces and seeds"] + 3 * ["seeds"]
    assert found[0].value == pytest.approx(-0.02)
    assert found[2].verdict == "not distinguishable"


def test_other_faces_are_refused() -> None:
    runs = {("a", 0): run("a", 0, 0.03, 0.7, 50.0), ("b", 0): run("b", 0, 0.03, 0.7, 50.0)}
    faces = {("a", 0): frame(np.ones(2), ["1.jpg", "2.jpg"]), ("b", 0): frame(np.ones(2), ["1.jpg", "3.jpg"])}
    with pytest.raises(UserError, match=r"'a', 0.* and of .*'b', 0.* different faces"):
        measurements(runs, faces, 10)
