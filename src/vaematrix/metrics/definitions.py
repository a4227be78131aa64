"""SSIM and the Fréchet distance, held against the packages that define them: scikit-image and pytorch-fid.

Ours are faster ways to the same numbers. Every evaluation shows on data of its own that they are, and fails where they
are not.
"""

import importlib.metadata
import warnings

import numpy as np

from vaematrix.common.errors import UserError
from vaematrix.common.records import Check
from vaematrix.metrics import frechet
from vaematrix.metrics.frechet import Statistics

IMAGES = 16
# On two busy cores pytorch-fid takes up to 13 s at 1,024 dimensions, 21 s at 1,280, 39 s at 2,048, and 0.3 s at 256.
# The rule goes by the dimensions and not by the clock, so that the same run is checked alike everywhere.
WHOLE_DIMS, FIRST_DIMS = 1024, 256
SSIM_TOLERANCE = 1e-6  # both are float64: 1e-12 is usual
FRECHET_TOLERANCE = 1e-5  # matrix square roots of singular covariances differ by up to 2e-7, others by 1e-14


def check_ssim(originals: np.ndarray, reconstructions: np.ndarray, measured: np.ndarray) -> Check:
    """Hold the SSIM of 16 pairs, evenly spaced over all, against scikit-image's.

    Args:
        originals, reconstructions: uint8 [n, h, w, c]. measured: their SSIM, float64 [n].

    Raises:
        UserError: a difference above :data:`SSIM_TOLERANCE`.
    """
    from skimage.metrics import structural_similarity

    chosen = np.unique(np.arange(IMAGES) * len(measured) // IMAGES)
    defined = [
        structural_similarity(
            originals[row] / 255,
            reconstructions[row] / 255,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            data_range=1,
            channel_axis=-1,
        )
        for row in chosen
    ]
    difference = float(np.abs(measured[chosen] - defined).max())
    return _held(
        "SSIM",
        Check(_named("scikit-image", "structural_similarity"), f"{len(chosen)} images", difference, SSIM_TOLERANCE),
    )


def check_frechet(a: Statistics, b: Statistics) -> Check:
    """Hold our Fréchet distance of two sets of features against pytorch-fid's.

    On all dimensions up to :data:`WHOLE_DIMS`, else on the first :data:`FIRST_DIMS`. Both are given the features over
    √s, s = ‖μ₁ - μ₂‖² + tr Σ₁ + tr Σ₂. No distance of such sets exceeds s, so that the difference is a share of the
    largest possible one. It also makes pytorch-fid's own limit mean the same for all features: it gives up where its
    square root has an imaginary part above 0.001, as that of a singular covariance (fewer images than dimensions) of
    large features has.

    Raises:
        UserError: a difference above :data:`FRECHET_TOLERANCE`.
    """
    from pytorch_fid.fid_score import calculate_frechet_distance

    dims = len(a.mean) if len(a.mean) <= WHOLE_DIMS else FIRST_DIMS
    parts = [(statistics.mean[:dims], statistics.covariance[:dims, :dims]) for statistics in (a, b)]
    shift = parts[0][0] - parts[1][0]
    largest = float(shift @ shift + sum(np.trace(covariance) for _, covariance in parts)) or 1.0
    scaled = [Statistics(mean / np.sqrt(largest), cov / largest, None, None) for mean, cov in parts]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a covariance is singular; the tolerance is for that
        defined = calculate_frechet_distance(scaled[0].mean, scaled[0].covariance, scaled[1].mean, scaled[1].covariance)
    difference = float(abs(frechet.distance(*scaled) - defined))
    on = f"the first {dims} dimensions" if dims < len(a.mean) else f"all {dims} dimensions"
    return _held(
        "Fréchet distance",
        Check(_named("pytorch-fid", "calculate_frechet_distance"), on, difference, FRECHET_TOLERANCE),
    )


def _named(package: str, function: str) -> str:
    return f"{package} {importlib.metadata.version(package)}, {function}"


def _held(what: str, check: Check) -> Check:
    if not check.difference <= check.tolerance:  # so that a difference that is no number fails too
        raise UserError(
            f"our {what} differs by {check.difference:.3g} from that of {check.against} on {check.on}; only "
            f"{check.tolerance:g} can be rounding. No number of this installation can be trusted: install the pinned "
            "requirements again (make install), run the tests, and report it if it stays."
        )
    return check
