"""How long Snakemake plans the paper's experiment with 10 to 1,000 runs: once finished, and with nothing made yet.

    .venv/bin/python benchmarks/planning.py     # writes docs/planning.json and docs/planning.png

Nothing is trained: a finished experiment is made up, see tests/made_up_experiment.py. Every plan is a dry run of the
whole graph; of several, in turn over all sizes, the fastest counts, because other programs only ever slow one down.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from made_up_experiment import checked, pretend_finished  # noqa: E402
from vaematrix.common import provenance  # noqa: E402
from vaematrix.reporting.figures import PALETTE  # noqa: E402
from workflow_runner import copy_project, snakemake  # noqa: E402

SEEDS = 5
KINDS = {"finished": "finished: nothing to be done", "fresh": "fresh: everything to be done"}


def experiment(folder: Path, runs: int) -> Path:
    """A copy of the project with `sweep.yaml`: the paper's configuration with runs / 5 values of β and five seeds."""
    betas = [1 + number / 8 for number in range(runs // SEEDS)]
    models = {"beta_vae": {"beta": betas}, "conditional_vae": None, "info_vae": None}
    copy_project(folder)
    (folder / "sweep.yaml").write_text(json.dumps({"models": models, "training": {"seeds": list(range(SEEDS))}}))
    return folder


def plan(folder: Path, kind: str) -> tuple[float, float]:
    """Seconds that one dry run takes from the shell: by the clock, and of the processor."""
    start, before = time.perf_counter(), os.times()
    said = checked(snakemake(folder, "--dry-run", config="sweep.yaml"))
    seconds, after = time.perf_counter() - start, os.times()
    assert ("Nothing to be done" in said) == (kind == "finished"), said
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return round(seconds, 2), round(busy, 2)


def measure(sizes: Sequence[int], repeats: int, scratch: Path) -> list[dict[str, Any]]:
    """For each number of runs and kind the seconds of all repeats, and the fewest."""
    folders = {(runs, kind): experiment(scratch / f"{kind}-{runs}", runs) for runs in sizes for kind in KINDS}
    for (runs, kind), folder in folders.items():
        if kind == "finished":
            print(f"making up a finished experiment of {runs} runs", flush=True)
            pretend_finished(folder, "sweep.yaml")
    times: dict[tuple[int, str], list[tuple[float, float]]] = {place: [] for place in folders}
    for repeat in range(repeats):
        print(f"planning, {repeat + 1} of {repeats}", flush=True)
        for (runs, kind), folder in folders.items():
            times[runs, kind].append(plan(folder, kind))
    measured = []
    for (runs, kind), pairs in times.items():
        seconds, processor = map(list, zip(*pairs, strict=True))
        fewest = {"seconds": min(seconds), "median": statistics.median(seconds), "processor_seconds": min(processor)}
        measured.append({"runs": runs, "kind": kind, **fewest, "all_seconds": seconds})
    return measured


def curve(measured: Sequence[dict[str, Any]], kind: str) -> tuple[list[int], list[float]]:
    """Numbers of runs, and seconds."""
    points = [(point["runs"], point["seconds"]) for point in measured if point["kind"] == kind]
    return [runs for runs, _ in points], [seconds for _, seconds in points]


def per_run(runs: Sequence[int], seconds: Sequence[float]) -> list[float]:
    """Milliseconds for each run beyond those of the smallest size, for every larger size."""
    larger = zip(runs[1:], seconds[1:], strict=True)
    return [1000 * (time - seconds[0]) / (number - runs[0]) for number, time in larger]


def draw(path: Path, measured: Sequence[dict[str, Any]]) -> None:
    figure = Figure(figsize=(9.2, 3.2), dpi=130, layout="constrained")
    total, further = figure.subplots(1, 2)
    for kind, colour, marker in zip(KINDS, PALETTE, "os", strict=False):
        runs, seconds = curve(measured, kind)
        total.plot(runs, seconds, color=colour, marker=marker, label=KINDS[kind])
        further.plot(runs[1:], per_run(runs, seconds), color=colour, marker=marker, label=KINDS[kind])
    total.set(title="Planning", xlabel="runs (model × seed)", ylabel="seconds", ylim=(0, None), xlim=(0, None))
    title = f"Each run beyond the first {runs[0]}"
    further.set(title=title, xlabel="runs (model × seed)", ylabel="milliseconds", xscale="log")
    further.set_ylim(0, 1.6 * further.get_ylim()[1])
    further.set_xticks(runs[1:], map(str, runs[1:]))
    further.minorticks_off()
    for axis in (total, further):
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="#E4E4E8")
        axis.set_axisbelow(True)
        axis.legend(frameon=False, loc="upper left")
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, nargs="+", default=[10, 30, 100, 300, 1000], help="multiples of 5")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="where planning.json and .png go")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="planning-"))
    try:
        measured = measure(options.runs, options.repeats, scratch)
    finally:
        shutil.rmtree(scratch)
    versions = provenance.versions()
    results = {
        "command": shlex.join(["python", *sys.argv]),
        "machine": provenance.device_name(torch.device("cpu")),
        "versions": {name: versions[name] for name in ("python", "snakemake")},
        "code": provenance.code_state()["git_commit"],
        "measured": measured,
    }
    (options.folder / "planning.json").write_text(json.dumps(results, indent=1) + "\n")
    draw(options.folder / "planning.png", measured)
    for kind in KINDS:
        runs, seconds = curve(measured, kind)
        costs = [f"{cost:.1f}" for cost in per_run(runs, seconds)]
        print(f"{kind}: {runs} runs in {seconds} s; each run beyond the first {runs[0]}: {', '.join(costs)} ms")


if __name__ == "__main__":
    main()
