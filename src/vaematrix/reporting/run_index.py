"""The index of all runs as one HTML page: what each cost, and its records and logs in full."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaematrix.common.files import write_text
from vaematrix.common.records import RunRecord, read_run
from vaematrix.reporting.formatting import cost_text, short_hash
from vaematrix.reporting.templating import fill_html


@dataclass(frozen=True)
class IndexedRun:
    """One run, finished or missing.

    Attributes:
        files: the run's records and logs; those that do not exist are left out.
        reason: why the run is missing; empty where it is not.
    """

    model: str
    seed: int
    files: Sequence[Path] = field(default=())
    reason: str = ""


def write_index(path: str | Path, title: str, runs: Sequence[IndexedRun]) -> None:
    """Write the page of `runs`, in their order."""
    write_text(path, fill_html("runs.html.jinja", title=title, runs=list(map(_shown, runs))))


def _shown(run: IndexedRun) -> dict[str, Any]:
    files = {str(path): path.read_text(encoding="utf-8", errors="replace") for path in run.files if path.exists()}
    record = next((read_run(path) for path in files if Path(path).name == "run.json"), RunRecord())
    return {
        "model": run.model,
        "seed": run.seed,
        "state": "missing" if run.reason else "finished",
        "reason": run.reason,
        "cells": [
            record.device or "–",
            cost_text(record.seconds, 60, 1),
            cost_text(record.images_per_second, 1, 0),
            cost_text(record.peak_memory_mb, 1000, 2),
            short_hash(record.git_commit),
        ],
        "files": files,
    }
