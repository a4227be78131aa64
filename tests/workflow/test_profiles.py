"""What jobs ask of a cluster, as dry runs of the profile print it; test_cluster.py submits them."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workflow_runner import copy_project, snakemake

pytestmark = pytest.mark.workflow

FACES = 600
EPOCHS = 100_000


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with long trainings and shards of 600 faces, of which only the number counts here."""
    folder = copy_project(tmp_path_factory.mktemp("project"))
    text = (folder / "tests/tiny.yaml").read_text()
    (folder / "long.yaml").write_text(text.replace("epochs: 2,", f"epochs: {EPOCHS},"))
    shards = folder / "resources/tiny/crop140-64px-bilinear"
    shards.mkdir(parents=True)
    for shard in range(2):
        pq.write_table(pa.table({"n": range(FACES // 2)}), shards / f"shard-{shard:05d}-of-00002.parquet")
    return folder


def resources(project: Path, rule: str, *arguments: str, **environment: str) -> dict[str, str]:
    """The resources of one job of `rule`, as a dry run of the Slurm profile prints them."""
    run = snakemake(project, "--dry-run", *arguments, config="long.yaml", profile="slurm", **environment)
    assert run.returncode == 0, run.stdout
    block = re.search(rf"rule {rule}:\n(?: .*\n)* +resources: (.*)", run.stdout)[1]
    return dict(pair.split("=", 1) for pair in block.split(", "))


def test_the_walltime_follows_from_faces_epochs_and_speed(project: Path) -> None:
    seconds = FACES * EPOCHS / 500  # the config's images_per_second
    assert int(resources(project, "train")["runtime"]) == 10 + 1.5 * seconds / 60


def test_a_training_that_was_measured_on_the_cluster_replaces_the_guess(project: Path) -> None:
    folder = project / "results/other/vae/seed-0"
    folder.mkdir(parents=True)
    network = {"size": 64, "widths": [4, 8, 16], "latent": 4}
    run = {"images_per_second": 1000, "where": {"host": "a", "slurm_job": "3"}, "parameters": {"network": network}}
    (folder / "run.json").write_text(json.dumps(run))
    assert int(resources(project, "train")["runtime"]) == 10 + 1.5 * FACES * EPOCHS / 1000 / 60
    run["parameters"]["network"]["widths"] = [8, 16, 32]  # another network's speed says nothing
    (folder / "run.json").write_text(json.dumps(run))
    assert int(resources(project, "train")["runtime"]) == 10 + 1.5 * FACES * EPOCHS / 500 / 60


@pytest.mark.parametrize("rule", ["train", "generate", "evaluate", "reference_statistics"])
def test_what_computes_with_torch_asks_for_one_gpu(rule: str, project: Path) -> None:
    asked = resources(project, rule)
    assert asked["gpu"] == "1"
    assert int(asked["mem_mb"]) == 4000 + 15  # and the 600 faces of 12,288 bytes twice


@pytest.mark.parametrize("rule", ["attribute_judge", "tables"])
def test_what_does_not_asks_for_none(rule: str, project: Path) -> None:
    assert "gpu" not in resources(project, rule)


def test_the_sites_lines_hold_when_their_comment_signs_go(project: Path) -> None:
    profile = project / "profiles/slurm/config.yaml"
    before = profile.read_text()
    text, lines = re.subn(r"^( *)# (?=constraint|qos|set-resources|  \w+: {)", r"\1", before, flags=re.MULTILINE)
    assert lines == 7
    profile.write_text(text)
    try:
        train, judge = resources(project, "train"), resources(project, "attribute_judge")
    finally:
        profile.write_text(before)
    assert (train["slurm_partition"], train["gpu_model"], train["runtime"]) == ("gpu", "a100", "600")
    assert (train["constraint"], train["qos"], train["gpu"]) == ("a100", "normal", "1")
    assert (judge["slurm_partition"], judge["constraint"]) == ("", "a100")
    assert "gpu_model" not in judge


def test_partition_and_account_come_from_the_environment_or_the_command_line(project: Path) -> None:
    said = resources(project, "train", SBATCH_PARTITION="fast", SBATCH_ACCOUNT="mine")
    assert (said["slurm_partition"], said["slurm_account"]) == ("fast", "mine")
    said = resources(project, "train", "--default-resources", "slurm_partition=slow", "slurm_account=ours")
    assert (said["slurm_partition"], said["slurm_account"]) == ("slow", "ours")
    assert int(said["runtime"]) > 10, "the rules' own resources stay"
    assert resources(project, "train")["slurm_partition"] == ""
