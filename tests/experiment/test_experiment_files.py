"""Where files lie, and what jobs ask for: from the configuration alone, without Snakemake."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from vaematrix.common import records
from vaematrix.experiment import failures
from vaematrix.experiment.demand import Demand
from vaematrix.experiment.files import Files
from workflow_runner import ROOT


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config/config.yaml").read_text())


@pytest.fixture
def rubric() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "config/rubric.yaml").read_text())


def test_a_runs_folder_says_whose_it_is(config: dict[str, Any], rubric: dict[str, Any]) -> None:
    files = Files(config, rubric)
    runs = [("beta_vae", 0), ("a_b & 50%", 12)]
    named = files.of_runs(runs, "run.json", "metrics.json")
    assert named[:2] == ["results/paper/beta_vae/seed-0/run.json", "results/paper/a_b & 50%/seed-12/run.json"]
    assert [records.run_of(name) for name in named] == runs * 2


def test_what_changes_images_changes_their_folder(config: dict[str, Any], rubric: dict[str, Any]) -> None:
    assert Files(config, rubric).shards[3] == "resources/celeba/crop140-64px-bilinear/shard-00003-of-00016.parquet"
    for name, value in {"crop": 148, "size": 32, "filter": "box", "name": "mine"}.items():
        other = config | {"dataset": config["dataset"] | {name: value}}
        assert Files(other, rubric).faces != Files(config, rubric).faces


def test_only_three_rows_make_a_triangle(config: dict[str, Any], rubric: dict[str, Any]) -> None:
    assert Files(config, rubric).triangle == ["results/paper/figures/weights.png", "results/paper/figures/weights.pdf"]
    rubric["metrics"]["psnr"] = rubric["metrics"]["ssim"]
    assert Files(config, rubric).triangle == []


def demand(config: dict[str, Any], folder: Path, faces: int = 600) -> Demand:
    shards = [folder / "a.parquet", folder / "b.parquet"]
    for shard in shards:
        pq.write_table(pa.table({"n": range(faces // 2)}), shard)
    return Demand(config, list(map(str, shards)), folder / "results")


def test_a_trainings_walltime_follows_from_faces_epochs_and_speed(config: dict[str, Any], tmp_path: Path) -> None:
    config["training"] |= {"epochs": 100_000, "images_per_second": 500}
    assert demand(config, tmp_path).training_minutes == 10 + 1.5 * 600 * 100_000 / 500 / 60
    assert demand(config, tmp_path).memory_mb == 4000 + 15  # and the 600 faces of 12,288 bytes twice


def test_before_there_are_shards_it_is_said_which_is_missing(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        _ = Demand(config, [str(tmp_path / "a.parquet")], tmp_path).training_minutes
    assert caught.value.filename == str(tmp_path / "a.parquet")


def test_a_failed_job_is_told_by_the_last_error_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("error: first\nerror: no such loss.\n")
    assert failures.reason("train", "train", str(log), "", 1) == f"train failed, {log}: no such loss."
    assert failures.reason("train", "train", str(tmp_path / "none"), "", 1) == f"train failed, {tmp_path / 'none'}"
