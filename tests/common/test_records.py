"""Records that are damaged or somebody else's: named, or left out, and no plan fails."""

import json
from pathlib import Path
from typing import Any

import pytest

from vaematrix.common import records
from vaematrix.common.errors import UserError

RUN = {
    "key": "4f2a",
    "images_per_second": 812.5,
    "where": {"slurm_job": "12"},
    "parameters": {"network": {"widths": [4, 8]}},
}
NO_RECORDS = ["", "{", "[]", "null", "3", "{}", '{"protocol": []}', '{"protocol": {"key": 3}}']


def written(folder: Path, text: str) -> Path:
    (folder / "run.json").write_text(text)
    return folder / "run.json"


@pytest.mark.parametrize("record", [RUN, {"protocol": RUN}])
def test_both_kinds_of_records_have_a_key(record: dict[str, Any], tmp_path: Path) -> None:
    assert records.key_of(written(tmp_path, json.dumps(record))) == "4f2a"


@pytest.mark.parametrize("text", NO_RECORDS)
def test_what_is_no_record_is_named_with_the_mending(text: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"run\.json: .*Delete it"):
        records.key_of(written(tmp_path, text))


@pytest.mark.parametrize(
    ("record", "speed"),
    [
        (RUN, 812.5),
        ({**RUN, "where": {"host": "here"}}, None),
        ({**RUN, "parameters": {"network": {"widths": [8, 8]}}}, None),
        ({**RUN, "images_per_second": None}, None),
        ({**RUN, "where": None}, None),
    ],
)
def test_speeds_are_of_the_same_network_on_the_cluster(
    record: dict[str, Any], speed: float | None, tmp_path: Path
) -> None:
    assert records.speed_on_a_cluster(written(tmp_path, json.dumps(record)), [4, 8]) == speed


@pytest.mark.parametrize("text", NO_RECORDS)
def test_a_strangers_garbage_has_no_speed(text: str, tmp_path: Path) -> None:
    assert records.speed_on_a_cluster(written(tmp_path, text), [4, 8]) is None


NUMBER = {"value": 0.7, "count": 8, "label": "SSIM", "scale": "", "better": "higher", "about": "reconstruction"}
MEASURED = {
    "run": {"model": "vae", "seed": 3, "experiment": "demo", "family": "vae", "entry": "vae"},
    "metrics": {"ssim": NUMBER | {"low": 0.6, "high": 0.8}, "kid": NUMBER | {"subset_sd": 0.1, "protocol": {"k": 3}}},
    "checks": {"ssim": {"against": "scikit-image", "on": "8 images", "difference": 0.0, "tolerance": 1e-6}},
    "left_out": {"probe_auc": "no attributes"},
    "warnings": ["few samples"],
    "protocol": {"dataset": "faces", "crop": 140, "sampler": "prior", "novelty": {"of": "tomorrow"}},
}


def test_metrics_are_written_as_they_were_read(tmp_path: Path) -> None:
    metrics = records.read_metrics(written(tmp_path, json.dumps(MEASURED)))
    assert (str(metrics), metrics.metrics["ssim"].low, metrics.protocol.crop) == ("vae seed 3", 0.6, 140)
    records.write_record(tmp_path / "again.json", metrics)
    again = json.loads((tmp_path / "again.json").read_text())
    assert {name: value for name, value in again["protocol"].items() if value is not None} == MEASURED["protocol"]
    assert again | {"protocol": MEASURED["protocol"]} == MEASURED, "an entry has no key for what it lacks"
    assert records.read_metrics(tmp_path / "again.json") == metrics


def test_a_floor_has_no_samples(tmp_path: Path) -> None:
    floor = {"run": {"model": "pca", "seed": 0}, "metrics": {}, "protocol": {"fitted_on": 20}}
    read = records.read_floor(written(tmp_path, json.dumps(floor)))
    assert read.protocol.fitted_on == 20
    assert not {"sampler", "sample_labels"} & records.as_json(read)["protocol"].keys()


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        ({"metrics": []}, r"run\.json: no metrics in it"),
        ({"run": {"model": "vae"}}, r"run\.json: run: no seed in it"),
        ({"metrics": {"ssim": {"label": "SSIM"}}}, r"run\.json: metrics\.ssim: no value in it"),
        ({"checks": {"ssim": {}}}, r"run\.json: checks\.ssim: no against and no on"),
    ],
)
def test_a_damaged_record_is_named(spoiled: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        records.read_metrics(written(tmp_path, json.dumps(MEASURED | spoiled)))


def test_what_has_to_agree_and_what_a_difference_concerns() -> None:
    data = ["dataset", "source", "split", "images", "crop", "size", "filter"]
    assert records.has_to_agree(floors=True) == data
    alike = {*data, "data", "sampler", "sample_count", "features", "reference_count"}
    assert set(records.has_to_agree(floors=False)) == alike
    concerns = records.concerns()
    assert {concerns[name] for name in data} == {records.EVERY}
    assert (concerns["sampler"], concerns["features"]) == (records.SAMPLES, records.FEATURES)
