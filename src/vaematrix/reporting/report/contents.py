"""What the report says of protocol, rubric, cost and provenance, as rows of text for its template."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaematrix.analysis.decimals import rounded
from vaematrix.common.records import Protocol, RunRecord, as_json
from vaematrix.reporting import latex
from vaematrix.reporting.formatting import cost_text, short_hash
from vaematrix.reporting.names import metric_word
from vaematrix.reporting.tables import Results


def protocol_rows(results: Results, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the numbers were made, as (what, plain text)."""
    protocol = results.runs[0].protocol if results.runs else Protocol()
    known = {key: value for key, value in as_json(protocol).items() if value is not None}
    features = protocol.features or {}
    rows = [
        ("Faces", "{dataset}", {"dataset"}),
        ("Evaluated on", "the {split} split, {images} images", {"split", "images"}),
        ("Images", "centre crop {crop}, resized to {size} × {size} ({filter}), 8 bits a channel",
         {"crop", "size", "filter"}),
        ("Reconstructions", "from the posterior mean, each compared with its original", set()),
        ("Samples", "{sample_count} from the sampler “{sampler}”", {"sample_count", "sampler"}),
        ("Intervals", "bootstrap over images, confidence {confidence}, {resamples} resamples",
         {"confidence", "resamples"}),
    ]  # fmt: skip
    filled = [(name, text.format_map(known)) for name, text, needed in rows if needed <= known.keys()]
    if features:
        sha = features.get("weights_sha256")
        parts = [f"{features.get('network')}, {features.get('dims')} dimensions"]
        filled.append(("Features", ", ".join(parts + ([f"weights SHA-256 {sha[:16]}…"] if sha else []))))
    return filled + [
        (name.capitalize(), _setting_text(value)) for name, value in settings.items() if value not in (None, {})
    ]


def other_distance(results: Results) -> str | None:
    """The name of the distance in FID's row where it is not FID, whatever it is."""
    key = results.keys.get("fid", "fid")
    return None if key == "fid" else results.label(key)


def few_for_a_covariance(results: Results) -> dict[str, int] | None:
    """Samples, faces of the reference and dimensions of the features, where images are fewer than dimensions."""
    protocol = results.runs[0].protocol if results.runs else Protocol()
    samples, faces, dims = protocol.sample_count, protocol.reference_count, (protocol.features or {}).get("dims")
    if samples is None or faces is None or dims is None or min(samples, faces) > dims:
        return None
    return {"samples": samples, "faces": faces, "dims": dims}


def cost_rows(records: Sequence[RunRecord]) -> list[list[str]]:
    """Model, seed, device, epochs, minutes, peak GB, images/s and millions of trained parameters of each run."""
    return [
        [
            record.model or "–",
            "–" if record.seed is None else str(record.seed),
            record.device or "–",
            cost_text(record.epochs, 1, 0),
            cost_text(record.seconds, 60, 1),
            cost_text(record.peak_memory_mb, 1000, 2),
            cost_text(record.images_per_second, 1, 0),
            cost_text(record.trained_parameter_count, 1e6, 2),
        ]
        for record in records
    ]


def device_rows(records: Sequence[RunRecord]) -> list[list[str]]:
    """Device, runs, hours, largest peak of memory in GB and range of images per second, as text, one row a device."""
    rows = []
    for device in dict.fromkeys(record.device for record in records):
        on_device = [record for record in records if record.device == device]
        hours = f"{sum(_known(on_device, 'seconds')) / 3600:.2f}"
        memory = f"{max(_known(on_device, 'peak_memory_mb'), default=0) / 1000:.2f}"
        speeds = [f"{speed:,.0f}" for speed in sorted(_known(on_device, "images_per_second"))]
        slowest_to_fastest = "–".join(dict.fromkeys(speeds[:1] + speeds[-1:]))
        rows.append([device or "–", str(len(on_device)), hours, memory, slowest_to_fastest])
    return rows


def breakpoint_rows(results: Results) -> list[list[str]]:
    """The value that earns each score, from 10 to 2, for every metric of the matrix; the first row is the header."""
    rows = [["", *map(str, range(10, 1, -1))]]
    for key in results.keys.values():
        rule = results.rubric["metrics"][key]
        sign = "≤" if rule["better"] == "lower" else "≥"
        rows.append([f"{results.heading(key).rstrip(' ↓↑')} {sign}", *(f"{value:g}" for value in rule["scores"])])
    return rows


def best_of(results: Results) -> list[tuple[str, str]]:
    """For each metric of the matrix that was measured: its key, and the best mean over seeds as printed."""
    best_values = []
    for key in results.keys.values():
        means = [spread.mean for model in results.matrices if (spread := results.spread(model, key))]
        if means:
            pick = min if results.rubric["metrics"][key]["better"] == "lower" else max
            best_values.append((key, rounded(pick(means), results.decimals(key))))
    return best_values


def prose_numbers(results: Results, records: Sequence[RunRecord]) -> dict[str, str]:
    """What the prose says beyond `macros.numbers`, by the name of its macro: the best values, and the cost."""
    macros = {f"vmBest{metric_word(key)}": value for key, value in best_of(results)}
    if records:
        seconds, speeds = sum(_known(records, "seconds")), sorted(_known(records, "images_per_second")) or [0.0]
        macros["vmTrainingTime"] = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"
        macros["vmTrainedRuns"] = str(len(records))
        macros["vmPeakMemory"] = f"{max(_known(records, 'peak_memory_mb'), default=0) / 1000:.2f} GB"
        macros |= {"vmSlowest": f"{speeds[0]:,.0f}", "vmFastest": f"{speeds[-1]:,.0f}"}
    return {name: latex.escape(value) for name, value in macros.items()}


def _known(records: Sequence[RunRecord], key: str) -> list[float]:
    """A number of the records that have it."""
    return [value for record in records if (value := getattr(record, key)) is not None]


def provenance_rows(results: Results, records: Sequence[RunRecord]) -> list[list[str]]:
    """Model, seed, and the beginnings of the hashes of weights, code and data and of the git commit."""
    hashes = [(run.model, run.seed, run.weights_sha256, run.code, run.data, run.git_commit) for run in records] or [
        (run.model, run.seed, run.protocol.weights_sha256, run.protocol.code, run.protocol.data, None)
        for run in results.runs
    ]
    return [
        [model or "–", "–" if seed is None else str(seed), *map(short_hash, of_run)] for model, seed, *of_run in hashes
    ]


def versions_text(results: Results, records: Sequence[RunRecord]) -> str:
    """The versions of the software; where runs differ, all that were seen."""
    seen: dict[str, dict[str, None]] = {}
    sources: list[RunRecord | Protocol] = [*records, *(run.protocol for run in results.runs)]
    for source in sources:
        for package, version in (source.versions or {}).items():
            if version != "absent":
                seen.setdefault(package, {})[str(version)] = None
    return ", ".join(f"{package} {' / '.join(versions)}" for package, versions in seen.items())


def _setting_text(value: Any) -> str:
    """A setting in words: `widths 128, 256; latent 64`, and `vae (family vae); beta_vae (family beta_vae, beta 4)`."""
    if not isinstance(value, Mapping):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    parts = [
        f"{key} ({_setting_text(part).replace('; ', ', ')})"
        if isinstance(part, Mapping)
        else f"{key.replace('_', ' ')} {_setting_text(part)}"
        for key, part in value.items()
    ]
    return "; ".join(parts)
