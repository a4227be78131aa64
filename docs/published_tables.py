"""Writes the tables of measured results that the pages show, from the metrics.json that lie in docs/results/.

    python docs/published_tables.py

docs/results/<experiment>/ holds the small records of an experiment as it made them: <model>/seed-<n>/metrics.json, and
floors/. A table stands on its page between comments that name the experiment's configuration.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean, stdev

from vaematrix.analysis.rubric import read_rubric
from vaematrix.common.records import RUN_GLOB, FloorMetrics, RunMetrics, read_floor, read_metrics
from vaematrix.reporting.frames import aligned_text
from vaematrix.reporting.tables import collect
from vaematrix.reporting.tables.matrix_frames import matrix_frame

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs/results"
DISTANCE = "frechet_efficientnet_lite0"
# Of the table of real faces: heading, the metric, how many decimals.
COLUMNS = (
    ("MSE on [0, 1]", "mse_01", 5),
    ("SSIM", "ssim", 3),
    ("KL, nats", "kl", 0),
    ("variance of codes", "codes_variance", 2),
    ("feature distance", "feature_distance_efficientnet_lite0", 3),
    ("Fréchet distance: samples", DISTANCE, 0),
    ("reconstructions", f"reconstruction_{DISTANCE}", 0),
)


def runs_of(experiment: str) -> list[RunMetrics]:
    """The runs of an experiment, by model and seed."""
    return [read_metrics(file) for file in sorted((RESULTS / experiment).glob(f"{RUN_GLOB}/metrics.json"))]


def demo_matrix(model: str = "beta_vae") -> str:
    """The matrix of one model of the demo, as `summary.txt` has it."""
    runs = [run for run in runs_of("demo") if run.model == model]
    results = collect(runs, read_rubric(ROOT / "config/rubric.yaml"), [model])
    return f"```text\n{aligned_text(f'{model} ({results.seeds(model)})', matrix_frame(results, model)).rstrip()}\n```"


def real_faces_table(experiments: Mapping[str, str]) -> str:
    """Mean ± sd over seeds of every model, and the floors. Args: experiments: by the recipe that the table names."""
    headings = ["recipe", "model", "seeds", *(heading for heading, _, _ in COLUMNS)]
    rows = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    for recipe, experiment in experiments.items():
        groups: dict[str, list[RunMetrics]] = {}
        for run in runs_of(experiment):
            groups.setdefault(run.model, []).append(run)
        rows += [f"| {recipe} | `{model}` | {len(group)} | {_cells(group)} |" for model, group in groups.items()]
    for file in sorted((RESULTS / next(iter(experiments.values())) / "floors").glob("*.json")):
        floor = read_floor(file)
        rows.append(f"| – | {floor.run.model} (floor) | – | {_cells([floor])} |")
    return "\n".join(rows)


def _cells(group: Sequence[RunMetrics | FloorMetrics]) -> str:
    cells = []
    for _, key, decimals in COLUMNS:
        values = [run.metrics[key].value for run in group if key in run.metrics]
        spread = f" ± {stdev(values):.{decimals}f}" if len(values) > 1 else ""
        cells.append(f"{mean(values):.{decimals}f}{spread}" if values else "–")
    return " | ".join(cells)


# Page, the configuration that its comments name, and the table between them.
TABLES = (
    ("README.md", "config/demo.yaml", demo_matrix),
    ("docs/real-faces.md", "config/celeba8k.yaml", lambda: real_faces_table({"plain": "celeba8k-plain"})),
)


def page(name: str, text: str) -> str:
    """The text of a page with today's tables between their comments."""
    for shown_on, config, table in TABLES:
        if shown_on == name:
            between = re.compile(rf"(?<=<!-- results: {config} -->\n).*?(?=<!-- end of results -->)", re.S)
            text = between.sub(lambda _, table=table: f"{table()}\n", text)
    return text


if __name__ == "__main__":
    for name in dict.fromkeys(name for name, _, _ in TABLES):
        file = ROOT / name
        file.write_text(page(name, file.read_text(encoding="utf-8")), encoding="utf-8")
