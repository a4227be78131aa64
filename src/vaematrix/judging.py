"""Anybody's images, judged as the workflow judges a model's samples and reconstructions."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaematrix.common import devices, provenance
from vaematrix.common.errors import UserError
from vaematrix.common.schema import nearest
from vaematrix.data.image_sets import ImageSet, about, read_image_set
from vaematrix.metrics import definitions, entries, features, frechet
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.features import FeatureNetwork, load_network
from vaematrix.metrics.inception_weights import find_weights
from vaematrix.metrics.reconstruction import evaluate_pairs

RESAMPLES, CONFIDENCE = 1000, 0.95


def judge(
    samples: ImageSet,
    reference: ImageSet,
    network: str,
    *,
    weights: str | Path | None,
    split: str | None,
    paired: bool,
    device: str | torch.device | None,
) -> dict[str, Any]:
    """See :func:`vaematrix.judge`, which this does."""
    device = torch.device(device) if device else devices.fastest()
    loaded = _network(network, weights, device)
    made, real = read_image_set(samples), read_image_set(reference, split)
    measured, protocol = Measured(), _protocol(loaded, device, paired)
    if paired:
        _measure_pairs(measured, made, real, device)
    made_features, real_features = loaded.features_of(made, "the images"), loaded.features_of(real, "the reference")
    statistics = frechet.statistics(real_features, loaded.identity)
    if paired:
        entries.measure_frechet(measured, loaded, made_features, statistics, "reconstruction")
        entries.measure_feature_distance(
            measured, loaded, real_features, made_features, resamples=RESAMPLES, confidence=CONFIDENCE
        )
    else:
        entries.measure_frechet(measured, loaded, made_features, statistics, "generation")
        entries.measure_extrapolation(measured, loaded, made_features, statistics, CONFIDENCE)
        entries.measure_features(measured, loaded, made_features, real_features, device)
    sets = {"samples": about(samples, made), "reference": about(reference, real, split)}
    return {**measured.as_json(), "protocol": {**sets, **protocol}}


def as_text(found: dict[str, Any]) -> str:
    """What :func:`judge` found, as a table for people; the protocol in two lines."""
    entries = found["metrics"].values()
    width = max(len(_title(entry)) for entry in entries)
    lines = [f"{_title(entry):<{width}}  {_number(entry['value']):>9}{_interval(entry)}" for entry in entries]
    protocol = found["protocol"]
    sets = [f"{protocol[side]['images']:,} {side} ({protocol[side]['from']})" for side in ("samples", "reference")]
    notes = [f"Not measured: {key}, because {reason}." for key, reason in found["left_out"].items()]
    notes += [f"Warning: {warning}." for warning in found["warnings"]]
    return "\n".join([*lines, "", " against ".join(sets), f"Features: {protocol['features']['network']}", *notes])


def _title(entry: dict[str, Any]) -> str:
    arrow = {"lower": " ↓", "higher": " ↑"}.get(entry["better"], "")
    return " ".join(filter(None, [entry["label"], entry["scale"]])) + arrow


def _interval(entry: dict[str, Any]) -> str:
    return f"  [{_number(entry['low'])}, {_number(entry['high'])}]" if "low" in entry else ""


def _number(value: float) -> str:
    return f"{value:.4g}"


def _network(name: str, weights: str | Path | None, device: torch.device) -> FeatureNetwork:
    if name not in features.networks():
        raise UserError(f"features {name!r}: no such network{nearest(name, features.networks())}")
    # Inception's weights come with no package, and lie where torch.hub keeps them.
    return load_network(name, find_weights(weights) if name == "inception" else weights, device)


def _measure_pairs(measured: Measured, made: np.ndarray, real: np.ndarray, device: torch.device) -> None:
    if made.shape != real.shape:
        raise UserError(
            f"pairs need as many images of one size on both sides, in one order, not {list(made.shape)} and "
            f"{list(real.shape)}."
        )
    measured.entries, values = evaluate_pairs(
        real, made, resamples=RESAMPLES, confidence=CONFIDENCE, seed=0, device=device
    )
    measured.checks["ssim"] = definitions.check_ssim(real, made, values["ssim"])


def _protocol(network: FeatureNetwork, device: torch.device, paired: bool) -> dict[str, Any]:
    return {
        "features": network.identity,
        "paired": paired,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES if paired else None,
        "device": provenance.device_name(device),
        "versions": provenance.versions(),
    }
