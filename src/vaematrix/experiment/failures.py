"""What became of jobs that did not succeed, read from their logs and from Snakemake's."""

import signal
from pathlib import Path

from vaematrix.common.console import errors_in, killed_by, state_in_slurm, was_interrupted


def was_stopped(script: str, log: str, said: str) -> bool:
    """Whether somebody stopped a job: it says so, or it died of the signal before it could.

    Args:
        script: the name of its entry script. log: the path of its log. said: Snakemake's log.
    """
    return was_interrupted(text_of(log)) or killed_by(script, said) in (signal.SIGINT, signal.SIGTERM)


def reason(rule: str, script: str, log: str, said: str, job: int) -> str:
    """Why a job failed: its log and the last error there, or what ended it before it could speak.

    Args:
        rule: its name. script, log, said: as for :func:`was_stopped`.
        job: Snakemake's number of the job, by which its log names Slurm's state of it.
    """
    reasons, number = errors_in(text_of(log))[-1:], killed_by(script, said)
    if not reasons and number:
        reasons = [f"killed by signal {number}" + (", probably out of memory" if number == signal.SIGKILL else "")]
    elif not reasons and (state := state_in_slurm(job, said)):
        reasons = [f"Slurm says {state}"]
    return ": ".join([f"{rule} failed, {log}", *reasons])


def text_of(log: str) -> str:
    """The text of a job's log; empty where it has none yet."""
    path = Path(log)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
