"""With an accounting database: what sacct and the efficiency report say of the rules and their GPU time."""

import csv
import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from slurm_cluster import Cluster
from workflow_runner import copy_project, snakemake

pytestmark = [pytest.mark.slurm, pytest.mark.nightly]

GPU_RULES = ("rule_train", "rule_generate", "rule_evaluate", "rule_reference_statistics")


def seconds(elapsed: str) -> int:
    """Of sacct's [days-]hours:minutes:seconds."""
    days, _, clock = elapsed.rpartition("-")
    hours, minutes, rest = map(int, clock.split(":"))
    return 60 * (60 * (24 * int(days or 0) + hours) + minutes) + rest


def test_the_accounts_name_rules_and_their_gpu_time(slurm: Callable[..., Cluster], tmp_path: Path) -> None:
    slurm(nodes=1, gpus=2, accounting=True)
    project = copy_project(tmp_path / "project")
    run = snakemake(
        project, "results/tiny/beta_vae/seed-0/metrics.json", "--slurm-efficiency-report",
        "--slurm-efficiency-report-path", "efficiency", "--slurm-init-seconds-before-status-checks", "1",
        profile="slurm", SBATCH_ACCOUNT="project", SBATCH_PARTITION="main",
    )  # fmt: skip
    assert run.returncode == 0, run.stdout
    name = re.search(r"SLURM run ID: (\S+)", run.stdout)[1]
    columns = ["sacct", "-X", "-n", "-P", f"--name={name}", "--format=Comment,Elapsed,AllocTRES,Account,State"]
    said = subprocess.run(columns, capture_output=True, text=True, check=True).stdout
    rows = [line.split("|") for line in said.splitlines()]
    gpu_seconds: dict[str, int] = defaultdict(int)
    for comment, elapsed, allocated, account, state in rows:
        assert (account, state) == ("project", "COMPLETED")
        assert ("gres/gpu=1" in allocated) == comment.startswith(GPU_RULES), comment
        if "gres/gpu=1" in allocated:
            gpu_seconds[comment] += seconds(elapsed)
    assert len(gpu_seconds) == len(GPU_RULES)
    assert all(spent > 0 for spent in gpu_seconds.values())
    (report,) = (project / "efficiency").glob("*.csv")
    with report.open() as file:
        reported = {row["RuleName"]: float(row["Elapsed_sec"]) for row in csv.DictReader(file)}
    for rule, spent in gpu_seconds.items():
        # The report counts the step in a job, sacct -X the job: the step starts a Snakemake later.
        assert 0 < reported[rule] <= spent
