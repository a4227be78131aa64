"""`snakemake --profile profiles/slurm` on a real Slurm whose nodes see no network, and what clusters do to jobs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from slurm_cluster import Cluster
from vaematrix.common.slurm import jobs_in
from workflow_runner import BIN, ROOT, copy_project, snakemake

pytestmark = [pytest.mark.slurm]

CONFIG = "tests/cluster.yaml"
RESULTS = "results/cluster"
MODELS, SEEDS, EPOCHS = ("beta_vae", "info_vae", "troubled"), (0, 1, 2), 20
TROUBLED = f"{RESULTS}/troubled/seed-0"
TRAINING = f"{TROUBLED}/run.json"  # what is asked for where trouble can reach no more than a training
PREEMPTION = """\
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=urgent Nodes=ALL PriorityTier=9 State=UP
PartitionName=cancelling Nodes=ALL PreemptMode=CANCEL State=UP
"""


class Driver:
    """`snakemake --profile profiles/slurm` at work in a folder."""

    started: ClassVar[list[subprocess.Popen[bytes]]] = []

    def __init__(self, project: Path, *arguments: str, **trouble: float) -> None:
        self.said_to = project / "driver.log"
        wanted = {f"TROUBLE_{name.upper()}": str(value) for name, value in trouble.items()}
        quick = ["--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"]
        with self.said_to.open("w") as file:
            self.process = subprocess.Popen(
                [BIN / "snakemake", *arguments, "--profile", "profiles/slurm", *quick, "--configfile", CONFIG],
                cwd=project,
                env={**os.environ, "VAEMATRIX_CHECKPOINT_SECONDS": "1", **wanted},
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(self.process)

    @property
    def said(self) -> str:
        return self.said_to.read_text()

    def ends(self, seconds: float = 600) -> int:
        """The exit status. Fails with what was said where it takes longer than `seconds`."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            pytest.fail(f"not ended after {seconds} s:\n{self.said}")

    def succeeds(self) -> None:
        assert self.ends() == 0, self.said


def until(condition: Callable[[], Any], what: str, seconds: float = 600) -> Any:
    """The first true value of `condition`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.2)
    return value


def running(rule: str) -> list[dict[str, str]]:
    """Slurm's records of the running jobs of a rule: number, name, node and the index of the GPU."""
    said = subprocess.run(["scontrol", "show", "job", "-d", "-o"], capture_output=True, text=True).stdout
    pattern = (
        r"JobId=(?P<job>\d+) .*JobState=RUNNING .*Nodes=(?P<node>\S+) CPU_IDs=.*?GRES=(\S*IDX:(?P<gpu>\d))?"
        rf".*Comment=rule_(?P<name>{rule}\S*)"
    )
    return [match.groupdict() for line in said.splitlines() if (match := re.search(pattern, line))]


def state_of(job: str) -> str:
    states = ["squeue", "--noheader", "--states=all", "--jobs", job, "--format=%T"]
    return subprocess.run(states, capture_output=True, text=True).stdout.strip()


def training_of(project: Path) -> dict[str, str]:
    """The record of the troubled training's job, once it is in the midst of its work: with an epoch behind it."""
    history = project / TROUBLED / "history.jsonl"
    until(lambda: history.exists() and history.read_text(), "an epoch")
    (job,) = running("train_wildcards_troubled_0")
    return job


def words_of(project: Path, rule: str = "train") -> list[str]:
    """What the troubled run's jobs of a rule said, in the order of their submission."""
    logs = (project / f"logs/slurm/rule_{rule}/troubled_0").glob("*.log")
    return [path.read_text() for path in sorted(logs, key=lambda path: int(path.stem))]


def finished_epochs(said: str) -> list[int]:
    return [int(number) for number in re.findall(rf"epoch (\d+)/{EPOCHS}:", said)]


def assert_continued(before: str, after: str, lost: int = 0) -> None:
    """The second job trained what the first had not, but for at most `lost` epochs since the last checkpoint."""
    done = int(re.search(r"continuing after (\d+) finished epochs", after)[1])
    assert 0 < done < EPOCHS
    assert done >= len(finished_epochs(before)) - lost
    assert finished_epochs(after) == list(range(done + 1, EPOCHS + 1))


def weights(project: Path) -> str:
    """The SHA-256 of the troubled run's weights."""
    return json.loads((project / TRAINING).read_text())["weights_sha256"]


def assert_same_results(project: Path, undisturbed: Path) -> None:
    """The same weights, bit for bit, and the same tables, byte for byte."""
    assert weights(project) == weights(undisturbed)
    tables = sorted((undisturbed / RESULTS / "tables").iterdir())
    assert len(tables) > 10
    for table in tables:
        assert (project / RESULTS / "tables" / table.name).read_bytes() == table.read_bytes(), table.name


@pytest.fixture(scope="module")
def cluster(slurm: Callable[..., Cluster]) -> Cluster:
    return slurm(nodes=3, gpus=2, extra=PREEMPTION)


@pytest.fixture(scope="module")
def undisturbed(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole experiment; and in seen.json, the trainings that Slurm saw at work, moment by moment."""
    project = copy_project(tmp_path_factory.mktemp("undisturbed"))
    shutil.copy(ROOT / "tests/troubled_vae.py", project / "src/vaematrix/models/families")
    driver = Driver(project)
    seen = []
    while driver.process.poll() is None:
        seen.append(running("train"))
        time.sleep(0.5)
    driver.succeeds()
    (project / "seen.json").write_text(json.dumps(seen))
    return project


@pytest.fixture
def project(undisturbed: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the finished experiment from which one run is missing."""
    copy = tmp_path / "project"
    shutil.copytree(undisturbed, copy)
    shutil.rmtree(copy / TROUBLED)
    shutil.rmtree(copy / "logs")
    yield copy
    while Driver.started:
        with suppress(ProcessLookupError):
            os.killpg(Driver.started.pop().pid, signal.SIGKILL)
    subprocess.run(["scancel", "--me"], check=True)
    until(lambda: not jobs_in(copy), "the jobs to be gone")


def test_nine_trainings_keep_six_gpus_busy_each_on_its_own(
    undisturbed: Path,
) -> None:
    seen = json.loads((undisturbed / "seen.json").read_text())
    assert max(map(len, seen)) == 6, "all six at work at once"
    for moment in seen:
        devices = [(job["node"], job["gpu"]) for job in moment]
        assert len(set(devices)) == len(devices), "two jobs on one GPU"
    records = {job["job"]: job for moment in seen for job in moment}
    for model in MODELS:
        for seed in SEEDS:
            where = json.loads((undisturbed / f"{RESULTS}/{model}/seed-{seed}/run.json").read_text())["where"]
            record = records[where["slurm_job"]]
            assert record["name"] == f"train_wildcards_{model}_{seed}"
            assert (where["node"], where["gpus"]) == (record["node"], record["gpu"])


def test_cluster_jobs_are_those_that_the_readme_counts(undisturbed: Path) -> None:
    jobs = [path.relative_to(undisturbed / "logs/slurm") for path in (undisturbed / "logs/slurm").rglob("*.log")]
    counted = {path.parts[0]: sum(other.parts[0] == path.parts[0] for other in jobs) for path in jobs}
    shards = counted.pop("group_shards_build_shard")
    assert shards == 2, "five shards, four to a job"
    assert counted == {
        "rule_draw_faces": 1, "rule_train": 9, "rule_generate": 9, "rule_evaluate": 9,
        "rule_reference_statistics": 1, "rule_attribute_judge": 1, "rule_floors": 1,
    }  # fmt: skip


def test_a_cluster_trains_what_one_machine_trains(project: Path, undisturbed: Path) -> None:
    run = snakemake(project, TRAINING, config=CONFIG)
    assert run.returncode == 0, run.stdout
    assert weights(project) == weights(undisturbed)


def test_compute_nodes_see_no_network(cluster: Cluster) -> None:
    call = "import socket; socket.create_connection(('192.0.2.1', 80), 5)"  # an address that is nobody's
    said = subprocess.run(["srun", sys.executable, "-c", call], capture_output=True, text=True).stderr
    assert "Network is unreachable" in said


def test_a_cancelled_training_continues(project: Path, undisturbed: Path) -> None:
    driver = Driver(project, seconds_per_step=0.25)
    subprocess.run(["scancel", training_of(project)["job"]], check=True)
    driver.succeeds()
    first, second = words_of(project)
    assert "stopped by SIGTERM after saving" in first
    assert_continued(first, second)
    assert_same_results(project, undisturbed)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_driver_that_is_asked_to_stop(name: str, project: Path, undisturbed: Path) -> None:
    """Ctrl-C ends the jobs, which save their state; a termination lets them finish and submits no more."""
    driver = Driver(project, seconds_per_step=0.25)
    training_of(project)
    driver.process.send_signal(signal.Signals[name])
    assert driver.ends() != 0
    until(lambda: not jobs_in(project), "the jobs to be gone")
    Driver(project, TRAINING).succeeds()
    first, *others = words_of(project)
    if name == "SIGINT":
        assert_continued(first, others[0])
    else:
        assert finished_epochs(first) == list(range(1, EPOCHS + 1))
        assert not others
    assert weights(project) == weights(undisturbed)


def test_a_killed_driver_is_not_started_again_beside_its_jobs(project: Path, undisturbed: Path) -> None:
    driver = Driver(project, seconds_per_step=0.5)
    job = training_of(project)
    os.killpg(driver.process.pid, signal.SIGKILL)
    driver.process.wait()
    told = rf"{job['job']} train troubled_0 \(running, on {job['node']}\)"
    again = Driver(project)
    assert again.ends() != 0, "Snakemake's own lock"
    assert re.search(rf"warning:   {told}", again.said), again.said
    unlocked = snakemake(project, "--unlock", config=CONFIG)
    assert unlocked.returncode == 0, unlocked.stdout
    once_more = Driver(project)
    assert once_more.ends() != 0
    assert re.search(rf"error:   {told}", once_more.said), once_more.said
    assert f"scancel {job['job']}" in once_more.said
    assert snakemake(project, "--dry-run", config=CONFIG).returncode == 0, "a plan may be had at any time"
    until(lambda: not jobs_in(project), "the job to end by itself")
    Driver(project).succeeds()
    (words,) = words_of(project)
    assert finished_epochs(words) == list(range(1, EPOCHS + 1)), "trained once, by the job that was left alone"
    assert_same_results(project, undisturbed)


@pytest.mark.nightly
def test_a_training_stops_before_its_walltime_is_over_and_continues_in_a_longer_one(
    project: Path, undisturbed: Path
) -> None:
    driver = Driver(
        project, TRAINING, "--set-resources", "train:runtime=attempt", seconds_per_step=1
    )  # 80 s of work, 1 minute
    driver.succeeds()
    first, second = words_of(project)
    assert "stopped by the walltime, which is nearly over, after saving" in first
    assert "CANCELLED" not in first, "Slurm had no reason to end it"
    assert_continued(first, second)
    assert weights(project) == weights(undisturbed)


@pytest.mark.nightly
def test_a_node_dies(cluster: Cluster, project: Path, undisturbed: Path) -> None:
    driver = Driver(project, TRAINING, seconds_per_step=0.5)
    job = training_of(project)
    before = words_of(project)[0]
    cluster.kill_node(int(job["node"].removeprefix("node")))
    driver.succeeds()
    cluster.start_node(int(job["node"].removeprefix("node")))
    (after,) = words_of(project)  # Slurm starts the same job again, and its log anew
    assert_continued(before, after, lost=1)
    assert json.loads((project / TROUBLED / "run.json").read_text())["where"]["node"] != job["node"]
    assert weights(project) == weights(undisturbed)


@pytest.mark.nightly
@pytest.mark.parametrize("partition", ["main", "cancelling"])
def test_a_preempted_training_continues(partition: str, project: Path, undisturbed: Path) -> None:
    driver = Driver(project, TRAINING, "--default-resources", f"slurm_partition={partition}", seconds_per_step=0.5)
    number, node = (training_of(project)[name] for name in ("job", "node"))
    before = project / f"logs/slurm/rule_train/troubled_0/{number}.log"
    shutil.copy(before, project / "before.log")
    urgent = ["sbatch", "--parsable", "-p", "urgent", "-w", node, "--exclusive", "-o", "/dev/null"]
    subprocess.run([*urgent, "--wrap", "sleep 5"], check=True, capture_output=True)
    if partition == "cancelling":  # Snakemake waits for a restart that such a partition does not give
        until(lambda: state_of(number) == "PREEMPTED", "the job's end")
        subprocess.run(["scontrol", "requeue", number], check=True)
    driver.succeeds()
    (after,) = words_of(project)
    assert_continued((project / "before.log").read_text(), after)
    assert weights(project) == weights(undisturbed)


@pytest.mark.nightly
def test_a_job_without_enough_memory_gets_more(project: Path, undisturbed: Path) -> None:
    driver = Driver(project, TRAINING, megabytes=4500)  # more than the first attempt asks for
    driver.succeeds()
    first, second = words_of(project)
    assert "Exceeded job memory limit" in first
    assert finished_epochs(second)[-1] == EPOCHS
    assert weights(project) == weights(undisturbed)


@pytest.mark.nightly
def test_a_full_file_system(project: Path, undisturbed: Path) -> None:
    """The error says so; with room made, the same command ends as if nothing had been."""
    folder = project / TROUBLED
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", folder], check=True)
    try:
        driver = Driver(project, TRAINING, "--retries", "0")
        assert driver.ends() != 0
        assert re.search(r"^error: .*(disk|space)", driver.said, flags=re.MULTILINE), driver.said
        assert not [path for path in folder.rglob("*") if path.is_file() and path.suffix == ".safetensors"]
        subprocess.run(["mount", "-o", "remount,size=40m", folder], check=True)
        Driver(project, TRAINING).succeeds()
        assert weights(project) == weights(undisturbed)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.nightly
def test_a_model_that_fails_for_good_leaves_the_others_their_tables(project: Path, undisturbed: Path) -> None:
    driver = Driver(project, "--retries", "1", fails_at=0.3)
    assert driver.ends() != 0
    reason = "train failed, logs/cluster/train/troubled/seed-0.log: this model cannot go on."
    assert f"missing: troubled seed 0: {reason}" in driver.said
    summary = (project / RESULTS / "tables/summary.txt").read_text()
    assert reason in " ".join(summary.split())
    assert (project / RESULTS / "report/report.pdf").exists()
    first, second = words_of(project)
    assert finished_epochs(first)
    assert "this model cannot go on." in second
    assert not finished_epochs(second), "the other attempt repeats what the first found, and does no work"
    Driver(project).succeeds()
    assert_same_results(project, undisturbed)


def test_what_downloads_runs_where_snakemake_was_started(undisturbed: Path) -> None:
    """A rule whose code can reach for the network must be no cluster job."""
    rules = "".join(path.read_text() for path in (undisturbed / "workflow/rules").glob("*.smk"))
    bodies = re.split(r"\n *rule (\w+):", rules)[1:]
    downloading = set()
    for name, body in zip(bodies[::2], bodies[1::2], strict=True):
        script = undisturbed / "workflow/scripts" / re.search(r'"\.\./scripts/(\w+\.py)"', body)[1]
        if "from vaematrix.data.download import" in script.read_text():
            downloading.add(name)
            assert "localrule: True" in body, name
    assert downloading == {"download_celeba", "fetch_inception"}


def test_the_configuration_of_the_tests_is_what_they_say() -> None:
    settings = yaml.safe_load((ROOT / CONFIG).read_text())
    assert {name for name, entry in settings["models"].items() if entry} == set(MODELS)
    assert (tuple(settings["training"]["seeds"]), settings["training"]["epochs"]) == (SEEDS, EPOCHS)
