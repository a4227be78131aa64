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
