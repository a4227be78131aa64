"""All weightings: shares, distances and continuous scores, held against hand computation and other methods."""

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.spatial import ConvexHull

from made_up_runs import experiment, rubric
from vaematrix.analysis import matrix
from vaematrix.analysis.decimals import decimal
from vaematrix.analysis.weight_space import (
    change_of_leader,
    change_of_order,
    continuous_score,
    landscapes,
    leaders,
    overtaking,
    territories,
    total,
    weight_sets,
)

KEYS = {"mse_pm1": "mse_pm1", "ssim": "ssim", "fid": "fid"}


def point(*numbers: float) -> tuple[Fraction, ...]:
    return tuple(Fraction(str(number)) for number in numbers)


def shares(**scores: tuple[float, ...]) -> dict[str, Fraction]:
    found = territories({model: point(*values) for model, values in scores.items()})
    return {" = ".join(territory.models): territory.share for territory in found}


def test_shares_by_hand() -> None:
    # a - b = (1, 1, -2): a wins where the third weight is at most 1/3, and above is a triangle of side 2/3.
    assert shares(a=(7, 7, 3), b=(6, 6, 5)) == {"a": Fraction(5, 9), "b": Fraction(4, 9)}
    assert shares(a=(9, 0, 0), b=(0, 9, 0), c=(0, 0, 9)) == {
        "a": Fraction(1, 3),
        "b": Fraction(1, 3),
        "c": Fraction(1, 3),
    }
    # 6·w1 >= 3·w2 up to w2 = 2·w1: two thirds of an edge, seen from the corner where both have nothing.
    assert shares(a=(6, 0, 0), b=(0, 3, 0)) == {"a": Fraction(2, 3), "b": Fraction(1, 3)}
    assert shares(a=(5, 5, 5), b=(6, 5, 5)) == {"a": 0, "b": 1}  # equal on an edge only, which has no area
    assert shares(a=(1, 2), b=(2, 1), c=(1.4, 1.4)) == {"a": Fraction(1, 2), "b": Fraction(1, 2), "c": 0}


def test_models_with_equal_scores_have_their_share_together() -> None:
    assert shares(a=(7, 7, 3), b=(7, 7, 3), c=(6, 6, 5)) == {"a = b": Fraction(5, 9), "c": Fraction(4, 9)}


def test_one_row_leaves_no_choice() -> None:
    assert shares(a=(3,), b=(4,)) == {"a": 0, "b": 1}


def test_a_share_drawn_at_random_by_hand() -> None:
    """6·w1 against 3·w2 is decided by the ratio of two weights, so that it is 2/3 whatever the other rows are."""
    found = territories({"a": point(6, 0, 1, 1, 1), "b": point(0, 3, 1, 1, 1)})
    drawn = {territory.models[0]: territory for territory in found}
    assert drawn["a"].error == pytest.approx(math.sqrt(2 / 9 / 1_000_000), rel=0.01)
    assert float(drawn["a"].share) == pytest.approx(2 / 3, abs=4 * drawn["a"].error)
    assert drawn["a"].share + drawn["b"].share == 1
    # Of four equal corners each has a quarter.
    corners = {str(row): tuple(Fraction(row == at) for at in range(4)) for row in range(4)}
    for territory in territories(corners):
        assert float(territory.share) == pytest.approx(0.25, abs=4 * territory.error)


def test_shares_drawn_at_random_are_the_same_again() -> None:
    scores = {"a": point(6, 0, 1, 2), "b": point(0, 3, 1, 3), "c": point(2, 2, 2, 2)}
    assert territories(scores) == territories(scores)


@pytest.mark.parametrize("rows", [2, 3])
def test_many_models_are_cut_out_with_few_corners(rows: int) -> None:
    """Convex in two dimensions: a corner for each other model at most, beside the simplex's own."""
    rng = np.random.default_rng(0)
    scores = {str(model): tuple(Fraction(int(s), 9) for s in rng.integers(20, 90, rows)) for model in range(50)}
    found = territories(scores)
    assert sum(territory.share for territory in found) == 1
    assert max(len(territory.corners) for territory in found) <= 12


@pytest.mark.parametrize("rows", [2, 3, 4, 5])
def test_shares_are_those_of_weightings_drawn_at_random(rows: int) -> None:
    rng = np.random.default_rng(rows)
    scores = {str(model): tuple(Fraction(int(s), 7) for s in rng.integers(20, 50, rows)) for model in range(6)}
    found = territories(scores)
    assert sum(territory.share for territory in found) == 1, "nothing is lost, nothing is counted twice"
    assert all((territory.error == 0) == (rows <= 3 or territory.share in (0, 1)) for territory in found)
    drawn = rng.dirichlet(np.ones(rows), 40_000)
    winners = np.argmax(drawn @ np.array([territory.scores for territory in found], dtype=float).T, axis=1)
    for place, territory in enumerate(found):
        assert float(territory.share) == pytest.approx((winners == place).mean(), abs=0.012)
        if territory.corners:
            assert float(territory.share) == pytest.approx(hull(territory.corners) / hull(np.eye(rows)))
            middle = tuple(sum(column) / len(territory.corners) for column in zip(*territory.corners, strict=True))
            assert leaders(scores, middle) == list(territory.models)


def hull(corners: Sequence[Sequence[Fraction]] | np.ndarray) -> float:
    """The area (or length) of a convex hull, in a unit of its own, by scipy."""
    flat = np.array(corners, dtype=float)[:, :-1]
    return float(np.ptp(flat)) if flat.shape[1] == 1 else float(ConvexHull(flat).volume)


def test_how_far_the_weights_must_move_by_hand() -> None:
    """b leads by 0.2. A point of weight from FID to MSE closes 0.03 of it: 6.67 points, at a third for FID."""
    scores = {"a": point(7, 7, 3), "b": point(6, 6, 5), "c": point(5, 5, 5)}
    weights = point(0.3, 0.3, 0.4)
    assert leaders(scores, weights) == ["b"]
    change = change_of_leader(scores, weights)
    assert (change.overtaker, change.overtaken, change.moved) == ("a", "b", Fraction(1, 15))
    assert change.weights == (Fraction("0.3") + Fraction(1, 15), Fraction("0.3"), Fraction(1, 3))
    # c is 0.4 behind a, and closes 0.04 a point from MSE (or SSIM) to FID: 10 points, but a passes b sooner.
    assert overtaking(weights, scores["a"], scores["c"])[0] == Fraction("0.1")
    assert change_of_order(scores, weights) == change
    assert overtaking(weights, scores["b"], scores["c"]) is None, "c is nowhere better than b"


def test_the_worst_row_gives_its_weight_first() -> None:
    # The gap 0.2·4 + 0.5·2 - 0.3·1 = 1.5; all 20 points of the first row close 1.0, the second gives the other 0.5 / 3.
    moved, moved_weights = overtaking(point(0.2, 0.5, 0.3), point(4, 2, 0), point(0, 0, 1))
    assert moved == Fraction("0.2") + Fraction(1, 6)
    assert moved_weights == (0, Fraction("0.5") - Fraction(1, 6), Fraction("0.5") + Fraction(1, 6))


def test_a_tie_is_no_distance_and_equal_models_never_change() -> None:
    scores = {"a": point(7, 5), "b": point(5, 7), "c": point(5, 7)}
    even = point(0.5, 0.5)
    assert leaders(scores, even) == ["a", "b", "c"]
    assert change_of_leader(scores, even).moved == 0
    assert change_of_leader({"a": point(1, 1), "b": point(1, 1)}, even) is None
    assert change_of_leader({"a": point(1, 1)}, even) is None


def test_no_smaller_change_exists() -> None:
    """The linear programme: the least half sum of absolute changes under which the one behind is level."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(60):
        rows = int(rng.integers(2, 6))
        parts = rng.integers(1, 20, rows)
        weights = tuple(Fraction(int(part), int(parts.sum())) for part in parts)
        ahead, behind = (tuple(Fraction(int(s)) for s in rng.integers(1, 10, rows)) for _ in range(2))
        if total(ahead, weights) < total(behind, weights):
            ahead, behind = behind, ahead
        mine = overtaking(weights, ahead, behind)
        if mine is None:
            assert all(one >= other for one, other in zip(ahead, behind, strict=True))
            continue
        lead, now = np.array(ahead, float) - np.array(behind, float), np.array(weights, float)
        # Unknowns: what each row gains and what it loses.
        solved = linprog(
            np.full(2 * rows, 0.5),
            A_ub=[[*lead, *-lead]], b_ub=[-lead @ now],
            A_eq=[[*np.ones(rows), *-np.ones(rows)]], b_eq=[0],
            bounds=[(0, None)] * rows + [(0, weight) for weight in now],
        )  # fmt: skip
        assert float(mine[0]) == pytest.approx(solved.fun, abs=1e-9)
        assert total(ahead, mine[1]) == total(behind, mine[1])
        assert sum(mine[1]) == 1
        assert min(mine[1]) >= 0
        found += 1
    assert found > 20


@pytest.mark.parametrize(
    ("metric", "value", "score"),
    [("fid", "0", "11"), ("fid", "1", "31/3"), ("fid", "1.5", "10"), ("fid", "2.25", "9.5"), ("fid", "3", "9"),
     ("fid", "72", "4.5"), ("fid", "192", "3"), ("fid", "384", "2"), ("fid", "480", "1.5"), ("fid", "576", "1"),
     ("fid", "768", "0"), ("fid", "9984", "-48"),
     ("ssim", "1", "11"), ("ssim", "0.96", "10.2"), ("ssim", "0.95", "10"), ("ssim", "0.925", "9.5"),
     ("ssim", "0.7", "7"), ("ssim", "0.675", "6.75"), ("ssim", "0.2", "2"), ("ssim", "0.15", "1.5"),
     ("ssim", "0.1", "1"), ("ssim", "-0.3", "-3"),
     ("mse_pm1", "0.3", "3.5"), ("mse_pm1", "1.2", "1"), ("mse_pm1", "1.6", "0"), ("mse_pm1", "0", "11")],
)  # fmt: skip
def test_continuous_scores_by_hand(metric: str, value: str, score: str) -> None:
    """First and last line fall one point in 1.5 and 192 (FID), 0.05 and 0.1 (SSIM), 0.003125 and 0.4 (MSE)."""
    assert continuous_score(Decimal(value), rubric()["metrics"][metric]) == Fraction(score)


@pytest.mark.parametrize("metric", ["mse_pm1", "ssim", "fid", "frechet_efficientnet_lite0"])
def test_continuous_scores_lie_less_than_a_point_above_the_steps(metric: str) -> None:
    rule = rubric()["metrics"][metric]
    best, worst = rule["scores"][0], rule["scores"][-1]
    for value in np.linspace(best, worst, 500).round(5).tolist() + rule["scores"]:
        stepped, smooth = matrix.score(decimal(value), rule), continuous_score(decimal(value), rule)
        assert stepped <= smooth < stepped + 1
        if value in rule["scores"]:
            assert smooth == stepped


def test_models_beyond_the_breakpoints_are_not_equal() -> None:
    """Cut off at 1, both would have the same distance, and a all weightings.

    FID 500 has 2 - 116/192 and 600 has 2 - 216/192: 25/48 apart. MSE 0.3 has 3.5 and 0.34 has 3.3: 0.2 apart. With the
    weight w on the MSE they are equal at 0.2·w = (1 - w)·25/48: w = 125/173, and a is ahead above.
    """
    rules = rubric()["metrics"]
    a, b = (
        tuple(continuous_score(Decimal(value), rules[key]) for key, value in (("mse_pm1", mse), ("fid", fid)))
        for mse, fid in (("0.3", "600"), ("0.34", "500"))
    )
    assert (a[0] - b[0], b[1] - a[1]) == (Fraction("0.2"), Fraction(25, 48))
    share_of = {territory.models[0]: territory.share for territory in territories({"a": a, "b": b})}
    assert share_of["a"] == 1 - Fraction(125, 173)


def test_the_landscape_of_an_experiment() -> None:
    groups: dict[str, list] = {}
    for made in experiment():
        groups.setdefault(made.model, []).append(made)
    found = landscapes(groups, rubric(), KEYS)
    # beta_vae: MSE 0.0412, 0.0416, 0.042 (6 each), SSIM 0.641, 0.638, 0.635 (6), FID 61.2, 62.5, 63.8 (4).
    assert found["ten steps"].scores["beta_vae"] == (6, 6, 4)
    # info_vae: FID 47.3, 48.6, 49.9: 5, 4, 4; SSIM 0.7, 0.697, 0.694: 7, 6, 6.
    assert found["ten steps"].scores["info_vae"][1:] == (Fraction(19, 3), Fraction(13, 3))
    # Continuous SSIM: 0.1 a point.
    assert found["continuous"].scores["beta_vae"][1] == Fraction("6.38")


def test_equal_sets_of_weights_are_one() -> None:
    sets = weight_sets(rubric(), KEYS)
    assert sets["beta_vae, default"] == point(0.3, 0.3, 0.4)
    assert list(sets) == ["beta_vae, default", "conditional_vae", "info_vae"]
