"""The entries of metrics.json that are no means over images, each with its protocol.

What cannot be measured is left out under its name, with the reason: an entry's value is always a number.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from vaematrix.common.records import About, Check, Direction, Entry, as_json
from vaematrix.metrics import definitions, extrapolation, frechet, kernel_distance, latent, neighbours
from vaematrix.metrics.attribute_judge import FEWEST, Judge, balanced, judgeable, shares_shown
from vaematrix.metrics.bootstrap import mean_interval
from vaematrix.metrics.feature_distance import feature_distance
from vaematrix.metrics.features import FeatureNetwork
from vaematrix.metrics.frechet import Statistics
from vaematrix.metrics.probe import probe


@dataclass
class Measured:
    """What was measured of a run.

    Attributes:
        entries: by key, as metrics.json has them.
        left_out: why there is no entry, by key.
        warnings: what makes a number say less than it seems to, in words.
        checks: the numbers held against their definitions, by the definition's metric.
        details: what is behind a number, for figures: lists by unit, attribute or sample count.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    checks: dict[str, Check] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What metrics.json says of these; `details` have a file of their own."""
        parts = {"metrics": self.entries, "left_out": self.left_out, "warnings": self.warnings, "checks": self.checks}
        return as_json(parts)

    def add(
        self,
        key: str,
        value: float,
        count: int,
        label: str,
        *,
        about: About,
        scale: str = "",
        better: Direction = "",
        **further: Any,
    ) -> None:
        """Add an entry; `further` are its interval (low, high), the sd between subsets (subset_sd) and its protocol."""
        self.entries[key] = Entry(
            value=float(value), count=count, label=label, scale=scale, better=better, about=about, **further
        )


def measure_frechet(
    measured: Measured,
    network: FeatureNetwork,
    features: np.ndarray,
    reference: Statistics,
    about: Literal["generation", "reconstruction"],
) -> None:
    """The Fréchet distance of samples or of reconstructions from the reference. Args: features: float32 [n, dims]."""
    of_these = frechet.statistics(features, network.identity)
    key, label = network.metric_key, network.metric_label
    if about == "reconstruction":
        key, label = f"reconstruction_{key}", f"{label} of reconstructions"
    measured.add(key, frechet.distance(of_these, reference), len(features), label, better="lower", about=about)
    measured.checks[key] = definitions.check_frechet(of_these, reference)


def measure_feature_distance(
    measured: Measured,
    network: FeatureNetwork,
    originals: np.ndarray,
    reconstructions: np.ndarray,
    *,
    resamples: int,
    confidence: float,
) -> dict[str, np.ndarray]:
    """The paired distance of reconstructions, and its bootstrap interval over the images.

    Args:
        originals, reconstructions: features, float32 [n, dims], in the same order.

    Returns:
        The values per image, float64 [n], by the metric's key.
    """
    key, values = f"feature_distance_{network.name}", feature_distance(originals, reconstructions)
    low, high = mean_interval(values, resamples=resamples, confidence=confidence, seed=0)
    label, protocol = f"Feature distance ({network.title})", {"distance": "1 - cosine", **network.identity}
    of = {"better": "lower", "about": "reconstruction", "low": low, "high": high, "protocol": protocol}
    measured.add(key, values.mean(), len(values), label, **of)
    return {key: values}


def measure_features(
    measured: Measured, network: FeatureNetwork, made: np.ndarray, real: np.ndarray, device: torch.device
) -> None:
    """Kernel distance, precision, recall, density and coverage.

    Args:
        made, real: features of the samples and of the reference, float32 [n, dims] and [m, dims].
    """
    suffix, note = _naming(network)
    kernel = f"kernel_distance{suffix}" if suffix else "kid"
    words = neighbours.Neighbours._fields
    if min(len(made), len(real)) <= neighbours.K_DENSITY:
        reason = f"{len(made)} samples and {len(real)} others: more than {neighbours.K_DENSITY} are needed of each"
        measured.left_out |= dict.fromkeys([kernel, *(word + suffix for word in words)], reason)
        return
    of = {"count": len(made), "about": "generation"}
    mean, subset_sd, size = kernel_distance.kernel_distance(made, real, seed=0, device=device)
    protocol = {"subsets": kernel_distance.SUBSETS, "subset_size": size, "seed": 0, "reference_count": len(real)}
    label = ("Kernel distance" if suffix else "KID") + note
    measured.add(kernel, mean, label=label, better="lower", subset_sd=subset_sd, protocol=protocol, **of)
    for word, value in neighbours.neighbours(made, real, device)._asdict().items():
        k = neighbours.K_MANIFOLD if word in ("precision", "recall") else neighbours.K_DENSITY
        protocol = {"k": k, "reference_count": len(real)}
        measured.add(word + suffix, value, label=word.capitalize() + note, better="higher", protocol=protocol, **of)


def measure_extrapolation(
    measured: Measured, network: FeatureNetwork, made: np.ndarray, reference: Statistics, confidence: float
) -> None:
    """The Fréchet distance at endless samples against the reference. Args: made: of the samples, float32 [n, dims]."""
    key, (count, dims) = f"{network.metric_key}_infinity", made.shape
    if not extrapolation.enough(count, dims):
        needed = extrapolation.SAMPLES_A_DIMENSION * dims
        measured.left_out[key] = f"{count} samples are fewer than {needed}, four for each of the features' dimensions"
        return
    found = extrapolation.extrapolate(made, reference, confidence=confidence, seed=0)
    measured.add(
        key,
        found.value,
        count,
        f"{network.metric_label}, endless samples against these {reference.count:,} images",
        better="lower",
        about="generation",
        low=found.low,
        high=found.high,
        protocol={
            "fit": "line through N and N/2 over 1/N",
            "interval": "batch means of the samples; the reference's own bias is not in it",
            "confidence": confidence,
            "seed": 0,
            "reference_count": reference.count,
        },
    )
    measured.details["frechet_by_count"] = [point._asdict() for point in found.points]


def _naming(network: FeatureNetwork) -> tuple[str, str]:
    """What the distance's key and its label say besides its name: two empty texts for FID alone."""
    _, bracket, note = network.metric_label.partition(" (")
    return network.metric_key.removeprefix("fid").removeprefix("frechet"), bracket + note


def measure_latent(measured: Measured, mean: np.ndarray, variance: np.ndarray) -> None:
    """KL, active units, and the distance of the codes from the prior. Two float32 [n, latent] of the posteriors."""
    kl, activity = latent.kl_per_unit(mean, variance), latent.activity(mean)
    of = {"count": len(mean), "about": "latent"}
    measured.add("kl", kl.sum(), label="KL", scale="nats", **of)
    active = int((activity > latent.ACTIVE).sum())
    measured.add(
        "active_units", active, label="Active units", scale=f"of {len(kl)}", protocol={"above": latent.ACTIVE}, **of
    )
    codes = latent.draw_codes(mean, variance, seed=0)
    mmd = latent.mmd_to_prior(codes)
    protocol = {"kernel": "exp(-|d|²/(2·dim))", "seed": 0}
    measured.add("mmd_to_prior", mmd, label="MMD² to the prior", better="lower", protocol=protocol, **of)
    _measure_aggregated(measured, codes)
    order = np.argsort(-kl, kind="stable")
    measured.details["units"] = [
        {"unit": int(unit), "kl": float(kl[unit]), "variance_of_mean": float(activity[unit])} for unit in order
    ]


def _measure_aggregated(measured: Measured, codes: np.ndarray) -> None:
    """Where the aggregated posterior lies beside the prior. Args: codes: [n, latent] drawn from q(z | x)."""
    found = latent.aggregated(codes)
    for name, label, formula in (
        ("variance", "Variance of codes", "mean over units j of Var(z_j)"),
        ("mean", "|Mean| of codes", "mean over units j of |E z_j|"),
        ("correlation", "Mean |correlation| of codes", "mean over pairs j < k of |Corr(z_j, z_k)|"),
        ("largest_correlation", "Largest |correlation| of codes", "maximum over pairs j < k of |Corr(z_j, z_k)|"),
    ):
        protocol = {"codes": "one z ~ q(z | x) an image", "formula": formula, "seed": 0}
        scale = f"{int(name == 'variance')} under the prior"
        measured.add(
            f"codes_{name}", getattr(found, name), len(codes), label, scale=scale, about="latent", protocol=protocol
        )
    if far := latent.far_from_prior(found, len(codes)):
        measured.warnings.append(
            f"the codes lie far from the prior: {'; '.join(far)}. A sample from N(0, I) then says more about where "
            "codes lie than about the decoder."
        )


def measure_probe(
    measured: Measured,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    names: tuple[str, ...],
) -> None:
    """What a linear probe finds in the latent. `train` and `test` are posterior means [n, d] and attributes [n, k]."""
    known = judgeable(train[1], test[1])
    skipped = [name for name, one in zip(names, known, strict=True) if not one]
    if not known.any():
        measured.left_out["probe_auc"] = f"no attribute has {FEWEST} faces with and without it in both splits"
        return
    aucs = probe(train[0], train[1][:, known], test[0], test[1][:, known])
    protocol = {
        "probe": "logistic regression on standardised posterior means",
        "trained_on": len(train[0]),
        "attributes": len(aucs),
        "skipped": skipped,
    }
    label = "AUC of a linear probe"
    measured.add("probe_auc", aucs.mean(), len(test[0]), label, scale="weak factors", about="latent", protocol=protocol)
    judged = [name for name, one in zip(names, known, strict=True) if one]
    measured.details["probe_auc"] = dict(zip(judged, aucs.tolist(), strict=True))


def measure_asked(measured: Measured, judge: Judge, samples: np.ndarray, asked: dict[str, np.ndarray]) -> None:
    """How often samples show the attributes that were asked for, beside the same of real faces.

    Args:
        samples: uint8 [n, h, w, 3] of a conditional model. asked: bool [n] by attribute.
    """
    wanted = (
        np.stack([asked[name] for name in judge.names], axis=1) if judge.names else np.empty((len(samples), 0), bool)
    )
    known = judgeable(wanted)
    if not known.any():
        measured.left_out["attribute_shown"] = (
            f"no attribute has {FEWEST} samples and faces of both splits with and without it"
        )
        return
    shown = shares_shown(judge.scores(samples)[:, known], wanted[:, known])
    names = [name for name, one in zip(judge.names, known, strict=True) if one]
    protocol = {
        "judge": "logistic regression on principal components of pixels",
        **judge.about,
        "attributes": len(names),
        "skipped": [name for name in asked if name not in names],
    }
    rows = (
        ("attribute_shown", shown, len(samples), "Asked attribute shown", "higher"),
        ("attribute_shown_real", judge.shown[known], judge.about["judged_on"], "Judge of attributes on real faces", ""),
    )
    for key, shares, count, label, better in rows:
        value = balanced(shares).mean()
        measured.add(
            key, value, count, label, scale="balanced accuracy", better=better, about="attributes", protocol=protocol
        )
    measured.details["attribute_shown"] = {
        name: {
            "asked": int(wanted[:, column].sum()),
            **_shares("samples", shown[row]),
            **_shares("real", judge.shown[column]),
            "judge_auc": float(judge.auc[column]),
        }
        for row, (name, column) in enumerate(zip(names, np.flatnonzero(known), strict=True))
    }


def _shares(of: str, shown: np.ndarray) -> dict[str, float]:
    return {f"{of}_shown_without": float(shown[0]), f"{of}_shown_with": float(shown[1])}
