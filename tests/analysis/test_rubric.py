"""config/rubric.yaml gives the paper's scores, and a wrong one is refused with the fix."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from made_up_runs import rubric
from vaematrix.analysis.matrix import score
from vaematrix.analysis.rubric import check_rubric, read_rubric
from vaematrix.common.errors import UserError

# The nine (metric, value, score) that the paper prints, typed from its tables.
PUBLISHED = [
    ("mse_pm1", "0.15", 4), ("ssim", "0.34", 3), ("fid", "192.55", 2),
    ("mse_pm1", "0.35", 3), ("ssim", "0.30", 3), ("fid", "186.52", 3),
    ("mse_pm1", "0.37", 3), ("ssim", "0.34", 3), ("fid", "190.90", 3),
]  # fmt: skip
# and value, score, weight, weighted score and total of each table, as printed.
TABLES = {
    "beta_vae": [(0.15, 4, 30, 1.20), (0.34, 3, 30, 0.90), (192.55, 2, 40, 0.80), 2.90],
    "conditional_vae": [(0.35, 3, 25, 0.75), (0.30, 3, 30, 0.90), (186.52, 3, 45, 1.35), 2.95],
    "info_vae": [(0.37, 3, 30, 0.90), (0.34, 3, 35, 1.05), (190.90, 3, 35, 1.05), 3.00],
}


@pytest.mark.parametrize(("metric", "value", "expected"), PUBLISHED)
def test_the_rubric_gives_the_published_score(metric: str, value: str, expected: int) -> None:
    assert score(Decimal(value), rubric()["metrics"][metric]) == expected


@pytest.mark.parametrize("model", TABLES)
def test_the_published_tables_stand_as_printed(model: str) -> None:
    table = rubric()["published"]["tables"][model]
    rows = [(row["value"], row["score"], row["weight"], row["weighted"]) for row in table["rows"].values()]
    assert [*rows, table["total"]] == TABLES[model]
    assert rubric()["weights"][model] == {key: row["weight"] for key, row in table["rows"].items()}


@pytest.mark.parametrize(
    ("distance", "expected"),
    [("79.6", 8), ("128.6", 6), ("266.7", 4), ("322.8", 3), ("540.3", 2), ("796.8", 1)],
    ids=["as they are", "blur 1", "PCA 64", "blur 2", "blur 4", "mean face"],
)
def test_distances_of_real_faces_spread_over_the_scores(distance: str, expected: int) -> None:
    """500 against 500 of CelebA's faces (docs/features.json)."""
    assert score(Decimal(distance), rubric()["metrics"]["frechet_efficientnet_lite0"]) == expected


def test_the_rubric_that_ships_is_accepted() -> None:
    check_rubric(rubric())


def _set(*path_and_value: object):
    *path, key, value = path_and_value

    def change(rules: dict) -> None:
        for step in path:
            rules = rules[step]
        if value is None:
            del rules[key]
        else:
            rules[key] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("metrics", "fid", "beter", "lower"), ["rubric.yaml", "metrics.fid", "beter", "better"]),
        (_set("metrics", "fid", "scores", [3, 2, 1]), ["metrics.fid.scores"]),
        (_set("metrics", "fid", "scores", 3, 24), ["metrics.fid.scores", "for 6 (24)", "for 7 (24)", "greater"]),
        (_set("metrics", "ssim", "scores", 8, 0.35), ["metrics.ssim.scores", "for 2 (0.35)", "less"]),
        (_set("metrics", "fid", "scores", 0, float("nan")), ["metrics.fid.scores", "finite"]),
        (_set("metrics", "ssim", "label", "FID"), ["'FID'", "metrics.ssim", "own"]),
        (_set("metrics", "frechet_efficientnet_lite0", "in_place_of", "fdi"), ["'fdi'", "did you mean 'fid'?"]),
        (_set("weights", "info_vae", "fid", 45), ["weights.info_vae", "110", "100"]),
        (_set("weights", "info_vae", "sim", 0), ["weights.info_vae.sim", "did you mean 'ssim'?"]),
        (_set("weights", "info_vae", "frechet_efficientnet_lite0", 0),
         ["weights.info_vae.frechet_efficientnet_lite0", "of fid", "remove"]),
        (_set("weights", "info_vae", "ssim", None), ["weights.info_vae", "no weight for ssim", "ssim: 0"]),
        (_set("weights", "default", None), ["default"]),
        (_set("published", "tables", "info_vae", "rows", "ssmi", {"value": 1, "score": 1, "weight": 0, "weighted": 0}),
         ["published.tables.info_vae.rows.ssmi", "did you mean 'ssim'?"]),
        (_set("published", "tables", "info_vae", "rows", "ssim", None), ["published.tables.info_vae", "ssim"]),
    ],
)  # fmt: skip
def test_a_wrong_rubric_is_refused_with_the_key_and_the_fix(change, words: list[str]) -> None:
    wrong = rubric()
    change(wrong)
    with pytest.raises(UserError) as refused:
        check_rubric(wrong)
    for word in words:
        assert word in str(refused.value)
    assert len(str(refused.value).splitlines()) <= 3


def test_weights_for_nearly_a_model_are_refused() -> None:
    """They would leave the model to the default weights, and its total would say nothing of it."""
    rules = rubric()
    rules["weights"]["warm_pu"] = rules["weights"]["default"]
    check_rubric(rules, models=["beta_vae", "gan"])
    with pytest.raises(UserError, match=r"weights\.warm_pu: no model of this name.*did you mean 'warm_up'\?"):
        check_rubric(rules, models=["beta_vae", "warm_up"])


def test_weights_of_a_sweeps_entry_are_not_taken_for_a_slip() -> None:
    rules = rubric()
    rules["weights"]["long_model_name"] = rules["weights"]["default"]
    check_rubric(rules, models=["long_model_name", "long_model_name-beta-1", "long_model_name-beta-2"])


def test_weights_are_added_exactly() -> None:
    """33.3 + 33.3 + 33.4 is 100, though not in binary floating point."""
    rules = rubric()
    rules["weights"]["default"] = {"mse_pm1": 33.3, "ssim": 33.3, "fid": 33.4}
    check_rubric(rules)


def test_a_rubric_is_read_strictly_and_named(tmp_path: Path) -> None:
    wrong = rubric()
    wrong["weights"]["default"]["fid"] = 45
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(wrong))
    with pytest.raises(UserError, match=r"mine\.yaml: weights\.default: .* add up to 105"):
        read_rubric(file)
    file.write_text("weights: {}\nweights: {}\n")
    with pytest.raises(UserError, match=r"mine\.yaml: 'weights' stands in line 1 and again in line 2"):
        read_rubric(file)
