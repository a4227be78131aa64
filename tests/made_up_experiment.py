"""A finished experiment without a job run: every output there, recorded as Snakemake records it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from made_up_runs import run
from vaematrix.common.records import RunRecord, as_json
from workflow_runner import snakemake

# Snakemake pauses for a tenth of a second at each job that it touches: minutes for a thousand runs.
TOUCH = """
import sys
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0
main(sys.argv[1:])
"""
KEYS = """
include: "workflow/Snakefile"
keys = {model: [KEYS.of(result, model) for result in ("run", "evaluation")] for model in MODELS}
Path("keys.json").write_text(json.dumps(keys))
"""


def pretend_finished(folder: Path, config: str) -> None:
    """Bring a project to where the next dry run finds nothing to be done.

    The outputs are a line of text each, but for shards, and for `run.json` and `metrics.json`, which bear the keys that
    the workflow compares. `--touch` records them with params and checksums, as if jobs had made them.
    """
    (folder / "keys.smk").write_text(KEYS)
    checked(snakemake(folder, "--list-rules", "--snakefile", "keys.smk", config=config))
    keys = json.loads((folder / "keys.json").read_text())
    summary = checked(snakemake(folder, "--summary", config=config))
    for name in re.findall(r"^((?:results|resources)/[^\t]+)\t", summary, flags=re.MULTILINE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if "/shard-" in name:  # the walltime of trainings follows from the number of rows
            parquet.write_table(pa.table({"image_id": ["000001.jpg"]}), folder / name)
        else:
            (folder / name).write_text(made_up(Path(name), keys))
    command = [sys.executable, "-c", TOUCH, "--touch", "--forceall", "--scheduler", "greedy"]
    command += ["--profile", "profiles/local", "--configfile", config]
    checked(subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))


def made_up(path: Path, keys: dict[str, list[str]]) -> str:
    """The content of an output; `keys` are those of training and evaluation by model."""
    if path.name not in ("run.json", "metrics.json") or "samplers" in path.parts:
        return f"{path}\n"
    trained, measured = keys[path.parts[-3]]
    metrics = run(path.parts[-3], int(path.parts[-2].removeprefix("seed-")), 0.03, 0.7, 50.0, key=measured)
    return json.dumps(as_json(metrics if path.name == "metrics.json" else RunRecord(key=trained)))


def checked(done: subprocess.CompletedProcess[str]) -> str:
    """What a program said that must succeed."""
    assert done.returncode == 0, done.stdout
    return done.stdout
