"""SSIM, pairs of images a second: ours beside scikit-image's structural_similarity in a loop.

The pairs are faces of 64x64 and the same faces blurred. Ours runs on one thread and on as many as there are cores, or
on the GPU; scikit-image knows one thread. Where a value differs by more than 1e-5, the program stops.

Limit: "bytes", both images of a pair read once and as much written, at the measured copy rate.
"""

from collections.abc import Callable

import harness
import numpy as np
import pyarrow
from harness import Case, Row, Target
from scipy.ndimage import gaussian_filter

from vaematrix.metrics.reconstruction.ssim import METRICS


def main() -> None:
    options = harness.options(__doc__)
    rounds, count = (1, 32) if options.quick else (5, 1024)
    images = harness.decoded(harness.face_files(count))
    pair = images, gaussian_filter(images, (0, 1, 1, 0))
    sides = {"ours": (ours, *pair, harness.CORES, options.gpu)}
    if options.gpu:
        repeated = (np.tile(images, (32, 1, 1, 1)) for images in pair)
        sides["ours"] = (ours, *repeated, harness.CORES, True)
    else:
        sides["ours, one thread"] = (ours, *pair, 1, False)
    if harness.installed("skimage"):
        sides["scikit-image"] = (scikit_image, *pair)
        refuse_difference(*pair, options.gpu)
    sides["bytes"] = (reading, 2 * images[0].nbytes, options.gpu)
    row = Row("ssim", "pairs/s", "higher", f"{count} pairs of 64x64; up to {rounds} rounds", options)
    with harness.apart(sides) as measured:
        values = harness.alternate(measured, rounds)
    target = Target("ours / scikit-image", ">=", 1000 if options.gpu else 5)
    row.cases.append(Case("Gaussian window", values, [target]))
    harness.write(row)


def ours(a: np.ndarray, b: np.ndarray, threads: int, gpu: bool) -> Callable[[], float]:
    pyarrow.set_cpu_count(threads)
    device = harness.device(gpu)
    return lambda: len(a) / harness.seconds(lambda: METRICS[0](a, b, device))


def scikit_image(a: np.ndarray, b: np.ndarray) -> Callable[[], float]:
    return lambda: len(a) / harness.seconds(lambda: by_scikit_image(a, b))


def by_scikit_image(a: np.ndarray, b: np.ndarray) -> list[float]:
    from skimage.metrics import structural_similarity

    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    return [structural_similarity(x / 255, y / 255, channel_axis=-1, **settings) for x, y in zip(a, b, strict=True)]


def refuse_difference(a: np.ndarray, b: np.ndarray, gpu: bool) -> None:
    difference = abs(METRICS[0](a, b, harness.device(gpu)) - by_scikit_image(a, b)).max()
    if difference > 1e-5:
        raise SystemExit(f"ours and scikit-image's differ by up to {difference}")


def reading(bytes_of_a_pair: int, gpu: bool) -> Callable[[], float]:
    device = harness.device(gpu)
    return lambda: harness.copy_rate(device) / bytes_of_a_pair


if __name__ == "__main__":
    main()
