"""The Fréchet distance of two sets of features, each taken for a Gaussian (Dowson and Landau 1982; Heusel et al. 2017):

    d² = ‖μ₁ - μ₂‖² + tr Σ₁ + tr Σ₂ - 2 tr (Σ₁Σ₂)^½

pytorch-fid's definition, and its files. With fewer images than dimensions the covariances are singular, and the
distance is biased upwards by about 1/n: the count belongs to the result.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg

from vaematrix.common.errors import UserError
from vaematrix.common.files import written_whole


@dataclass(frozen=True)
class Statistics:
    """What the distance needs to know of a set of features.

    Attributes:
        mean: float64 [dims].
        covariance: float64 [dims, dims], with n - 1 in the denominator.
        count: images behind it; None where a file of the pytorch-fid program does not say.
        identity: what made the features (`FeatureNetwork.identity`); None where a file does not say.
    """

    mean: np.ndarray
    covariance: np.ndarray
    count: int | None
    identity: dict[str, Any] | None


def statistics(features: np.ndarray, identity: dict[str, Any] | None = None) -> Statistics:
    """Mean and covariance, in float64, of features [n, dims] with n >= 2."""
    features = np.asarray(features, dtype=np.float64)
    if features.ndim != 2 or len(features) < 2:
        raise ValueError(f"a covariance needs features [n, dims] of at least two images, not {list(features.shape)}")
    if not np.isfinite(features).all():
        raise ValueError("the features are not all finite")
    return Statistics(features.mean(axis=0), np.cov(features, rowvar=False), len(features), identity)


def save(path: str | Path, of: Statistics) -> None:
    """Write an .npz that the pytorch-fid program reads: its keys mu and sigma, and count and identity beside them."""
    extra: dict[str, Any] = {} if of.count is None else {"count": np.int64(of.count)}
    if of.identity is not None:
        extra["identity"] = np.array(json.dumps(of.identity))
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, mu=of.mean, sigma=of.covariance, **extra)


def load(path: str | Path, identity: dict[str, Any] | None = None) -> Statistics:
    """Read an .npz made by :func:`save` or by `python -m pytorch_fid --save-stats`.

    Args:
        path: the file.
        identity: what made the features, for a file that does not say it itself.

    Raises:
        UserError: the file is no such archive, or says another identity than the one given.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, covariance = file["mu"].astype(np.float64), file["sigma"].astype(np.float64)
            count = int(file["count"]) if "count" in file else None
            stored = json.loads(str(file["identity"])) if "identity" in file else None
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file of Fréchet statistics") from error
    except Exception as error:  # a broken zip, a missing key, a pickle: numpy has many words for it
        raise UserError(f"{path}: not an .npz of Fréchet statistics with mu and sigma ({error})") from error
    if covariance.shape != (*mean.shape, *mean.shape):
        raise UserError(f"{path}: mu {list(mean.shape)} and sigma {list(covariance.shape)} do not belong together")
    if stored and identity and stored != identity:
        raise UserError(
            f"{path}: made with {_words(stored)}, not with {_words(identity)}; delete it to have it made anew"
        )
    return Statistics(mean, covariance, count, stored or identity)


def reference(path: str | Path, identity: dict[str, Any], count: int) -> Statistics:
    """The statistics of the evaluation split.

    Raises:
        UserError: they are not of this identity and so many images.
    """
    found = load(path, identity)
    if found.count != count:
        raise UserError(f"{path} is of {found.count} images, not of the {count} here. Delete it.")
    return found


def distance(a: Statistics, b: Statistics) -> float:
    """The squared Fréchet distance d², the number that FID is; 0 up to rounding for equal statistics.

    Σ₁Σ₂ has the eigenvalues of the symmetric RᵀΣ₂R with RRᵀ = Σ₁, and the trace of its square root is the sum of
    theirs. That is exact for singular covariances too, and needs no matrix square root.

    Raises:
        UserError: the two were made by different networks, weights or layers, or one does not say by which.
    """
    if a.identity != b.identity:
        raise UserError(
            f"statistics of different features cannot be compared: {_words(a.identity)} against {_words(b.identity)}. "
            "Make both with the same network, weights and dims"
        )
    if a.mean.shape != b.mean.shape:
        raise ValueError(f"features of {len(a.mean)} and {len(b.mean)} dimensions")
    root = root_of(a.covariance)
    roots = np.sqrt(np.maximum(linalg.eigvalsh(root.T @ b.covariance @ root), 0))
    difference = a.mean - b.mean
    return float(difference @ difference + np.trace(a.covariance) + np.trace(b.covariance) - 2 * roots.sum())


def root_of(covariance: np.ndarray) -> np.ndarray:
    """R with RRᵀ = covariance, singular or not; both float64 [dims, dims]."""
    eigenvalues, vectors = linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(eigenvalues, 0))


def _words(identity: dict[str, Any] | None) -> str:
    if identity is None:
        return "features of unknown origin"
    return ", ".join(f"{key} {value}" for key, value in identity.items())
