"""The index of all runs as one HTML page: what each cost, and its records and logs in full."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaematrix.common.files import write_text
from vaematrix.reporting.pages import page


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
    write_text(path, page("runs.html.jinja", title=title, runs=list(map(_shown, runs))))


def _shown(run: IndexedRun) -> dict[str, Any]:
    files = {str(path): path.read_text(encoding="utf-8", errors="replace") for path in run.files if path.exists()}
    record = next((json.loads(text) for path, text in files.items() if Path(path).name == "run.json"), {})
    return {
        "model": run.model,
        "seed": run.seed,
        "state": "missing" if run.reason else "finished",
        "reason": run.reason,
        "cells": [
            record.get("device") or "–",
            cost_text(record, "seconds", 60, 1),
            cost_text(record, "images_per_second", 1, 0),
            cost_text(record, "peak_memory_mb", 1000, 2),
            short_hash(record.get("git_commit")),
        ],
        "files": files,
    }


def short_hash(value: Any) -> str:
    """The beginning of a hash, with a plus where it is of a commit and files differed from it; a dash for None."""
    text = str(value) if value else "–"
    mark = "+" if text.endswith("+changes") else ""
    return text if len(text) <= 12 else text[:12] + mark


def cost_text(record: Mapping[str, Any], key: str, divisor: float, places: int) -> str:
    """A number of a run.json over `divisor`, as text; a dash where there is none."""
    value = record.get(key)
    return "–" if value is None else f"{value / divisor:,.{places}f}"
