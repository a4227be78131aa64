"""How training speed changes as the work grows: images/s over batch size, size of the split, and width.

Batch and split with conv 32-64-128-256 (a GPU: 128-256-512-1024), widths at batch 64. Each point is some steps of
training as the workflow does them; the images of a step are drawn from all of the split, however large it is.

Limit: "matrix limit" as in training.py. A picture goes to docs/scaling.png (docs/scaling-gpu.png with --gpu).
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import harness
import numpy as np
from harness import Case, Row
from matplotlib.figure import Figure
from torch import Tensor

from training import NARROW, WIDE, epoch, matrix_limit
from vaematrix.data.batches import Batches
from vaematrix.models import weights
from vaematrix.models.architecture import Network
from vaematrix.reporting.figures.style import PALETTE, styled

SPLIT = 10_000


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 3
    row = Row("scaling", "images/s", "higher", f"64x64, latent 64; up to {rounds} rounds", options)
    curves: dict[str, list[tuple[int, Case]]] = {"batch size": [], "images in the split": [], "innermost width": []}
    for curve, value, widths, batch, images in points(options.gpu, options.quick):
        network = Network(64, widths, 64, 40)
        sides = {
            "ours": ours(network, batch, images, 20 * batch if options.gpu else max(2 * batch, 256), options.gpu),
            "matrix limit": matrix_limit(network, options.gpu),
        }
        case = Case(f"{curve} {value}", harness.alternate(sides, rounds))
        curves[curve].append((value, case))
        row.cases.append(case)
        print(f"{case.case}: {np.median(case.sides['ours']):.0f} images/s", flush=True)
    harness.write(row)
    if not options.quick:
        draw(curves, harness.HERE.parent / "docs" / f"scaling{'-gpu' * options.gpu}.png")


def points(gpu: bool, quick: bool) -> Iterator[tuple[str, int, tuple[int, ...], int, int]]:
    """Curve, value on it, widths, batch size, images in the split."""
    usual = WIDE if gpu else NARROW
    for batch in (16, 64) if quick else (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)[: None if gpu else 6]:
        yield "batch size", batch, usual, batch, SPLIT
    for images in (1_000, 2_000) if quick else (1_000, 10_000, 100_000, 200_000):
        yield "images in the split", images, usual, 64, images
    for factor in (1, 2) if quick else (1, 2, 4, 8, 16):
        yield "innermost width", 64 * factor, tuple(8 * factor * 2**stage for stage in range(4)), 64, SPLIT


class Part(Batches):
    """Every `stride`-th image of a split: an epoch of few steps that still reaches over all of it."""

    def __init__(self, split: Batches, stride: int) -> None:
        self.device, self.images, self.attributes, self.stride = split.device, split.images, split.attributes, stride

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        return super().batch(index * self.stride)

    def __len__(self) -> int:
        return len(self.images) // self.stride


def ours(network: Network, batch: int, images: int, seen: int, gpu: bool) -> Callable[[], float]:
    """Training on about `seen` of `images` images."""
    device = harness.device(gpu)
    model = weights.build("vae", network, None, {}).to(device)
    faces = harness.decoded(harness.face_files(max(images, seen)))
    split, valid = (Batches(part, np.zeros((len(part), 40), bool), device) for part in (faces, faces[:2]))
    part = Part(split, len(faces) // seen)
    return lambda: epoch(model, part, valid, batch)


def draw(curves: dict[str, list[tuple[int, Case]]], path: Path) -> None:
    """The rates over batch size and split on a linear scale from zero; those over widths span decades."""
    with styled():
        figure = Figure(figsize=(10, 3), dpi=120, layout="constrained")
        for panel, (curve, measured) in zip(figure.subplots(1, len(curves)), curves.items(), strict=True):
            values = [value for value, _ in measured]
            for side, style, colour in (("ours", "o-", PALETTE[0]), ("matrix limit", "--", PALETTE[1])):
                rates = np.array([case.sides[side] for _, case in measured])
                panel.plot(values, np.median(rates, axis=1), style, color=colour, label=side)
                panel.fill_between(values, rates.min(1), rates.max(1), alpha=0.2, color=colour)
            panel.set(xscale="log", xlabel=curve, ylabel="images/s")
            panel.set_xticks(values, [f"{value:,}" for value in values], rotation=45)
            if curve == "innermost width":
                panel.set_yscale("log")
            else:
                panel.set_ylim(bottom=0)
            panel.set_xticks([], minor=True)
        panel.legend(frameon=False)
        figure.savefig(path)


if __name__ == "__main__":
    main()
