"""The whole graph on tiny data, and what reruns after which edit."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from pyarrow import parquet
from pytorch_fid.fid_score import compute_statistics_of_path

from layouts import write_layout
from workflow_runner import BIN, ROOT, copy_project, planned, snakemake

pytestmark = [pytest.mark.workflow]

MODELS = ["beta_vae", "conditional_vae", "a_b & 50%"]
RUN_RULES = ["train", "generate", "evaluate", "run_figures"]
TABLES = {"tables", "weight_triangle", "report", "compile_report"}
AGGREGATION = TABLES | {"experiment_figures", "index_runs"}


def chain(*models: str, rules: list[str] = RUN_RULES) -> set[str]:
    return {f"{rule} {model} {seed}" for rule in rules for model in models for seed in (0, 1)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def append(name: str, line: str = "assert True") -> Callable[[Path], None]:
    """Add a line to a file; as it stands, one that says nothing but is code that runs on import."""

    def edited(project: Path) -> None:
        with (project / name).open("a") as file:
            file.write(f"\n{line}\n")

    return edited


def config(old: str, new: str) -> Callable[[Path], None]:
    return lambda project: edit(project / "tests/tiny.yaml", old, new)


LIBRARY = "src/vaematrix"
SEED_2 = {f"{rule} {model} 2" for rule in RUN_RULES for model in MODELS}
PICTURES = chain(*MODELS, rules=["run_figures"]) | {"report", "compile_report"}
SEEN = ["evaluate", "run_figures"]  # the pictures are sorted by what was measured
FIGURES = chain(*MODELS, rules=["run_figures"]) | {"experiment_figures", "summarise_dataset"} | TABLES - {"tables"}
EVERYTHING = (
    {"build_shard", "summarise_dataset", "reference_statistics", "attribute_judge", "floors"}
    | chain(*MODELS)
    | AGGREGATION
)
JUDGED = chain(*MODELS, rules=SEEN) | {"attribute_judge", "floors"} | AGGREGATION


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda project: None, set()),
        (append(f"{LIBRARY}/models/families/beta_vae.py"), chain("beta_vae") | AGGREGATION),
        (config("beta: 2.0", "beta: 3.0"), chain("beta_vae") | AGGREGATION),
        (config("kernel: imq", "kernel: rbf"), chain("a_b & 50%") | AGGREGATION),
        (append(f"{LIBRARY}/models/networks.py"), chain(*MODELS) | AGGREGATION),
        (append(f"{LIBRARY}/training/loop.py"), chain(*MODELS) | AGGREGATION),
        (config("epochs: 2", "epochs: 3"), chain(*MODELS) | AGGREGATION),
        (config("count: 24", "count: 25"), chain(*MODELS, rules=RUN_RULES[1:]) | AGGREGATION),
        (append(f"{LIBRARY}/metrics/reconstruction/ssim.py"), chain(*MODELS, rules=SEEN) | {"floors"} | AGGREGATION),
        (append(f"{LIBRARY}/metrics/attribute_judge.py"), JUDGED),
        (lambda project: edit(project / "config/rubric.yaml", "0.4, 0.8]", "0.4, 0.9]"), TABLES),
        (append(f"{LIBRARY}/reporting/tables/results.py"), TABLES),
        (append(f"{LIBRARY}/analysis/matrix.py"), TABLES | {"index_runs"}),
        (append(f"{LIBRARY}/reporting/figures/style.py"), FIGURES),
        (lambda project: edit(project / "config/config.yaml", "crop: 140", "crop: 148"), EVERYTHING),
        (config("resamples: 100", "resamples: 101"), chain(*MODELS, rules=SEEN) | {"floors"} | AGGREGATION),
        (config("seeds: [0, 1]", "seeds: [0, 1, 2]"), SEED_2 | AGGREGATION),
        (config("threads: 1", "threads: 2"), set()),
        (lambda project: edit(project / "config/config.yaml", "Smiling, ", ""), PICTURES),
        (append(f"{LIBRARY}/common/files.py", "# a comment"), set()),
        (append(f"{LIBRARY}/common/images.py", "def unused():\n    pass"), set()),
        (append("README.md"), set()),
    ],
    ids=[
        "nothing", "model file", "model entry", "other entry", "networks", "loop", "epochs", "sample count", "metric",
        "attributes", "rubric", "tables", "matrix", "figures", "crop",
        "resamples", "one more seed", "threads", "shown attributes", "comment", "function that no job calls", "readme",
    ],
)  # fmt: skip
def test_an_edit_reruns_what_depends_on_it_and_nothing_else(
    project: Path, change: Callable[[Path], None], expected: set[str]
) -> None:
    change(project)
    assert planned(project) == expected


def test_touching_every_file_reruns_nothing(project: Path) -> None:
    for path in sorted(project.rglob("*"), key=lambda path: path.name):
        path.touch()
    assert planned(project) == set()


@pytest.mark.parametrize(
    ("kept", "copy"),
    [
        (("results", "resources", ".snakemake"), shutil.copyfile),
        (("results", "resources"), shutil.copy2),  # without Snakemake's records the times must survive, as in cp -a
    ],
)
def test_results_copied_into_a_fresh_checkout_rerun_nothing(
    finished: Path, tmp_path: Path, kept: tuple[str, ...], copy: Callable[[Path, Path], None]
) -> None:
    fresh = copy_project(tmp_path / "fresh")
    for name in kept:
        shutil.copytree(finished / name, fresh / name, copy_function=copy)
    assert planned(fresh) == set()


def test_an_altered_shard_costs_no_finished_run(project: Path) -> None:
    """It is named before anything is deleted, and making it again alone leaves nothing to be done."""
    (shard, *_) = sorted((project / "resources").rglob("shard-00000-*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    run = snakemake(project)
    assert run.returncode != 0
    assert f"{shard.relative_to(project)}: cannot be read as parquet" in run.stdout
    assert (project / "results/tiny/beta_vae/seed-0/run.json").exists()
    assert snakemake(project, "--unlock").returncode == 0, "whatever a shard is, a lock can be removed"
    shard.unlink()
    made = snakemake(project, str(shard.relative_to(project)))
    assert made.returncode == 0, made.stdout
    assert planned(project) == set()


HOSTILE = """it's "$(touch pwned)" `touch pwned`; touch pwned & | > pwned"""


@pytest.mark.slow
def test_a_path_is_never_a_command(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    write_layout(project / HOSTILE, 9)
    (project / "mine.yaml").write_text(
        yaml.safe_dump(
            {
                "dataset": {"name": "mine", "source": "path", "path": HOSTILE, "shards": 1},
                "network": {"latent": 2},
                "training": {"batch_size": 2},
            }
        )
    )
    run = snakemake(project, "resources/mine/index.parquet", config="mine.yaml")
    assert run.returncode == 0, run.stdout
    assert not list(project.rglob("pwned"))


@pytest.mark.parametrize("name", ["$(touch pwned)", "`touch pwned`", "a;touch pwned", "a'b", 'a"b'])
def test_a_name_is_never_a_command(tmp_path: Path, name: str) -> None:
    project = copy_project(tmp_path / "project")
    (project / "mine.yaml").write_text(yaml.safe_dump({"experiment": name}))
    run = snakemake(project, "--dry-run", config="mine.yaml")
    assert run.returncode != 0
    assert "error: mine.yaml: experiment" in run.stdout
    assert not list(project.rglob("pwned"))


def test_no_rule_runs_a_shell() -> None:
    """So that no value of a configuration can reach one."""
    for rules in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^\s*shell:|\bshell\(|os\.system|shell=True", rules.read_text(), re.MULTILINE), rules


def test_results_without_records_do_not_pass_for_those_of_an_edited_configuration(
    finished: Path, tmp_path: Path
) -> None:
    fresh = copy_project(tmp_path / "fresh")
    for name in ("results", "resources"):
        shutil.copytree(finished / name, fresh / name)
    config("epochs: 2", "epochs: 3")(fresh)
    run = snakemake(fresh, "-n")
    assert run.returncode != 0
    assert "seed-0/run.json was made by other settings or code" in run.stdout


@pytest.mark.slow
def test_an_interrupted_rerun_leaves_nothing_stale(project: Path) -> None:
    """Training done anew and then stopped: what was made from the old weights is known to be old."""
    append(f"{LIBRARY}/models/families/beta_vae.py")(project)
    run = snakemake(project, "results/tiny/beta_vae/seed-0/model.safetensors")
    assert run.returncode == 0, run.stdout
    assert planned(project) == (chain("beta_vae") | AGGREGATION) - {"train beta_vae 0"}


def test_a_single_target_is_enough(project: Path) -> None:
    target = "results/tiny/beta_vae/seed-1/metrics.json"
    (project / target).unlink()
    assert planned(project, target) == {"evaluate beta_vae 1"}


def test_every_run_says_how_it_was_made(finished: Path) -> None:
    for model in MODELS:
        folder = finished / f"results/tiny/{model}/seed-0"
        run = json.loads((folder / "run.json").read_text())
        assert run["parameters"]["training"]["epochs"] == 2
        for key in ("key", "code", "data", "versions", "device", "seconds", "peak_memory_mb", "git_commit"):
            assert key in run
        measured = json.loads((folder / "metrics.json").read_text())
        protocol = measured["protocol"]
        assert protocol["weights_sha256"] == run["weights_sha256"]
        assert (protocol["split"], protocol["crop"], protocol["filter"], protocol["sample_count"]) == (
            "test", 140, "bilinear", 24,
        )  # fmt: skip
        assert measured["metrics"]["mse_pm1"]["value"] == pytest.approx(4 * measured["metrics"]["mse_01"]["value"])
        assert "fid" not in measured["metrics"], "these features never give a FID"
        assert "frechet_efficientnet_lite0" in measured["metrics"]
        distances = {"frechet_efficientnet_lite0", "reconstruction_frechet_efficientnet_lite0"}
        assert measured["checks"].keys() == {"ssim", *distances}
        assert all(check["difference"] <= check["tolerance"] for check in measured["checks"].values())
        lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
        assert [line["epoch"] for line in lines] == [1, 2]
        assert not list(folder.glob("checkpoint-*")), "a finished run keeps no checkpoint"


def test_the_tables_hold_what_the_metrics_hold(finished: Path) -> None:
    with (finished / "results/tiny/tables/metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    for model in MODELS:
        for seed in (0, 1):
            path = finished / f"results/tiny/{model}/seed-{seed}/metrics.json"
            for name, entry in json.loads(path.read_text())["metrics"].items():
                (row,) = (r for r in rows if (r["model"], r["seed"], r["metric"]) == (model, str(seed), name))
                assert float(row["value"]) == pytest.approx(entry["value"], rel=1e-9)


def test_every_run_says_what_its_codes_and_samples_are_worth(finished: Path) -> None:
    for model in MODELS:
        folder = finished / f"results/tiny/{model}/seed-0"
        measured = json.loads((folder / "metrics.json").read_text())
        details = json.loads((folder / "details.json").read_text())
        entries, left_out = measured["metrics"], measured["left_out"]
        assert {
            "kernel_distance_efficientnet_lite0",
            "recall_efficientnet_lite0",
            "coverage_efficientnet_lite0",
            "kl",
            "active_units",
        } <= entries.keys()
        only = {"frechet_efficientnet_lite0_infinity", *(["probe_auc"] if model == "conditional_vae" else [])}
        assert left_out.keys() == only, "24 samples are too few for 1,280 dimensions"
        of_some = {"attribute_shown", "attribute_shown_real", "probe_auc"} & entries.keys()
        asked = {"attribute_shown", "attribute_shown_real"}
        assert of_some == (asked if model == "conditional_vae" else {"probe_auc"})
        kl = [unit["kl"] for unit in details["units"]]
        assert kl == sorted(kl, reverse=True)
        assert sum(kl) == pytest.approx(entries["kl"]["value"])
        latents = parquet.read_table(folder / "latents.parquet")
        assert latents["split"].value_counts().to_pylist() == [
            {"values": "train", "counts": 140}, {"values": "valid", "counts": 30},
            {"values": "test", "counts": entries["kl"]["count"]},
        ]  # fmt: skip
        mean, variance = (np.array(latents[name].to_pylist())[170:] for name in ("mean", "variance"))
        expected = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(1).mean()
        assert entries["kl"]["value"] == pytest.approx(expected, rel=1e-6)


def test_the_feature_distance_is_that_of_each_face_and_its_reconstruction(finished: Path) -> None:
    key = "feature_distance_efficientnet_lite0"
    for model in MODELS:
        folder = finished / f"results/tiny/{model}/seed-0"
        entry = json.loads((folder / "metrics.json").read_text())["metrics"][key]
        assert np.mean(parquet.read_table(folder / "per_image.parquet")[key]) == pytest.approx(entry["value"])
    floors = [json.loads((finished / f"results/tiny/floors/{name}.json").read_text()) for name in ("mean_face", "pca")]
    assert all(0 < floor["metrics"][key]["value"] < 1 for floor in floors)


def test_pytorch_fid_reads_the_reference(finished: Path) -> None:
    (file,) = finished.glob("resources/tiny/*/statistics-test-efficientnet_lite0.npz")
    mean, covariance = compute_statistics_of_path(str(file), None, 1, 1280, "cpu")
    table = parquet.read_table(file.with_name("features-test-efficientnet_lite0.parquet"))
    features = np.array(table["features"].to_pylist())
    np.testing.assert_allclose(mean, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(features, rowvar=False), rtol=1e-4, atol=1e-8)


def test_the_matrices_are_printed(finished: Path) -> None:
    text = (finished / "results/tiny/tables/summary.txt").read_text()
    for model in MODELS:
        assert model in text
    assert "Fréchet distance (EfficientNet-Lite0)" in text
    assert "FID" not in text


def test_every_rule_has_log_benchmark_and_resources(finished: Path) -> None:
    rules = "".join(path.read_text() for path in (finished / "workflow/rules").glob("*.smk"))
    bodies = re.split(r"\n *rule (\w+):", rules)[1:]
    for name, body in zip(bodies[::2], bodies[1::2], strict=True):
        body = body.split("\nrule ")[0]
        for word in ("log:", "benchmark:", "threads:", "mem_mb", "runtime", "output:", "script:"):
            assert word in body, f"rule {name} lacks {word}"
        if name in ("train", "generate", "reference_statistics", "evaluate"):
            assert "gpu=1" in body, f"rule {name} needs a GPU"


def test_where_all_is_made_no_job_runs(project: Path) -> None:
    assert "Nothing to be done" in snakemake(project).stdout


def test_a_mistyped_key_is_told_in_one_line(project: Path) -> None:
    config("epochs: 2", "epoch: 2")(project)
    run = snakemake(project, "-n")
    assert run.returncode != 0
    (line,) = (line for line in run.stdout.splitlines() if line.startswith("error:"))
    assert line == "error: tests/tiny.yaml: training.epoch is not a key here; did you mean 'epochs'?"


@pytest.mark.slow
def test_snakemake_killed_in_the_middle_continues_to_the_same_weights(project: Path, finished: Path) -> None:
    """kill -9 for Snakemake and everything under it while models train; then the same command again."""
    shutil.rmtree(project / "results")
    shutil.rmtree(project / ".snakemake")
    trainings = [f"results/tiny/{model}/seed-{seed}/run.json" for model in MODELS for seed in (0, 1)]
    command = [BIN / "snakemake", *trainings, "--profile", "profiles/local", "--cores", "2"]
    command += ["--configfile", "tests/tiny.yaml"]
    driver = subprocess.Popen(
        command, cwd=project, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    runs = project / "results/tiny"
    deadline = time.monotonic() + 240
    while not list(runs.glob("*/seed-*/checkpoint-*/state.safetensors")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    assert snakemake(project, "--unlock").returncode == 0
    again = snakemake(project, *trainings)
    assert again.returncode == 0, again.stdout
    records = {run: [json.loads((folder / run).read_text()) for folder in (finished, project)] for run in trainings}
    assert 2 in [again["sessions"] for _, again in records.values()], "no training was continued"
    assert all(once["weights_sha256"] == again["weights_sha256"] for once, again in records.values())


@pytest.mark.slow
def test_bad_input_stops_before_any_training(project: Path) -> None:
    raw = project / "resources/tiny/raw"
    lines = (raw / "list_attr_celeba.txt").read_text().splitlines()
    lines[7] = lines[7].replace(" 1", " 2", 1)
    (raw / "list_attr_celeba.txt").write_text("\n".join(lines) + "\n")
    settings = yaml.safe_load((project / "tests/tiny.yaml").read_text())
    settings["dataset"] = {"name": "mine", "source": "path", "path": str(raw), "shards": 2}
    (project / "mine.yaml").write_text(yaml.safe_dump(settings))
    run = snakemake(project, config="mine.yaml")
    assert run.returncode != 0
    assert re.search(r"list_attr_celeba\.txt.*line 8", run.stdout), run.stdout
    assert "rule train:" not in run.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("beta: 2.0", "beta: 0.0", r"tests/tiny\.yaml: models\.beta_vae\.beta 0\.0 must be above 0"),
        ("batch_size: 32", "batch_size: 141", r"tests/tiny\.yaml: training\.batch_size 141 exceeds the 140 images"),
    ],
)
def test_what_would_stop_one_training_stops_the_first(project: Path, old: str, new: str, said: str) -> None:
    config(old, new)(project)
    run = snakemake(project)
    assert run.returncode != 0
    assert "epoch 1/2" not in run.stdout, "nothing is trained"
    last = run.stdout[run.stdout.rindex("Finished") if "Finished" in run.stdout else 0 :]
    assert re.search(rf"^error: {said}", last, flags=re.MULTILINE), "told once more at the end"


def test_the_html_report_is_made(project: Path) -> None:
    run = snakemake(project, "--report", "report.html")
    assert run.returncode == 0, run.stdout
    page = (project / "report.html").read_text()
    assert len(page) > 100_000
    for caption in ("mean of all training faces", "in the order drawn", "evaluation matrix"):
        assert caption in page


def subset(source: Path, folder: Path, counts: dict[int, int]) -> Path:
    """The first faces of each split of a dataset in CelebA's layout, as a zip and lists of their own."""
    rows = (source / "list_attr_celeba.txt").read_text().splitlines()
    attributes = {row.split()[0]: row for row in rows[2:]}
    kept: list[tuple[str, int]] = []
    for split, count in counts.items():
        lines = (line.split() for line in (source / "list_eval_partition.txt").read_text().splitlines())
        kept += [(name, split) for name, number in lines if int(number) == split][:count]
    folder.mkdir()
    with (
        zipfile.ZipFile(source / "img_align_celeba.zip") as whole,
        zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as part,
    ):
        for name, _ in kept:
            part.writestr(f"img_align_celeba/{name}", whole.read(f"img_align_celeba/{name}"))
    (folder / "list_attr_celeba.txt").write_text(
        "\n".join([str(len(kept)), rows[1], *(attributes[name] for name, _ in kept)]) + "\n"
    )
    (folder / "list_eval_partition.txt").write_text("".join(f"{name} {split}\n" for name, split in kept))
    return folder


@pytest.mark.slow
@pytest.mark.faces
def test_the_four_models_on_a_few_hundred_real_faces(real_faces: Path, tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    faces = subset(real_faces, tmp_path / "faces", {0: 320, 1: 40, 2: 60})
    settings = yaml.safe_load((project / "config/celeba8k.yaml").read_text())
    settings["dataset"] |= {"path": str(faces), "shards": 2}
    settings["network"]["widths"] = [8, 16, 32, 64]
    settings["training"] |= {"epochs": 6, "batch_size": 32, "threads": 1}
    settings["sampling"]["count"] = 40
    (project / "faces.yaml").write_text(yaml.safe_dump(settings))
    run = snakemake(project, config="faces.yaml")
    assert run.returncode == 0, run.stdout
    results = project / "results/celeba8k"
    floor = json.loads((results / "floors/mean_face.json").read_text())["metrics"]["mse_01"]["value"]
    for model in ("vae", "beta_vae", "conditional_vae", "info_vae"):
        metrics = json.loads((results / model / "seed-0/metrics.json").read_text())["metrics"]
        assert metrics["mse_01"]["count"] == 60
        assert metrics["mse_01"]["value"] < floor, f"{model} does worse than the mean face"
    summary = json.loads((results / "dataset/summary.json").read_text())
    assert summary["counts"] == {"train": 320, "valid": 40, "test": 60}
    assert (results / "report/report.pdf").read_bytes().startswith(b"%PDF")


def test_a_damaged_record_stops_no_plan(project: Path) -> None:
    foreign = project / "results/other/vae/seed-0/run.json"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("{")
    damaged = ["beta_vae/seed-0/run.json", "beta_vae/seed-1/metrics.json"]
    for name, text in zip(damaged, ("", "[]"), strict=True):
        (project / "results/tiny" / name).write_text(text)
    run = snakemake(project, "--dry-run")
    assert run.returncode == 0, run.stdout
    for name in damaged:
        assert re.search(rf"^warning: results/tiny/{name}: .*Delete it", run.stdout, flags=re.M)
    assert "other/vae" not in run.stdout
    assert snakemake(project, "--unlock").returncode == 0


def test_a_job_is_told_what_the_faces_are_and_the_command_looks(tmp_path: Path) -> None:
    """A look at 40,000 files takes most of a second, and each cluster job would take two."""
    project = copy_project(tmp_path)
    settings = {"experiment": "mine", "dataset": {"name": "mine", "source": "path", "path": "/nowhere"}}
    (project / "mine.yaml").write_text(yaml.safe_dump(settings))
    told = {"VAEMATRIX_FACES_ARE": "abc"}
    job = snakemake(project, "--dry-run", "--mode", "remote", config="mine.yaml", **told)
    assert job.returncode == 0, job.stdout
    command = snakemake(project, "--dry-run", config="mine.yaml", **told)
    assert command.returncode != 0
    assert re.search("^error: /nowhere", command.stdout, flags=re.M)
