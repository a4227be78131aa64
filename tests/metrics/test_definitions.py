"""Every evaluation holds SSIM and the Fréchet distance against scikit-image and pytorch-fid."""

import numpy as np
import pytest

from vaematrix.common.errors import UserError
from vaematrix.metrics import definitions
from vaematrix.metrics.definitions import check_frechet, check_ssim
from vaematrix.metrics.frechet import Statistics, statistics
from vaematrix.metrics.reconstruction.ssim import ssim


def pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    originals = np.random.default_rng(0).integers(0, 256, (count, 16, 16, 3), np.uint8)
    return originals, (originals // 2 + 40).astype(np.uint8)


@pytest.mark.parametrize(("count", "checked"), [(100, 16), (16, 16), (5, 5)])
def test_ssim_is_checked_on_sixteen_images(count: int, checked: int) -> None:
    originals, reconstructions = pairs(count)
    check = check_ssim(originals, reconstructions, ssim(originals, reconstructions))
    assert check.difference < 1e-12
    assert check.on == f"{checked} images"
    assert check.against.startswith("scikit-image 0.")


@pytest.mark.parametrize("wrong", [1e-3, np.nan])
def test_another_ssim_is_refused(wrong: float) -> None:
    originals, reconstructions = pairs(40)
    measured = ssim(originals, reconstructions)
    measured[1] += wrong  # not among the 16
    check_ssim(originals, reconstructions, measured)
    measured[2 * 40 // 16] += wrong
    with pytest.raises(UserError, match=r"our SSIM differs by (0\.001|nan) from that of scikit-image .* on 16 images"):
        check_ssim(originals, reconstructions, measured)


def features(count: int, dims: int, seed: int, size: float = 1.0) -> np.ndarray:
    """Correlated, of scales that span two decades, and never negative, as those of networks are."""
    mixing = np.random.default_rng(100 + seed).normal(size=(dims, dims)) / np.sqrt(dims)
    drawn = np.random.default_rng(seed).normal(size=(count, dims)) * np.logspace(0, -2, dims) @ mixing
    return size * np.maximum(drawn, 0).astype(np.float32)


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize(
    ("made", "real"),
    [
        (features(300, 64, 1), features(300, 64, 2)),
        (features(20, 64, 1), features(300, 64, 2)),
        (features(20, 64, 1), features(24, 64, 2)),
        (features(20, 64, 1), features(20, 64, 1)),
        (features(300, 64, 1) * (np.arange(64) > 20), features(300, 64, 2) * (np.arange(64) < 40)),
        (np.repeat(features(1, 64, 1), 300, axis=0), features(300, 64, 2)),
        (np.repeat(features(1, 64, 1), 300, axis=0), np.repeat(features(1, 64, 2), 300, axis=0)),
        (np.zeros((9, 64), np.float32), np.zeros((9, 64), np.float32)),
    ],
    ids=["full rank", "few samples", "few of both", "the same", "dead", "collapsed", "both constant", "nothing"],
)
def test_the_distance_agrees_with_pytorch_fid_singular_or_not(made: np.ndarray, real: np.ndarray, size: float) -> None:
    check = check_frechet(statistics(size * made), statistics(size * real))
    assert check.difference < check.tolerance / 10
    assert check.on == "all 64 dimensions"


def test_of_many_dimensions_the_first_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "WHOLE_DIMS", 32)
    monkeypatch.setattr(definitions, "FIRST_DIMS", 8)
    check = check_frechet(statistics(features(100, 40, 1)), statistics(features(100, 40, 2)))
    assert (check.on, check.difference < 1e-12) == ("the first 8 dimensions", True)
    assert check_frechet(statistics(features(100, 32, 1)), statistics(features(100, 32, 2))).on == "all 32 dimensions"


def test_another_distance_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    distance = definitions.frechet.distance

    def slightly_wrong(a: Statistics, b: Statistics) -> float:
        return distance(a, b) * 1.001

    monkeypatch.setattr(definitions.frechet, "distance", slightly_wrong)
    with pytest.raises(UserError, match=r"our Fréchet distance differs by .* from that of pytorch-fid 0\."):
        check_frechet(statistics(features(100, 8, 1)), statistics(features(100, 8, 2)))
