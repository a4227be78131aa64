"""What Slurm knows of this job, and of the jobs that work in a folder."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

# What saving a checkpoint on a slow file system and leaving may take; less of a walltime of a few minutes.
MARGIN_SECONDS, MARGIN_SHARE = 60.0, 0.1

# How long planning waits for Slurm's controller; squeue itself tries again for minutes.
ANSWER_SECONDS = 15.0


@dataclass(frozen=True)
class Job:
    """A job that is waiting, running or about to end.

    Attributes:
        number: Slurm's id. state: in Slurm's words. node: where it runs, empty while it waits.
        name: Snakemake's rule and wildcards, as it puts them into the job's comment.
    """

    number: str
    state: str
    node: str
    name: str

    def __str__(self) -> str:
        where = f"on {self.node}" if self.node else "not started"
        return f"{self.number} {self.name} ({self.state.lower()}, {where})"


def here() -> dict[str, str]:
    """Where this process runs: host, and under Slurm its job, node and the GPUs that it was given."""
    known = {"slurm_job": "SLURM_JOB_ID", "node": "SLURMD_NODENAME", "gpus": "CUDA_VISIBLE_DEVICES"}
    given = {name: os.environ[variable] for name, variable in known.items() if variable in os.environ}
    return {"host": socket.gethostname(), **given}


def deadline() -> float | None:
    """When this job's walltime is over, in seconds since the epoch; None without Slurm or without a limit."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    if "SLURM_JOB_END_TIME" in os.environ:  # since Slurm 23.02
        return float(os.environ["SLURM_JOB_END_TIME"])
    said = _squeue("--jobs", os.environ["SLURM_JOB_ID"], "--format=%e")
    try:
        return datetime.fromisoformat(said.strip()).timestamp()
    except ValueError:  # N/A, or the controller does not answer
        return None


def time_to_stop() -> float | None:
    """When a job that saves its state had better do so and end, in seconds since the epoch."""
    end = deadline()
    return None if end is None else end - min(MARGIN_SECONDS, MARGIN_SHARE * (end - time.time()))


def jobs_in(folder: Path) -> list[Job]:
    """The user's jobs that Snakemake submitted from `folder` and that have not ended; none without Slurm."""
    lines = _squeue("--me", "--format=%Z\t%i\t%T\t%N\t%k").splitlines()
    fields = [line.split("\t", 4) for line in lines]
    return [
        Job(number, state, node, name.removeprefix("rule_").replace("_wildcards_", " ", 1))
        for where, number, state, node, name in fields
        if name.startswith(("rule_", "group_")) and Path(where).resolve() == folder.resolve()
    ]


def _squeue(*options: str) -> str:
    """What squeue says; nothing where there is no Slurm, or where its controller does not answer in time."""
    if not shutil.which("squeue"):
        return ""
    command: Sequence[str] = ["squeue", "--noheader", *options]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS).stdout
    except subprocess.TimeoutExpired:
        print(f"warning: squeue has not answered in {ANSWER_SECONDS:g} s; going on without.", file=sys.stderr)
        return ""
