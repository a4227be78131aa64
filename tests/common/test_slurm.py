"""What is made of Slurm's words, with words as squeue prints them; test_cluster.py asks a real one."""

import os
import time
from datetime import datetime
from pathlib import Path

import pytest

from vaematrix.common import slurm


@pytest.fixture
def _a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)


def test_outside_slurm_nothing_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert slurm.time_to_stop() is None
    assert set(slurm.here()) == {"host"}


@pytest.mark.usefixtures("_a_job")
@pytest.mark.parametrize(("said", "end"), [("2026-03-01T12:00:00\n", datetime(2026, 3, 1, 12)), ("N/A\n", None)])
def test_the_walltimes_end_is_read_from_squeue(
    said: str, end: datetime | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "_squeue", lambda *options: said if "12" in options else "")
    assert slurm.deadline() == (end and end.timestamp())


@pytest.mark.usefixtures("_a_job")
@pytest.mark.parametrize(("minutes", "margin"), [(600, 60), (1, 6)])
def test_a_job_stops_before_its_walltime_is_over(minutes: int, margin: int, monkeypatch: pytest.MonkeyPatch) -> None:
    end = time.time() + 60 * minutes
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(end))
    assert slurm.time_to_stop() == pytest.approx(end - margin, abs=1)


def test_the_jobs_of_a_folder_are_those_that_snakemake_submitted_there(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "/data/mine\t12\tRUNNING\tnode1\trule_train_wildcards_a_b & 50%_0",
        "/data/mine\t13\tPENDING\t\trule_floors",
        "/data/mine\t14\tRUNNING\tnode2\tmy own job",
        "/data/other\t15\tRUNNING\tnode2\trule_train_wildcards_beta_vae_0",
    ]
    monkeypatch.setattr(slurm, "_squeue", lambda *_options: "\n".join(lines) + "\n")
    assert [str(job) for job in slurm.jobs_in(Path("/data/mine"))] == [
        "12 train a_b & 50%_0 (running, on node1)",
        "13 floors (pending, not started)",
    ]


def test_a_controller_that_does_not_answer_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = tmp_path / "squeue"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(slurm, "ANSWER_SECONDS", 0.2)
    assert slurm.jobs_in(tmp_path) == []
    assert "warning: squeue has not answered" in capsys.readouterr().err
