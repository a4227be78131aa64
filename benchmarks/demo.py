"""The whole demo, seconds: what a user waits for after `make demo`'s installation, beside its jobs' useful work.

Limit: "useful work", the time that each job's Python script lives, without interpreter start and imports, times the
job's threads, over the cores: what would be left if nothing but the jobs' own work were done, packed without a gap.
Snakemake's start, its scheduling, the start of some thirty processes and their imports are what comes on top. The table
of rules says where the useful work went.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import harness
from harness import Case, Row, Target

ROOT = harness.HERE.parent
sys.path.insert(0, str(ROOT / "tests"))

from workflow_runner import BIN, copy_project  # noqa: E402 - in the folder above


def main() -> None:
    options = harness.options(__doc__)
    config = "tests/tiny.yaml" if options.quick else "config/demo.yaml"
    whole, jobs = run(config)
    useful = sum(job["useful"] * job["threads"] for job in jobs) / harness.CORES
    print(rules(jobs))
    values = {"ours": [whole], "useful work": [useful]}
    row = Row("demo", "s", "lower", f"{config}, once, from nothing", options)
    row.cases.append(Case(Path(config).stem, values, [Target("ours / useful work", "<=", 1.3)]))
    harness.write(row)


def run(config: str) -> tuple[float, list[dict]]:
    """The seconds of the whole workflow in a fresh copy of the project, and what each job's clock says."""
    with tempfile.TemporaryDirectory() as name:
        folder, clocks = copy_project(Path(name) / "project"), Path(name) / "clocks"
        clocks.mkdir()
        snakemake = [BIN / "snakemake", "--profile", "profiles/local", "--cores", str(harness.CORES)]
        with (Path(name) / "output").open("w+") as output:

            def workflow() -> None:
                subprocess.run(
                    [*snakemake, "--configfile", config],
                    cwd=folder,
                    env={**os.environ, "PYTHONPATH": str(harness.HERE / "job_clock"), "JOB_CLOCK": str(clocks)},
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=True,
                )

            try:
                seconds = harness.seconds(workflow)
            except subprocess.CalledProcessError:
                output.seek(0)
                sys.exit(output.read())
        return seconds, [json.loads(clock.read_text()) for clock in clocks.iterdir()]


def rules(jobs: list[dict]) -> str:
    """A table of the rules, the longest first."""
    groups = defaultdict(list)
    for job in jobs:
        groups[job["rule"]].append(job)
    lines = [f"{'rule':<24}{'jobs':>5}{'threads':>9}{'useful s':>10}{'imports s':>11}"]
    for rule, group in sorted(groups.items(), key=lambda item: -sum(job["useful"] for job in item[1])):
        useful, imports = (sum(job[what] for job in group) for what in ("useful", "imports"))
        lines.append(f"{rule:<24}{len(group):>5}{group[0]['threads']:>9}{useful:>10.1f}{imports:>11.1f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
