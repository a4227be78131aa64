"""What a remedy brings, as tables: paired by seed, and claimed from three seeds on."""

import csv
from pathlib import Path

import pytest
from scipy import stats

from made_up_runs import rubric, run
from vaematrix.analysis.remedies import Remedy
from vaematrix.common.records import RunMetrics
from vaematrix.reporting.tables import write_tables

PAIRS = [Remedy("adversary", "vae_adversarial", "vae"), Remedy("flow prior", "vae_flow", "vae")]
DISTANCES = {"vae": (60.0, 70.0, 66.0), "vae_adversarial": (40.0, 51.0, 45.0)}


def runs(seeds: int) -> list[RunMetrics]:
    return [
        run(model, seed, 0.03 + seed / 1000, 0.7, values[seed])
        for model, values in DISTANCES.items()
        for seed in range(seeds)
    ]


def written(folder: Path, seeds: int) -> list[dict[str, str]]:
    models = [*DISTANCES, "vae_flow"]
    write_tables(folder, runs(seeds), rubric(), models, missing={("vae_flow", 0): "diverged"}, remedies=PAIRS)
    return list(csv.DictReader((folder / "remedies.csv").open()))


def test_the_difference_is_paired_by_seed_and_judged_as_any_other(tmp_path: Path) -> None:
    (fid,) = (row for row in written(tmp_path, 3) if row["metric"] == "fid")
    differences = [a - b for a, b in zip(DISTANCES["vae_adversarial"], DISTANCES["vae"], strict=True)]
    test = stats.ttest_1samp(differences, 0)
    assert (fid["remedy"], fid["model"], fid["plain"], fid["n"]) == ("adversary", "vae_adversarial", "vae", "3")
    assert float(fid["difference"]) == pytest.approx(sum(differences) / 3)
    assert float(fid["low"]) == pytest.approx(test.confidence_interval(0.95).low)
    assert float(fid["p_holm"]) == pytest.approx(test.pvalue), "one pair was trained, so one test is made"
    assert fid["claim"] == "vae_adversarial better"
    tex = (tmp_path / "remedies.tex").read_text()
    assert "vae\\_adversarial better" in tex
    assert "What the suggestions bring" in (tmp_path / "differences.html").read_text()


def test_one_seed_claims_nothing_of_models(tmp_path: Path) -> None:
    assert {row["claim"] for row in written(tmp_path, 1) if row["metric"] == "fid"} == {"cannot be judged: one seed"}


def test_an_experiment_without_remedies_has_no_such_table(tmp_path: Path) -> None:
    write_tables(tmp_path, runs(2), rubric(), list(DISTANCES))
    assert not list(tmp_path.glob("remedies.*"))
    assert "suggestions" not in (tmp_path / "differences.html").read_text()
