"""MSE and PSNR against hand computations, and what evaluate_pairs makes of them."""

import json
import subprocess
import sys

import numpy as np
import pyarrow
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from vaematrix.common.records import as_json
from vaematrix.metrics.reconstruction import evaluate_pairs, reconstruction_metrics
from vaematrix.metrics.reconstruction.mse import mse_01, mse_pm1
from vaematrix.metrics.reconstruction.psnr import psnr


def _pairs(count: int, seed: int = 0, size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    originals = generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    noisy = originals + generator.normal(0, 25, originals.shape)
    return originals, noisy.clip(0, 255).astype(np.uint8)


def test_mse_by_hand() -> None:
    black = np.zeros((3, 2, 2, 3), np.uint8)
    other = black.copy()
    other[0] = 255  # the largest difference there is
    other[1, 0, 0, 0] = 51  # a fifth, in one of 12 values
    assert mse_01(black, other) == pytest.approx([1, 0.04 / 12, 0], rel=1e-15)
    assert mse_pm1(black, other) == pytest.approx([4, 0.16 / 12, 0], rel=1e-15)


def test_mse_on_both_scales_from_normalised_images() -> None:
    a, b = _pairs(5)
    on_01 = ((a / 255 - b / 255) ** 2).mean(axis=(1, 2, 3))
    on_pm1 = (((a / 127.5 - 1) - (b / 127.5 - 1)) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(mse_01(a, b), on_01, rtol=1e-12)
    np.testing.assert_allclose(mse_pm1(a, b), on_pm1, rtol=1e-12)


def test_psnr_is_scikit_images() -> None:
    a, b = _pairs(5)
    expected = [peak_signal_noise_ratio(x, y, data_range=255) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(psnr(a, b), expected, rtol=1e-12)


def test_psnr_of_identical_images_is_that_of_one_level_in_one_value() -> None:
    a = np.full((1, 64, 64, 3), 7, np.uint8)
    nearly = a.copy()
    nearly[0, 0, 0, 0] = 8
    np.testing.assert_allclose([psnr(a, a), psnr(a, nearly)], 10 * np.log10(255**2 * 12288), rtol=1e-12)


def test_evaluate_pairs_gives_complete_entries() -> None:
    a, b = _pairs(40)  # more than are computed at one time
    entries, values = evaluate_pairs(a, b, resamples=200, confidence=0.95, seed=3)
    assert list(entries) == list(values) == ["mse_01", "mse_pm1", "psnr", "ssim"]
    for key, entry in entries.items():
        assert set(as_json(entry)) == {"value", "low", "high", "count", "label", "scale", "better", "about"}
        assert entry.low < entry.value < entry.high
        assert entry.value == pytest.approx(values[key].mean(), rel=1e-15)
        assert (entry.count, entry.about, values[key].shape) == (40, "reconstruction", (40,))
    assert entries["mse_pm1"].value == pytest.approx(4 * entries["mse_01"].value)
    np.testing.assert_allclose(values["psnr"], psnr(a, b), rtol=1e-14)
    json.dumps(as_json(entries), allow_nan=False)
    assert evaluate_pairs(a, b, resamples=200, confidence=0.95, seed=3)[0] == entries


def test_the_threads_change_nothing() -> None:
    a, b = _pairs(100)
    before = pyarrow.cpu_count()
    try:
        pyarrow.set_cpu_count(1)
        alone = {metric.key: metric(a, b) for metric in reconstruction_metrics()}
        pyarrow.set_cpu_count(3)
        for metric in reconstruction_metrics():
            np.testing.assert_array_equal(metric(a, b), alone[metric.key])
    finally:
        pyarrow.set_cpu_count(before)


def test_a_metric_of_tensors_is_computed_on_the_device() -> None:
    """The meta device, which computes nothing, stands for a GPU that is not there."""
    metric = next(metric for metric in reconstruction_metrics() if metric.key == "ssim")
    a, b = _pairs(3)
    with pytest.raises(NotImplementedError, match="meta"):
        metric(a, b, torch.device("meta"))
    np.testing.assert_array_equal(metric(a, b, torch.device("cpu")), metric(a, b))


def test_labels_scales_and_directions() -> None:
    said = {metric.key: (metric.label, metric.scale, metric.better) for metric in reconstruction_metrics()}
    assert said == {
        "mse_01": ("MSE", "on [0, 1]", "lower"),
        "mse_pm1": ("MSE", "on [-1, 1]", "lower"),
        "psnr": ("PSNR, mean over images", "dB", "higher"),
        "ssim": ("SSIM", "", "higher"),
    }


def test_mismatched_images_are_refused() -> None:
    a, b = _pairs(3)
    with pytest.raises(ValueError, match="one shape"):
        evaluate_pairs(a, b[:2], resamples=10, confidence=0.9, seed=0)
    with pytest.raises(ValueError, match="uint8"):
        evaluate_pairs(a / 255, b, resamples=10, confidence=0.9, seed=0)


def test_a_file_in_the_folder_is_a_metric(tmp_path, monkeypatch) -> None:
    import vaematrix.metrics.reconstruction as package

    (tmp_path / "largest.py").write_text(
        "from vaematrix.metrics.reconstruction import ReconstructionMetric\n"
        "def largest(a, b):\n    return abs(a.astype(float) - b).max(axis=(1, 2, 3))\n"
        "METRICS = (ReconstructionMetric('largest', 'Largest error', 'levels', 'lower', largest),)\n"
    )
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    a, b = _pairs(3)
    entries, values = evaluate_pairs(a, b, resamples=20, confidence=0.9, seed=0)
    sys.modules.pop("vaematrix.metrics.reconstruction.largest")
    assert entries["largest"].label == "Largest error"
    assert values["largest"].tolist() == [abs(x.astype(int) - y).max() for x, y in zip(a, b, strict=True)]


def test_reconstruction_metrics_need_no_torch() -> None:
    code = (
        "import sys; import vaematrix.metrics.reconstruction as m; m.reconstruction_metrics(); "
        "import vaematrix.metrics.frechet, vaematrix.metrics.inception_weights; "
        "print({'torch', 'torchvision', 'sklearn', 'skimage'} & set(sys.modules))"
    )
    folder = str(next(path for path in sys.path if path.endswith("src")))
    printed = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.append({folder!r}); {code}"], capture_output=True
    )
    assert printed.stdout.decode().strip() == "set()", printed.stderr.decode()
