"""Keys, labels and directions of what is measured of samples, sets of features, codes and attributes.

Each is named here once. Importing this needs neither numpy nor torch, so that the workflow can tell what will be
measured before anything runs. Metrics of pairs of images are in :mod:`vaematrix.metrics.reconstruction`.
"""

from dataclasses import dataclass
from typing import Any

from vaematrix.common.records import About, Direction, Entry


@dataclass(frozen=True)
class Metric:
    """What does not depend on the run in an :class:`vaematrix.common.records.Entry`; see there."""

    key: str
    label: str
    about: About
    better: Direction = ""
    scale: str = ""

    def entry(self, value: float, count: int, **further: Any) -> Entry:
        """What was measured of `count` images; `further` are the entry's low, high, subset_sd and protocol."""
        named = {"label": self.label, "scale": self.scale, "better": self.better, "about": self.about}
        return Entry(**{"value": float(value), "count": count, **named, **further})


KL = Metric("kl", "KL", "latent", scale="nats")
ACTIVE_UNITS = Metric("active_units", "Active units", "latent")
MMD_TO_PRIOR = Metric("mmd_to_prior", "MMD² to the prior", "latent", "lower")
CODES_VARIANCE = Metric("codes_variance", "Variance of codes", "latent", scale="1 under the prior")
CODES_MEAN = Metric("codes_mean", "|Mean| of codes", "latent", scale="0 under the prior")
CODES_CORRELATION = Metric("codes_correlation", "Mean |correlation| of codes", "latent", scale="0 under the prior")
CODES_LARGEST_CORRELATION = Metric(
    "codes_largest_correlation", "Largest |correlation| of codes", "latent", scale="0 under the prior"
)
CODES_LOG_LIKELIHOOD = Metric(
    "codes_log_likelihood", "Log-likelihood of held-out codes", "latent", "higher", "nats a code"
)
PROBE_AUC = Metric("probe_auc", "AUC of a linear probe", "latent", scale="weak factors")
ATTRIBUTE_SHOWN = Metric("attribute_shown", "Asked attribute shown", "attributes", "higher", "balanced accuracy")
ATTRIBUTE_SHOWN_REAL = Metric(
    "attribute_shown_real", "Judge of attributes on real faces", "attributes", scale="balanced accuracy"
)

# What is measured whatever the features are.
OF_ANY_FEATURES = (
    KL, ACTIVE_UNITS, MMD_TO_PRIOR, CODES_VARIANCE, CODES_MEAN, CODES_CORRELATION, CODES_LARGEST_CORRELATION,
    CODES_LOG_LIKELIHOOD, PROBE_AUC, ATTRIBUTE_SHOWN, ATTRIBUTE_SHOWN_REAL,
)  # fmt: skip


@dataclass(frozen=True)
class FeatureMetrics:
    """What is measured in the features of one network.

    Attributes:
        frechet: the Fréchet distance of samples; FID is one.
        frechet_infinity: the same at endless samples.
        frechet_of_reconstructions: the same of reconstructions.
        kernel: the kernel distance of samples; KID is one.
        precision, recall, density, coverage: of samples.
        feature_distance: between each image and its reconstruction.
    """

    frechet: Metric
    frechet_infinity: Metric
    frechet_of_reconstructions: Metric
    kernel: Metric
    precision: Metric
    recall: Metric
    density: Metric
    coverage: Metric
    feature_distance: Metric

    @property
    def neighbours(self) -> tuple[Metric, ...]:
        """Precision, recall, density and coverage."""
        return self.precision, self.recall, self.density, self.coverage


def in_features(network: str, title: str) -> FeatureMetrics:
    """The metrics in a network's features, named after it, so that those of two networks never meet in one column.

    Args:
        network: the name of its file. title: the name people read.
    """
    return _named(network, title, suffix=f"_{network}", note=f" ({title})")


def in_inception(title: str, official: bool) -> FeatureMetrics:
    """The metrics in Inception's features: FID and KID where the weights are the published ones, else named apart."""
    if official:
        return _named("inception", title, suffix="", note="", frechet=("fid", "FID"), kernel=("kid", "KID"))
    return _named("inception", title, suffix="_other", note=" (other weights)")


def _named(
    network: str,
    title: str,
    suffix: str,
    note: str,
    frechet: tuple[str, str] = ("frechet", "Fréchet distance"),
    kernel: tuple[str, str] = ("kernel_distance", "Kernel distance"),
) -> FeatureMetrics:
    """Args: suffix, note: what is added to keys and labels. frechet, kernel: key and label of these two."""
    key, label = frechet[0] + suffix, frechet[1] + note
    words = ("precision", "recall", "density", "coverage")
    return FeatureMetrics(
        frechet=Metric(key, label, "generation", "lower"),
        frechet_infinity=Metric(f"{key}_infinity", f"{label}, endless samples", "generation", "lower"),
        frechet_of_reconstructions=Metric(
            f"reconstruction_{key}", f"{label} of reconstructions", "reconstruction", "lower"
        ),
        kernel=Metric(kernel[0] + suffix, kernel[1] + note, "generation", "lower"),
        **{word: Metric(word + suffix, word.capitalize() + note, "generation", "higher") for word in words},
        feature_distance=Metric(
            f"feature_distance_{network}", f"Feature distance ({title})", "reconstruction", "lower"
        ),
    )
