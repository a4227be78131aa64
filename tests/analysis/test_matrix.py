"""The evaluation matrix against hand computation."""

from dataclasses import replace
from decimal import Decimal

import pytest

from made_up_runs import experiment, floor, rubric, run
from vaematrix.analysis.decimals import decimal, rounded
from vaematrix.analysis.matrix import (
    check_protocols,
    cross_weights,
    evaluation_matrix,
    matrix_keys,
    score,
    spread,
)
from vaematrix.analysis.published import recomputed_published
from vaematrix.common.errors import UserError
from vaematrix.common.records import RunMetrics

D = Decimal


def test_a_breakpoint_reached_exactly_earns_its_score() -> None:
    lower = {"better": "lower", "scores": [1, 2, 3, 4, 5, 6, 7, 8, 9]}
    assert [score(D(v), lower) for v in ("0", "1", "1.0000001", "2", "9", "9.0000001")] == [10, 10, 9, 9, 2, 1]
    higher = {"better": "higher", "scores": [9, 8, 7, 6, 5, 4, 3, 2, 1]}
    assert [score(D(v), higher) for v in ("10", "9", "8.9999999", "1", "0.9999999")] == [10, 10, 9, 2, 1]


def test_numbers_are_the_decimals_they_are_written_as() -> None:
    assert decimal(0.35) == D("0.35")
    assert decimal(0.1) + decimal(0.2) == decimal(0.3)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [("1.005", 2, "1.01"), ("2.5", 0, "3"), ("0.125", 2, "0.13"), ("-0.001", 2, "0.00"), ("-0.125", 2, "-0.13"),
     ("3", 2, "3.00"), ("1E+3", 0, "1000")],
)  # fmt: skip
def test_printing_rounds_halves_up(value: str, places: int, text: str) -> None:
    assert rounded(D(value), places) == text


def test_one_run_by_hand() -> None:
    judged = evaluation_matrix([run("conditional_vae", 0, 0.35, 0.30, 186.52)], rubric())
    assert [row.label for row in judged.rows] == ["MSE", "SSIM", "FID"]
    assert [row.score.mean for row in judged.rows] == [3, 3, 3]
    assert [row.weight for row in judged.rows] == [25, 30, 45]
    assert [row.weighted.mean for row in judged.rows] == [D("0.75"), D("0.90"), D("1.35")]
    assert judged.total.mean == 3
    assert judged.total.sd is None
    assert judged.total.n == 1
    assert all(row.numeric.sd is None and row.score.sd is None for row in judged.rows)


def test_three_seeds_by_hand() -> None:
    """Scores 7, 6, 6 (0.025 reaches 7), SSIM 7, 6, 7, FID 4, 4, 5, weights of info_vae 30, 35, 35."""
    runs = [
        run("info_vae", 0, 0.025, 0.70, 60.0),
        run("info_vae", 1, 0.026, 0.69, 49.0),
        run("info_vae", 2, 0.030, 0.71, 48.0),
    ]
    judged = evaluation_matrix(runs, rubric())
    mse, ssim, fid = judged.rows
    assert mse.numeric.mean == D("0.027")
    assert mse.numeric.sd == D("0.000007").sqrt()  # deviations -2, -1, 3 thousandths: 14e-6 / 2
    assert float(mse.score.mean) == pytest.approx(19 / 3)
    assert float(mse.score.sd) == pytest.approx((1 / 3) ** 0.5)
    assert float(ssim.score.mean) == pytest.approx(20 / 3)
    assert float(fid.score.mean) == pytest.approx(13 / 3)
    # totals by seed: 2.1 + 2.45 + 1.4 = 5.95; 1.8 + 2.1 + 1.4 = 5.3; 1.8 + 2.45 + 1.75 = 6.0
    assert judged.total.mean == D("5.75")
    assert judged.total.sd == D("0.1525").sqrt()  # (0.2² + 0.45² + 0.25²) / 2
    assert judged.seeds == (0, 1, 2)


def test_scores_are_averaged_not_taken_from_the_mean() -> None:
    runs = [run("vae", 0, 0.02, 0.7, 47.0), run("vae", 1, 0.02, 0.7, 97.0)]  # scores 5 and 3, mean value 72: score 4
    assert evaluation_matrix(runs, rubric()).rows[2].score == spread([D(5), D(3)])


def test_two_equal_seeds_have_a_deviation_of_zero_and_one_seed_has_none() -> None:
    assert spread([D(2), D(2)]).sd == 0
    assert spread([D(2)]).sd is None


def test_other_features_take_the_weight_and_never_the_name_of_fid() -> None:
    judged = evaluation_matrix([run("beta_vae", 0, 0.15, 0.34, 200.0, kind="frechet_efficientnet_lite0")], rubric())
    assert judged.rows[2].key == "frechet_efficientnet_lite0"
    assert judged.rows[2].label == "Fréchet distance (EfficientNet-Lite0)"
    assert judged.rows[2].weight == 40
    assert judged.rows[2].score.mean == 5


def test_every_model_under_every_models_weights_by_hand() -> None:
    """The paper's own values: by the rows' sums the conditional and the information VAE are level everywhere."""
    groups = {
        "beta_vae": [run("beta_vae", 0, 0.15, 0.34, 192.55)],
        "conditional_vae": [run("conditional_vae", 0, 0.35, 0.30, 186.52)],
        "info_vae": [run("info_vae", 0, 0.37, 0.34, 190.90)],
    }
    found = {(s.weighting, s.model): (s.total.mean, s.rank) for s in cross_weights(groups, rubric())}
    assert found == {
        ("beta_vae", "beta_vae"): (D("2.9"), 3),
        ("beta_vae", "conditional_vae"): (3, 1),
        ("beta_vae", "info_vae"): (3, 1),
        ("conditional_vae", "beta_vae"): (D("2.8"), 3),
        ("conditional_vae", "conditional_vae"): (3, 1),
        ("conditional_vae", "info_vae"): (3, 1),
        ("info_vae", "beta_vae"): (D("2.95"), 3),
        ("info_vae", "conditional_vae"): (3, 1),
        ("info_vae", "info_vae"): (3, 1),
    }


def test_models_without_weights_of_their_own_share_the_default() -> None:
    groups = {name: [run(name, 0, 0.03, 0.7, 50.0)] for name in ("vae", "info_vae", "another")}
    assert [s.weighting for s in cross_weights(groups, rubric())] == ["default"] * 3 + ["info_vae"] * 3


def with_entry(made: RunMetrics, entry: str | None) -> RunMetrics:
    return replace(made, run=replace(made.run, entry=entry))


def test_the_variants_of_a_sweep_are_judged_by_the_weights_of_their_entry() -> None:
    """And a model whose name begins like another entry's is not: weights follow the entry, not the spelling."""
    entries = {
        "info_vae-lambda-10": "info_vae", "info_vae-lambda-1000": "info_vae", "beta_vae-mine": "beta_vae-mine",
        "vae-x-1": "vae", "conditional_vae": "conditional_vae",
    }  # fmt: skip
    groups = {name: [run(name, 0, 0.03, 0.7, 50.0)] for name in entries}
    for name, entry in entries.items():
        groups[name] = [with_entry(run, entry) for run in groups[name]]
    judged = [evaluation_matrix(runs, rubric()).weighting for runs in groups.values()]
    assert judged == ["info_vae", "info_vae", "default", "default", "conditional_vae"]
    before = [with_entry(run, None) for run in groups["conditional_vae"]]  # as it was before entries were recorded
    assert evaluation_matrix(before, rubric()).weighting == "conditional_vae"
    assert list(dict.fromkeys(s.weighting for s in cross_weights(groups, rubric()))) == [
        "info_vae", "default", "conditional_vae",
    ]  # fmt: skip
    own = rubric()
    own["weights"]["info_vae-lambda-10"] = own["weights"]["default"]
    assert evaluation_matrix(groups["info_vae-lambda-10"], own).weighting == "info_vae-lambda-10"
    assert evaluation_matrix(groups["info_vae-lambda-1000"], own).weighting == "info_vae"


def test_table_2_is_printed_as_2_95_and_adds_up_to_3_00() -> None:
    tables = {table.number: table for table in recomputed_published(rubric())}
    assert [(t.printed, t.recomputed, t.agrees) for _, t in sorted(tables.items())] == [
        (D("2.9"), D("2.9"), True),
        (D("2.95"), D("3.00"), False),
        (D("3.0"), D("3.0"), True),
    ]
    for table in tables.values():
        assert all(row.score == row.our_score for row in table.rows)
        assert all(row.weighted == row.recomputed for row in table.rows)
    assert tables[1].under == {"beta_vae": D("2.9"), "conditional_vae": D("2.8"), "info_vae": D("2.95")}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sample_count": 200}, ["sample_count", "10000", "200"]),
        ({"split": "valid"}, ["split", "'test'", "'valid'"]),
        ({"crop": 178}, ["crop", "140", "178"]),
        ({"filter": "bicubic"}, ["filter", "bicubic"]),
        ({"sampler": "gmm"}, ["sampler", "gmm"]),
        ({"features": {"network": "efficientnet_lite0", "dims": 1280}}, ["features", "1280"]),
        ({"images": 799}, ["images", "799"]),
    ],
)
def test_runs_measured_differently_are_not_compared(changed: dict, words: list[str]) -> None:
    runs = [run("vae", 0, 0.02, 0.7, 50.0), run("info_vae", 1, 0.02, 0.7, 50.0, **changed)]
    with pytest.raises(UserError) as refused:
        check_protocols(runs)
    for word in ["vae seed 0", "info_vae seed 1", *words]:
        assert word in str(refused.value)


def test_runs_that_differ_in_weights_and_sample_seed_alone_are_compared() -> None:
    check_protocols([*experiment(), run("x", 0, 0.1, 0.5, 9.0, weights_sha256="other", sample_seed=1)])


def test_floors_are_held_to_the_data_and_not_to_the_samples() -> None:
    check_protocols(experiment(), [floor("mean_face", 0.28, 0.3)])
    mean_face = floor("mean_face", 0.28, 0.3, size=32)
    with pytest.raises(UserError, match=r"mean_face.*size is 64 in the first and 32"):
        check_protocols(experiment(), [mean_face])


def test_a_run_given_twice_is_refused() -> None:
    with pytest.raises(UserError, match=r"vae seed 1 is given twice"):
        check_protocols([run("vae", 1, 0.1, 0.5, 9.0), run("vae", 1, 0.1, 0.5, 9.0)])


def test_fid_and_other_features_are_not_mixed() -> None:
    runs = [run("vae", 0, 0.1, 0.5, 9.0), run("info_vae", 0, 0.1, 0.5, 9.0, kind="frechet_efficientnet_lite0")]
    with pytest.raises(UserError, match=r"fid \(vae seed 0\) and frechet_efficientnet_lite0 \(info_vae seed 0\)"):
        matrix_keys(runs, rubric())
