"""Faces made worse in ways that an eye puts in order, and what distances of features say of them."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from vaematrix.data.decode import decode_face
from vaematrix.data.layout import locate, open_images
from vaematrix.metrics import frechet
from vaematrix.metrics.feature_distance import feature_distance
from vaematrix.metrics.features import FeatureNetwork

Images = np.ndarray  # uint8 [n, height, width, 3]

# Of each kind from mild to severe.
GRADED = {
    "blur, σ in pixels": (0.5, 1, 2, 4),
    "noise, sd in levels": (5, 13, 26, 51),
    "JPEG, quality": (75, 50, 25, 10),
    "PCA, components": (128, 64, 16),
    "shuffled tiles, side": (32, 16, 8),
}
HARMLESS = ("20 levels brighter", "mirrored", "2 pixels to the right")
RUINED = ("upside down", "mean face")


def first_faces(folder: Path, count: int) -> Images:
    """The first faces of a folder in CelebA's layout, their centre 140 x 140 at 64 x 64."""
    with open_images(locate(folder)) as images:
        return np.stack([decode_face(images.read(name), 140, 64) for name in sorted(images.members())[:count]])


def seen(network: FeatureNetwork, faces: Images) -> dict[str, dict[str, float]]:
    """The Fréchet distance and the paired distance of every distorted version of faces, by name.

    As samples and reconstructions are measured: the second quarter of `faces`, distorted, against the first, which are
    others; and each of them against itself. Mean and principal components are those of the other half.
    """
    count = len(faces) // 4
    reference = frechet.statistics(network.features(faces[:count]))
    originals = network.features(faces[count : 2 * count])
    found: dict[str, dict[str, float]] = {"frechet": {}, "paired": {}}
    for name, images in distorted(faces[count : 2 * count], faces[2 * count :]).items():
        features = network.features(images)
        found["frechet"][name] = frechet.distance(frechet.statistics(features), reference)
        found["paired"][name] = float(feature_distance(originals, features).mean())
    found["paired"]["another face"] = float(feature_distance(originals, np.roll(originals, 1, axis=0)).mean())
    return found


def distorted(faces: Images, train: Images) -> dict[str, Images]:
    """The faces themselves and every distorted version of them, by name.

    Args:
        train: other faces, of which the mean and the principal components are taken.
    """
    exact, noise = faces / 255, np.random.default_rng(0).normal(size=faces.shape)
    grades: dict[str, Callable[[float], Images]] = {
        "blur, σ in pixels": lambda sigma: _rounded(gaussian_filter(exact, (0, sigma, sigma, 0))),
        "noise, sd in levels": lambda sd: _rounded(exact + sd / 255 * noise),
        "JPEG, quality": lambda quality: np.stack([_jpeg(face, int(quality)) for face in faces]),
        "PCA, components": _projection(faces, train),
        "shuffled tiles, side": lambda side: _shuffled(faces, int(side)),
    }
    versions = {f"{kind} {grade:g}": grades[kind](grade) for kind, all_of in GRADED.items() for grade in all_of}
    return {
        "as they are": faces,
        "20 levels brighter": _rounded(exact + 20 / 255),
        "mirrored": faces[:, :, ::-1],
        "2 pixels to the right": np.concatenate([faces[:, :, :1], faces[:, :, :1], faces[:, :, :-2]], axis=2),
        **versions,
        "upside down": faces[:, ::-1],
        "mean face": np.repeat(_rounded(train.mean(axis=0, keepdims=True) / 255), len(faces), axis=0),
    }


def _rounded(exact: np.ndarray) -> Images:
    return np.rint(255 * exact.clip(0, 1)).astype(np.uint8)


def _jpeg(face: Images, quality: int) -> Images:
    file = io.BytesIO()
    Image.fromarray(face).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def _projection(faces: Images, train: Images) -> Callable[[float], Images]:
    """Onto the first principal components of `train`, and back."""
    flat, others = (images.reshape(len(images), -1).astype(np.float32) for images in (faces, train))
    most = max(GRADED["PCA, components"])
    pca = PCA(int(most), svd_solver="randomized", random_state=0).fit(others)
    codes = pca.transform(flat)

    def project(components: float) -> Images:
        kept = int(components)
        return _rounded((codes[:, :kept] @ pca.components_[:kept] + pca.mean_).reshape(faces.shape) / 255)

    return project


def _shuffled(faces: Images, side: int) -> Images:
    """Each face cut into square tiles, which change places."""
    generator, (count, height, width, channels) = np.random.default_rng(0), faces.shape
    tiles = faces.reshape(count, height // side, side, width // side, side, channels).swapaxes(2, 3)
    flat = tiles.reshape(count, -1, side, side, channels)
    mixed = np.stack([face[generator.permutation(len(face))] for face in flat])
    return mixed.reshape(tiles.shape).swapaxes(2, 3).reshape(faces.shape)
