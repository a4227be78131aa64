"""Every model under every sampler, as tables."""

import csv
from pathlib import Path

import pytest

from made_up_runs import rubric, run
from vaematrix.analysis.samplers import likeliest
from vaematrix.common.errors import UserError
from vaematrix.common.records import Entry, RunMetrics
from vaematrix.reporting.tables import collect
from vaematrix.reporting.tables.results import keys_of_samples
from vaematrix.reporting.tables.samplers import write_sampler_tables


def measured(model: str, seed: int, sampler: str, nats: float, distance: float, **protocol: object) -> RunMetrics:
    made = run(model, seed, 0.03, 0.7, distance, sampler=sampler, **protocol)
    likelihood = Entry(value=nats, count=80, label="Log-likelihood", better="higher", about="latent")
    recall = Entry(value=0.1 * (seed + 1), count=80, label="Recall", better="higher", about="generation")
    return RunMetrics(
        run=made.run,
        metrics={**made.metrics, "codes_log_likelihood": likelihood, "recall": recall},
        protocol=made.protocol,
    )


RUNS = [measured("vae", seed, "prior", -190.0, 60.0 + seed) for seed in (0, 1)]
SAMPLED = [
    *(measured("vae", seed, "gmm", -105.0 - seed, 40.0 + seed) for seed in (0, 1)),
    *(measured("vae", seed, "flow", -107.0, 30.0 + 3 * seed) for seed in (0, 1)),
]


def test_the_likeliest_sampler_is_so_on_average_and_whatever_its_distance() -> None:
    assert likeliest(SAMPLED) == {"vae": "gmm"}
    assert likeliest([]) == {}


def test_a_line_for_each_model_and_sampler(tmp_path: Path) -> None:
    results = collect(RUNS, rubric(), ["vae", "info_vae"], missing={("info_vae", 0): "diverged"})
    write_sampler_tables(tmp_path, results, SAMPLED, ["flow", "gmm"])
    rows = list(csv.DictReader((tmp_path / "samplers.csv").open()))
    fid = {row["sampler"]: row for row in rows if row["metric"] == "recall"}
    assert list(fid) == ["prior", "flow", "gmm"]
    assert (fid["flow"]["n"], fid["flow"]["mean"]) == ("2", "0.15")
    assert float(fid["flow"]["sd"]) == pytest.approx(0.1 / 2**0.5)
    tex = (tmp_path / "samplers.tex").read_text()
    assert r"vae & flow & 2 & -107.00 $\pm$ 0.00 & 31.50 $\pm$ 2.12 &" in tex
    assert "gmm{*}" in tex
    assert "flow{*}" not in tex
    assert "<td>gmm*</td>" in (tmp_path / "samplers.html").read_text()


def test_the_columns_are_of_whatever_features_were_measured() -> None:
    """By their keys: the network's name in the protocol is another than in keys."""
    keys = ("precision_efficientnet_lite0", "density_efficientnet_lite0", "recall_efficientnet_lite0")
    made = run("vae", 0, 0.03, 0.7, 50.0, kind="frechet_efficientnet_lite0", features={"network": "EfficientNet-Lite0"})
    entries = dict.fromkeys((*keys, "frechet_efficientnet_lite0_infinity"), Entry(value=0.1))
    results = collect([RunMetrics(run=made.run, metrics=made.metrics | entries, protocol=made.protocol)], rubric(), [])
    assert keys_of_samples(results) == ["frechet_efficientnet_lite0", keys[0], keys[2]]


def test_runs_of_one_sampler_must_be_measured_alike(tmp_path: Path) -> None:
    results = collect(RUNS, rubric(), ["vae"])
    other = measured("vae", 2, "gmm", -105.0, 40.0, sample_count=5)
    with pytest.raises(UserError, match="sample_count is 10000 in the first and 5 in the second"):
        write_sampler_tables(tmp_path, results, [*SAMPLED, other], ["gmm", "flow"])


def test_without_any_run_the_tables_are_empty(tmp_path: Path) -> None:
    write_sampler_tables(tmp_path, collect([], rubric(), ["vae"]), [], ["gmm"])
    assert (tmp_path / "samplers.csv").read_text().startswith("model,sampler")
