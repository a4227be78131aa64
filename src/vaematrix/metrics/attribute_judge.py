"""Do samples show the attributes that were asked for? A linear classifier of pixels judges.

An attribute that too few images have, or lack, is left out by name: neither can be learnt or judged from a handful.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vaematrix.common.images import read_metadata, read_table
from vaematrix.common.vectors import vectors_of, write_vectors

FEWEST = 10  # images with an attribute, and images without it
_COMPONENTS = 300
_JUDGE_C = 0.001  # of scikit-learn: the inverse strength of the L2 penalty


def judgeable(*splits: np.ndarray) -> np.ndarray:
    """Which attributes have at least :data:`FEWEST` of both classes in every split. Args: bool [n, k] each."""
    return np.all([np.minimum(y.sum(0), (~y).sum(0)) >= FEWEST for y in splits], axis=0)


@dataclass(frozen=True)
class Judge:
    """A linear classifier of pixels for each attribute, and how well it knows real faces of the evaluation split.

    Attributes:
        names: the attributes it can judge; skipped: those with too few faces of a class.
        weights: float32 [len(names), height·width·3], of values in [0, 1]. bias: float32 [len(names)].
        auc: of real faces, float64 [len(names)].
        shown: the share of real faces judged to have the attribute, float64 [len(names), 2]: of those that lack it and
            of those that have it.
        about: what it was trained on.
    """

    names: tuple[str, ...]
    skipped: tuple[str, ...]
    weights: np.ndarray
    bias: np.ndarray
    auc: np.ndarray
    shown: np.ndarray
    about: dict[str, Any]

    def scores(self, images: np.ndarray) -> np.ndarray:
        """The log odds of each attribute, float32 [n, len(names)]; above 0 it is shown. Args: uint8 [n, h, w, 3]."""
        return _log_odds(images, self.weights, self.bias)


def _log_odds(images: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    parts = (images[start : start + 1024] for start in range(0, len(images), 1024))
    return np.concatenate([_flat(part) @ weights.T + bias for part in parts])


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def train_judge(
    train: np.ndarray, y_train: np.ndarray, test: np.ndarray, y_test: np.ndarray, names: Sequence[str], seed: int
) -> Judge:
    """Learn to see attributes in training faces, and try it on the evaluation split.

    A logistic regression with balanced classes on 300 whitened principal components, written as weights of pixels. It
    is linear so that it takes seconds and looks at whole faces, which blurred samples keep; a small multilayer
    perceptron on the same components was no better.

    Args:
        train, test: uint8 [n, h, w, 3] and [m, h, w, 3]. y_train, y_test: bool [n, k] and [m, k].
        names: the k attributes.
        seed: of scikit-learn's randomised PCA.
    """
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    known = judgeable(y_train, y_test)
    components = min(_COMPONENTS, len(train) - 1, train[0].size)
    # copy=False: centring in place halves the memory.
    pca = PCA(components, whiten=True, svd_solver="randomized", random_state=seed, copy=False)
    x = pca.fit_transform(_flat(train))
    model = LogisticRegression(C=_JUDGE_C, class_weight="balanced", max_iter=1000)
    whitening = pca.components_ / np.sqrt(pca.explained_variance_)[:, None]
    weights = np.empty((known.sum(), whitening.shape[1]), np.float32)
    bias = np.empty(len(weights), np.float32)
    for row, y in enumerate(y_train.T[known]):
        model.fit(x, y)
        weights[row] = model.coef_[0] @ whitening
        bias[row] = model.intercept_[0] - weights[row] @ pca.mean_
    scores = _log_odds(test, weights, bias)
    auc = np.array([roc_auc_score(y, s) for y, s in zip(y_test.T[known], scores.T, strict=True)])
    about = {"trained_on": len(train), "components": components, "judged_on": len(test)}
    return Judge(
        tuple(np.array(names)[known]),
        tuple(np.array(names)[~known]),
        weights,
        bias,
        auc,
        shares_shown(scores, y_test[:, known]),
        about,
    )


def shares_shown(scores: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Of each attribute the share of images judged to show it: of those that should not, and of those that should.

    Half of (1 - the first) + the second is the balanced accuracy: 1/2 for who does not care what was asked for.

    Args:
        scores: log odds [n, k]. asked: bool [n, k], both classes present.

    Returns:
        float64 [k, 2].
    """
    shown = scores > 0
    return np.stack([(shown & group).sum(0) / group.sum(0) for group in (~asked, asked)], axis=1)


def balanced(shown: np.ndarray) -> np.ndarray:
    """The balanced accuracies, float64 [k], of what :func:`shares_shown` gives."""
    return (1 - shown[:, 0] + shown[:, 1]) / 2


def save_judge(path: str | Path, judge: Judge, metadata: dict[str, Any]) -> None:
    """Write a judge as parquet, one row an attribute."""
    columns = {
        "attribute": pa.array(judge.names, pa.string()),
        "bias": judge.bias,
        "auc": judge.auc,
        "shown_without": judge.shown[:, 0],
        "shown_with": judge.shown[:, 1],
    }
    about = {"vaematrix.about": judge.about, "vaematrix.skipped": judge.skipped, **metadata}
    write_vectors(path, columns, {"weights": judge.weights}, about)


def load_judge(path: str | Path) -> Judge:
    """Read what :func:`save_judge` wrote."""
    table, stored = read_table(path), read_metadata(path)
    columns = {name: table[name].to_numpy() for name in ("bias", "auc", "shown_without", "shown_with")}
    return Judge(
        tuple(table["attribute"].to_pylist()),
        tuple(stored["vaematrix.skipped"]),
        vectors_of(table, "weights"),
        columns["bias"],
        columns["auc"],
        np.stack([columns["shown_without"], columns["shown_with"]], axis=1),
        stored["vaematrix.about"],
    )
