"""The entries of metrics.json that are no means over images, each with its protocol.

What cannot be measured is left out under its name, with the reason: an entry's value is always a number.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from vaematrix.common.records import Check, Entry, Identity, Protocol, RunMetrics, RunRecord, as_json
from vaematrix.metrics import catalogue, definitions, extrapolation, frechet, kernel_distance, latent, neighbours
from vaematrix.metrics.attribute_judge import FEWEST, Judge, balanced, judgeable, shares_shown
from vaematrix.metrics.bootstrap import mean_interval
from vaematrix.metrics.catalogue import Metric
from vaematrix.metrics.feature_distance import feature_distance
from vaematrix.metrics.features import FeatureNetwork
from vaematrix.metrics.frechet import Statistics
from vaematrix.metrics.probe import probe

COLLAPSED = 0.01  # of recall


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

    def of_run(self, run: RunRecord, entry: str, protocol: Protocol) -> RunMetrics:
        """The record of a run's metrics. Args: run: its training. entry: the model's in the config."""
        named = {name: getattr(run, name) for name in ("experiment", "model", "family", "seed")}
        return RunMetrics(
            run=Identity(**named, entry=entry),
            metrics=self.entries,
            left_out=self.left_out,
            warnings=self.warnings,
            checks=self.checks,
            protocol=protocol,
        )

    def add(self, metric: Metric, value: float, count: int, **further: Any) -> None:
        """Add an entry; `further` are its interval (low, high), the sd between subsets (subset_sd) and its protocol."""
        self.entries[metric.key] = metric.entry(value, count, **further)


def measure_samples(
    measured: Measured,
    network: FeatureNetwork,
    samples: np.ndarray,
    real: np.ndarray,
    reference: Statistics,
    confidence: float,
    device: torch.device,
) -> None:
    """All that is said of samples as a set, uint8 [n, h, w, 3], against the reference's features, float32 [m, dims]."""
    made = network.features_of(samples, "samples")
    measure_frechet(measured, network, made, reference, "generation")
    measure_extrapolation(measured, network, made, reference, confidence)
    measure_features(measured, network, made, real, device)


def measure_held_out(measured: Measured, held_out: Mapping[str, Any]) -> None:
    """How likely a sampler finds codes that it never saw. Args: held_out: the mean in `nats`, of so many `codes`."""
    protocol = {
        "codes": "one z ~ q(z | x) a face of the validation split",
        "density": held_out["density"],
        "seed": 0,
    }
    measured.add(catalogue.CODES_LOG_LIKELIHOOD, held_out["nats"], held_out["codes"], protocol=protocol)


def measure_frechet(
    measured: Measured,
    network: FeatureNetwork,
    features: np.ndarray,
    reference: Statistics,
    about: Literal["generation", "reconstruction"],
) -> None:
    """The Fréchet distance of samples or of reconstructions from the reference. Args: features: float32 [n, dims]."""
    measured_set, metrics = frechet.statistics(features, network.identity), network.metrics
    metric = metrics.frechet if about == "generation" else metrics.frechet_of_reconstructions
    measured.add(metric, frechet.distance(measured_set, reference), len(features))
    measured.checks[metric.key] = definitions.check_frechet(measured_set, reference)


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
    metric, values = network.metrics.feature_distance, feature_distance(originals, reconstructions)
    low, high = mean_interval(values, resamples=resamples, confidence=confidence, seed=0)
    protocol = {"distance": "1 - cosine", **network.identity}
    measured.add(metric, values.mean(), len(values), low=low, high=high, protocol=protocol)
    return {metric.key: values}


def measure_features(
    measured: Measured, network: FeatureNetwork, made: np.ndarray, real: np.ndarray, device: torch.device
) -> None:
    """Kernel distance, precision, recall, density and coverage.

    Args:
        made, real: features of the samples and of the reference, float32 [n, dims] and [m, dims].
    """
    metrics = network.metrics
    if min(len(made), len(real)) <= neighbours.K_DENSITY:
        reason = f"{len(made)} samples and {len(real)} others: more than {neighbours.K_DENSITY} are needed of each"
        measured.left_out |= {metric.key: reason for metric in (metrics.kernel, *metrics.neighbours)}
        return
    mean, subset_sd, size = kernel_distance.kernel_distance(made, real, seed=0, device=device)
    protocol = {"subsets": kernel_distance.SUBSETS, "subset_size": size, "seed": 0, "reference_count": len(real)}
    measured.add(metrics.kernel, mean, len(made), subset_sd=subset_sd, protocol=protocol)
    found = neighbours.neighbours(made, real, device)
    for metric, value, k in (
        (metrics.precision, found.precision, neighbours.K_MANIFOLD),
        (metrics.recall, found.recall, neighbours.K_MANIFOLD),
        (metrics.density, found.density, neighbours.K_DENSITY),
        (metrics.coverage, found.coverage, neighbours.K_DENSITY),
    ):
        measured.add(metric, value, len(made), protocol={"k": k, "reference_count": len(real)})


def warn_of_collapse(measured: Measured, network: FeatureNetwork) -> None:
    """Say where samples cover next to none of the faces, which is how an adversarial training collapses."""
    recall = measured.entries.get(network.metrics.recall.key)
    if recall and recall.value < COLLAPSED:
        measured.warnings.append(
            f"recall is {recall.value:.3f}: hardly any face lies among the samples, however good each of them "
            "is. The training against the discriminator may have collapsed."
        )


def measure_extrapolation(
    measured: Measured, network: FeatureNetwork, made: np.ndarray, reference: Statistics, confidence: float
) -> None:
    """The Fréchet distance at endless samples against the reference. Args: made: of the samples, float32 [n, dims]."""
    metric, (count, dims) = network.metrics.frechet_infinity, made.shape
    if not extrapolation.enough(count, dims):
        needed = extrapolation.SAMPLES_A_DIMENSION * dims
        measured.left_out[metric.key] = (
            f"{count} samples are fewer than {needed}, four for each of the features' dimensions"
        )
        return
    found = extrapolation.extrapolate(made, reference, confidence=confidence, seed=0)
    measured.add(
        metric,
        found.value,
        count,
        label=f"{metric.label} against these {reference.count:,} images",
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
    measured.details["frechet_by_count"] = [asdict(point) for point in found.points]


def measure_latent(
    measured: Measured, mean: np.ndarray, variance: np.ndarray, prior: latent.LearnedPrior | None = None
) -> None:
    """KL, active units, and the distance of the codes from the prior.

    Of a prior that is not N(0, I), draws say the mean and the standard deviation of each unit, in which all but the
    KL is measured; the KL of a unit is that to a Gaussian of these two.

    Args:
        mean, variance: of the posteriors, float32 [n, latent]. prior: None is N(0, I).
    """
    about: dict[str, Any] = {"prior": "N(0, I)"}
    draws = None
    if prior:
        mean, variance = prior.standardised(mean), variance / prior.scale**2
        draws = prior.standardised(prior.draws)
        about = {"prior": dict(prior.about), "prior_draws": len(draws), "units": "standard deviations of the prior"}
    kl, activity = latent.kl_per_unit(mean, variance), latent.activity(mean)
    active = int((activity > latent.ACTIVE).sum())
    nats = prior.kl.mean(dtype=np.float64) if prior else kl.sum()
    measured.add(catalogue.KL, nats, len(mean), protocol={"prior": about["prior"]})
    above = {"above": latent.ACTIVE, **about}
    measured.add(catalogue.ACTIVE_UNITS, active, len(mean), scale=f"of {len(kl)}", protocol=above)
    codes = latent.draw_codes(mean, variance, seed=0)
    protocol = {"kernel": "exp(-|d|²/(2·dim))", "seed": 0, **about}
    mmd = latent.mmd_to_prior(codes) if draws is None else latent.mmd_to_draws(codes, draws)
    measured.add(catalogue.MMD_TO_PRIOR, mmd, len(mean), protocol=protocol)
    _measure_aggregated(measured, codes, draws, about)
    order = np.argsort(-kl, kind="stable")
    measured.details["units"] = [
        {"unit": int(unit), "kl": float(kl[unit]), "variance_of_mean": float(activity[unit])} for unit in order
    ]


def _measure_aggregated(
    measured: Measured, codes: np.ndarray, draws: np.ndarray | None, about: Mapping[str, Any]
) -> None:
    """Where the aggregated posterior lies beside the prior.

    Args:
        codes: [n, latent] drawn from q(z | x). draws: as many of a prior that is not N(0, I). about: the prior, for
            the protocol.
    """
    found = latent.aggregated(codes, draws)
    of_prior = "" if draws is None else " - that of the prior"
    for metric, value, formula in (
        (catalogue.CODES_VARIANCE, found.variance, "mean over units j of Var(z_j)"),
        (catalogue.CODES_MEAN, found.mean, "mean over units j of |E z_j|"),
        (catalogue.CODES_CORRELATION, found.correlation, f"mean over pairs j < k of |Corr(z_j, z_k){of_prior}|"),
        (
            catalogue.CODES_LARGEST_CORRELATION,
            found.largest_correlation,
            f"maximum over pairs j < k of |Corr(z_j, z_k){of_prior}|",
        ),
    ):
        protocol = {"codes": "one z ~ q(z | x) an image", "formula": formula, "seed": 0, **about}
        measured.add(metric, value, len(codes), protocol=protocol)
    # The chance of two samples adds up to that of one with half as many.
    if far := latent.far_from_prior(found, len(codes) if draws is None else len(codes) // 2):
        measured.warnings.append(
            f"the codes lie far from the prior: {'; '.join(far)}. A sample of the prior then says more about where "
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
    skipped = [name for name, is_known in zip(names, known, strict=True) if not is_known]
    if not known.any():
        measured.left_out[catalogue.PROBE_AUC.key] = (
            f"no attribute has {FEWEST} faces with and without it in both splits"
        )
        return
    aucs = probe(train[0], train[1][:, known], test[0], test[1][:, known])
    protocol = {
        "probe": "logistic regression on standardised posterior means",
        "trained_on": len(train[0]),
        "attributes": len(aucs),
        "skipped": skipped,
    }
    measured.add(catalogue.PROBE_AUC, aucs.mean(), len(test[0]), protocol=protocol)
    judged = [name for name, is_known in zip(names, known, strict=True) if is_known]
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
        measured.left_out[catalogue.ATTRIBUTE_SHOWN.key] = (
            f"no attribute has {FEWEST} samples and faces of both splits with and without it"
        )
        return
    shown = shares_shown(judge.scores(samples)[:, known], wanted[:, known])
    names = [name for name, is_known in zip(judge.names, known, strict=True) if is_known]
    protocol = {
        "judge": "logistic regression on principal components of pixels",
        **judge.about,
        "attributes": len(names),
        "skipped": [name for name in asked if name not in names],
    }
    for metric, shares, count in (
        (catalogue.ATTRIBUTE_SHOWN, shown, len(samples)),
        (catalogue.ATTRIBUTE_SHOWN_REAL, judge.shown[known], judge.about["judged_on"]),
    ):
        measured.add(metric, balanced(shares).mean(), count, protocol=protocol)
    measured.details["attribute_shown"] = {
        name: {
            "asked": int(wanted[:, column].sum()),
            **_shares("samples", shown[row]),
            **_shares("real", judge.shown[column]),
            "judge_auc": float(judge.auc[column]),
        }
        for row, (name, column) in enumerate(zip(names, np.flatnonzero(known), strict=True))
    }


def _shares(images: str, shown: np.ndarray) -> dict[str, float]:
    return {f"{images}_shown_without": float(shown[0]), f"{images}_shown_with": float(shown[1])}
