"""The Fréchet distance of two Gaussians of 2,048 dimensions, seconds: ours beside pytorch-fid's, by scipy's sqrtm.

The covariances are those of 10,000 features each, correlated, their scales over two decades. Where the two distances
differ by more than 1e-6 of their value, the program stops.
"""

from collections.abc import Callable

import harness
import numpy as np
from harness import Case, Row, Target

from vaematrix.metrics import frechet
from vaematrix.metrics.frechet import Statistics


def main() -> None:
    options = harness.options(__doc__)
    rounds, dims = (1, 128) if options.quick else (5, 2048)
    pair = gaussian(0, dims), gaussian(1, dims)
    sides = {"ours": (ours, *pair)}
    if harness.installed("pytorch_fid"):
        sides["pytorch-fid"] = (pytorch_fid, *pair)
        refuse_difference(frechet.distance(*pair), distance_of_pytorch_fid(*pair))
    row = Row("frechet", "s", "lower", f"{dims} dimensions; up to {rounds} rounds", options)
    with harness.apart(sides) as measured:
        values = harness.alternate(measured, rounds)
    row.cases.append(Case(f"{dims}x{dims}", values, [Target("pytorch-fid / ours", ">=", 3)]))
    harness.write(row)


def gaussian(seed: int, dims: int) -> Statistics:
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(dims, dims)) / np.sqrt(dims) * np.logspace(0, -2, dims)
    return frechet.statistics(generator.normal(0.1 * seed, 1, (10_000, dims)) @ mixing.T)


def ours(*pair: Statistics) -> Callable[[], float]:
    return lambda: harness.seconds(lambda: frechet.distance(*pair))


def pytorch_fid(*pair: Statistics) -> Callable[[], float]:
    return lambda: harness.seconds(lambda: distance_of_pytorch_fid(*pair))


def distance_of_pytorch_fid(a: Statistics, b: Statistics) -> float:
    from pytorch_fid.fid_score import calculate_frechet_distance

    return float(calculate_frechet_distance(a.mean, a.covariance, b.mean, b.covariance))


def refuse_difference(ours: float, theirs: float) -> None:
    if abs(ours - theirs) > 1e-6 * theirs:
        raise SystemExit(f"the distances differ: ours {ours!r}, pytorch-fid's {theirs!r}")


if __name__ == "__main__":
    main()
