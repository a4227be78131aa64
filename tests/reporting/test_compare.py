"""What changed between two folders: first the protocol, then the numbers, and nothing that was not measured alike."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from made_up_runs import rubric, run
from vaematrix.common.errors import UserError
from vaematrix.common.records import write_record
from vaematrix.reporting.comparison import compare, read_folder, refusal, sections
from workflow_runner import ROOT

NAMES = [f"{number:06}.jpg" for number in range(60)]
PIXELS = {"mse_pm1", "mse_01", "ssim", "psnr"}
HARDNESS = np.random.default_rng(0).normal(0, 0.004, 60)


def results(
    folder: Path,
    models: dict[str, float],
    seeds: int = 1,
    names: list[str] = NAMES,
    sigma: str = "calibrated",
    **protocol: Any,
) -> Path:
    """A folder of results: models with their MSE on [-1, 1]; the FID is 1000 times that."""
    for model, mse in models.items():
        for seed in range(seeds):
            rng = np.random.default_rng([seed, *model.encode(), round(mse * 1e6)])
            faces = mse + HARDNESS + rng.normal(0, 0.0005, 60)
            settings = {"training": {"sigma": sigma}, "training_code": "cd" * 8, "data": "ef" * 8}
            made = run(model, seed, float(faces.mean()), 0.7, 1000 * mse + seed, **(settings | protocol))
            metrics = {
                key: replace(entry, about="generation" if key == "fid" else "reconstruction")
                for key, entry in made.metrics.items()
            }
            place = folder / model / f"seed-{seed}"
            write_record(place / "metrics.json", replace(made, metrics=metrics))
            measured = {key: metrics[key].value + faces - faces.mean() for key in PIXELS}
            pd.DataFrame({"image_id": names, **measured}).to_parquet(place / "per_image.parquet")
    return folder


def compared(a: Path, b: Path, **options: Any) -> Any:
    return compare(read_folder(a), read_folder(b), rubric(), **options)


def value(found: Any, model: str, metric: str) -> Any:
    (match,) = (value for value in found.values if (value.model, value.metric) == (model, metric))
    return match


def values(folder: Path) -> list[float]:
    """The MSE of three seeds."""
    runs = read_folder(folder).runs
    return [runs["vae", seed].metrics["mse_pm1"].value for seed in range(3)]


def program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vaematrix", "compare", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_same_results_have_not_changed(tmp_path: Path) -> None:
    a = results(tmp_path / "a", {"vae": 0.03}, seeds=3)
    found = compared(a, a)
    assert not [*found.protocol, *found.settings, *found.hashes, *found.unmatched]
    assert {value.change.value for value in found.values} == {0}
    assert {value.change.verdict for value in found.values} == {"not distinguishable"}
    heading, frame, note = sections(found)[0]
    assert (heading, len(frame), note) == ("How it was measured", 0, "Both were measured alike.")


def test_faces_are_paired_and_sets_are_judged_over_seeds(tmp_path: Path) -> None:
    a = results(tmp_path / "a", {"vae": 0.0300, "gan": 0.04}, seeds=3)
    b = results(tmp_path / "b", {"vae": 0.0305, "gan": 0.04}, seeds=3, sigma="1.0", training_code="ab" * 8)
    found = compared(a, b)
    mse = value(found, "vae", "mse_pm1")
    means = [[read_folder(side).runs["vae", seed].metrics["mse_pm1"].value for seed in range(3)] for side in (a, b)]
    assert mse.change.value == pytest.approx(np.mean(means[1]) - np.mean(means[0]))
    assert (mse.change.covers, mse.change.verdict) == ("faces and seeds", "A better")
    assert value(found, "gan", "mse_pm1").change.verdict == "not distinguishable"
    fid = value(found, "vae", "fid")
    assert (float(fid.old.mean), float(fid.new.mean), fid.change.value) == (31.0, 31.5, pytest.approx(0.5))
    assert (fid.change.covers, fid.change.verdict) == ("nothing", "cannot be judged: no spread over seeds")
    assert [(field.name, field.old, field.new, field.models) for field in found.settings] == [
        ("training.sigma", "calibrated", "1.0", ("gan", "vae"))
    ]
    assert [field.name for field in found.hashes] == ["training_code"]


def test_scores_change_with_the_values(tmp_path: Path) -> None:
    """MSE 0.03 has a 6 and 0.02 a 7; FID 30 has a 5 and 20 a 6; the SSIM stays at 7. Weights 30, 30, 40."""
    found = compared(results(tmp_path / "a", {"vae": 0.03}), results(tmp_path / "b", {"vae": 0.02}))
    changes = {value.metric: value.change.value for value in found.values if value.kind == "score"}
    assert changes == {"score_mse_pm1": 1, "score_ssim": 0, "score_fid": 1, "score_total": pytest.approx(0.7)}
    assert value(found, "vae", "score_total").change.verdict == "cannot be judged: one seed"


@pytest.mark.parametrize(
    ("protocol", "refused", "said"),
    [
        ({"sample_count": 5000}, {"fid"}, "sample_count is 10000 in A and 5000 in B"),
        ({"sampler": "gmm"}, {"fid"}, "sampler is prior in A and gmm in B"),
        ({"features": {"network": "inception", "dims": 768}}, {"fid"}, "features.dims is 2048 in A and 768 in B"),
        ({"crop": 148}, {"fid", *PIXELS}, "crop is 140 in A and 148 in B"),
        ({"data": "00"}, {"fid", *PIXELS}, "data is efefefefefefefef in A and 00 in B"),
        ({"further": {"novelty": 1}}, {"fid", *PIXELS}, "novelty is – in A and 1 in B"),
        ({"versions": {"python": "3.13"}, "confidence": 0.9}, set(), ""),
    ],
)  # fmt: skip
def test_what_was_not_measured_alike_is_refused(tmp_path: Path, protocol: dict, refused: set[str], said: str) -> None:
    a, b = results(tmp_path / "a", {"vae": 0.03}), results(tmp_path / "b", {"vae": 0.02}, **protocol)
    found = compared(a, b)
    assert {value.metric for value in found.refused if value.kind == "metric"} == refused
    assert value(found, "vae", "score_total") in found.refused or not refused
    assert said in refusal(found)
    assert {field.name for field in found.protocol} >= {
        name for name in protocol if not isinstance(protocol[name], dict)
    }
    forced = compared(a, b, across_protocols=True)
    assert not forced.refused
    assert {value.metric for value in forced.values if value.differs and value.kind == "metric"} == refused
    assert refusal(forced) == ""


def test_a_metrics_own_protocol_counts(tmp_path: Path) -> None:
    a, b = (results(tmp_path / name, {"vae": 0.03}) for name in "ab")
    file = b / "vae/seed-0/metrics.json"
    made = json.loads(file.read_text())
    made["metrics"]["ssim"]["protocol"] = {"window": 7}
    file.write_text(json.dumps(made))
    found = compared(a, b)
    assert {value.metric for value in found.refused} == {"ssim", "score_ssim", "score_total"}
    assert "metrics.ssim.protocol.window is – in A and 7 in B" in refusal(found)


def test_other_faces_are_not_paired(tmp_path: Path) -> None:
    a = results(tmp_path / "a", {"vae": 0.03}, seeds=3)
    b = results(tmp_path / "b", {"vae": 0.02}, seeds=3, names=[f"x{name}" for name in NAMES])
    mse = value(compared(a, b), "vae", "mse_pm1")
    assert mse.change.covers == "seeds"
    values = [[read_folder(side).runs["vae", seed].metrics["mse_pm1"].value for seed in range(3)] for side in (b, a)]
    assert (mse.change.low, mse.change.high) == pytest.approx(tuple(stats.ttest_rel(*values).confidence_interval()))


def test_other_features_and_inception_have_no_scores_in_common(tmp_path: Path) -> None:
    a, b = (results(tmp_path / name, {"vae": 0.03}) for name in "ab")
    file = b / "vae/seed-0/metrics.json"
    file.write_text(file.read_text().replace('"fid"', '"frechet_efficientnet_lite0"'))
    found = compared(a, b)
    assert {value.metric for value in found.values} == PIXELS
    assert "No scores" in sections(found)[-1][2]


def test_what_one_folder_alone_has_is_listed(tmp_path: Path) -> None:
    a = results(tmp_path / "a", {"vae": 0.03, "old": 0.03}, seeds=2)
    b = results(tmp_path / "b", {"vae": 0.03, "new": 0.03}, seeds=1)
    assert compared(a, b).unmatched == ["only in A: old", "only in A: vae seed 1", "only in B: new"]


def test_the_program_says_the_protocol_first_and_writes_csv_and_html(tmp_path: Path) -> None:
    a = results(tmp_path / "a", {"vae": 0.03, "<b>": 0.03}, seeds=3)
    b = results(tmp_path / "b", {"vae": 0.02, "<b>": 0.03}, seeds=3, sample_count=5000, sigma="1.0")
    done = program(a, b, "--output", tmp_path / "v1.2")
    assert done.returncode == 1
    assert "FID, Score, FID" in done.stderr
    assert "sample_count is 10000 in A and 5000 in B" in done.stderr
    assert "FORCE=1 (--across-protocols)" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.index("sample_count") < done.stdout.index("training.sigma") < done.stdout.index("What changed")
    with (tmp_path / "v1.2.csv").open() as file:
        table = list(csv.DictReader(file))
    (mse,) = (row for row in table if (row["models"], row["what"]) == ("vae", "mse_pm1"))
    assert (
        float(mse["change"]) == pytest.approx(float(mse["new"]) - float(mse["old"])) == pytest.approx(-0.01, abs=2e-4)
    )
    assert (mse["n"], mse["covers"], mse["claim"]) == ("3", "faces and seeds", "B better")
    (fid,) = (row for row in table if (row["models"], row["what"]) == ("vae", "fid"))
    assert (fid["old"], fid["change"], fid["claim"]) == ("", "", "refused")
    page = (tmp_path / "v1.2.html").read_text()
    assert "&lt;b&gt;" in page
    assert "sample_count is 10000 in A and 5000 in B" in page
    forced = program(a, b, "--across-protocols")
    assert forced.returncode == 0
    assert "(measured otherwise)" in forced.stdout


@pytest.mark.parametrize("seeds", [1, 2])
def test_fewer_than_three_seeds_have_no_better_side(tmp_path: Path, seeds: int) -> None:
    a, b = (results(tmp_path / name, {"vae": mse}, seeds=seeds) for name, mse in (("a", 0.03), ("b", 0.02)))
    for compared_value in compared(a, b).values:
        assert compared_value.change.better_model is None
        verdict = compared_value.change.verdict
        assert verdict.endswith(("these two networks only", "cannot be judged: one seed", ": 2 seeds"))
    verdict = value(compared(a, b), "vae", "mse_pm1").change.verdict
    assert verdict.startswith("B lower on these faces: these two networks") == (seeds == 1)


@pytest.mark.parametrize("side", "ab")
def test_a_metric_that_the_first_seed_lacks_is_compared_where_it_is(tmp_path: Path, side: str) -> None:
    folders = {name: results(tmp_path / name, {"vae": 0.03}, seeds=3) for name in "ab"}
    file = folders[side] / "vae/seed-0/metrics.json"
    made = json.loads(file.read_text())
    del made["metrics"]["psnr"]
    file.write_text(json.dumps(made))
    found = compared(folders["a"], folders["b"])
    assert (value(found, "vae", "psnr").change.n, value(found, "vae", "ssim").change.n) == (2, 3)


def broken(folder: Path) -> Path:
    (folder / "vae/seed-0/metrics.json").write_text('{"run": ')
    return folder


def foreign(folder: Path) -> Path:
    (folder / "vae/seed-0/metrics.json").write_text('{"run": {}, "metrics": {}}')
    return folder


def garbage(folder: Path) -> Path:
    (folder / "vae/seed-0/per_image.parquet").write_bytes(b"PAR1 no parquet PAR1")
    return folder


def other_parquet(folder: Path) -> Path:
    pd.DataFrame({"name": ["a"]}).to_parquet(folder / "vae/seed-0/per_image.parquet")
    return folder


def pipe(name: str) -> Any:
    def put(folder: Path) -> Path:
        file = folder / f"vae/seed-0/{name}"
        file.unlink(missing_ok=True)
        os.mkfifo(file)
        return folder

    return put


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (garbage, r"seed-0/per_image.parquet: cannot be read .*Delete it and run snakemake again"),
        (other_parquet, r"seed-0/per_image.parquet: cannot be read .*image_id"),
        (pipe("per_image.parquet"), r"seed-0/per_image.parquet: cannot be read .*no regular file"),
        (pipe("run.json"), r"seed-0/run.json: is no regular file"),
        (pipe("metrics.json"), r"seed-0/metrics.json: is no regular file"),
        (lambda folder: folder / "nowhere", "nowhere: no such folder"),
        (lambda folder: folder / "vae", r"no <model>/seed-<n>/metrics.json in it"),
        (broken, r"seed-0/metrics.json: cannot be read as JSON .*Delete it"),
        (foreign, r"seed-0/metrics.json: no protocol in it"),
    ],
    ids=[
        "garbage",
        "other parquet",
        "parquet is a pipe",
        "run is a pipe",
        "metrics are a pipe",
        "missing",
        "empty",
        "broken",
        "foreign",
    ],
)
def test_what_cannot_be_read_is_told_with_its_name(tmp_path: Path, spoil: Any, words: str) -> None:
    folder = spoil(results(tmp_path / "a", {"vae": 0.03}))
    with pytest.raises(UserError, match=words):
        read_folder(folder)
    done = program(folder, folder)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_make_gives_names_to_the_command_and_not_to_the_shell(tmp_path: Path) -> None:
    program = tmp_path / "venv/bin/vaematrix"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    for name in ("requirements.txt", "pyproject.toml", "venv/installed"):
        (tmp_path / name).touch()
    names = ['x"; touch hacked; "', "`touch hacked` 'b'"]
    make = ["make", "--file", ROOT / "Makefile", "compare", f"A={names[0]}", f"B={names[1]}", "VENV=venv"]
    said = subprocess.run(make, cwd=tmp_path, capture_output=True, text=True)
    assert said.stdout.splitlines()[:3] == ["compare", *names], said.stderr
    assert not (tmp_path / "hacked").exists()
