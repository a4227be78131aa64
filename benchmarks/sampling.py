"""Sampling, images/s: ours beside pythae's NormalSampler, from latent codes drawn from N(0, I) to images on the disk.

Both decode with the same network in float32. Ours writes one parquet file, pythae one PNG an image, as both do for
their users.

Limit: "forward pass", the decoder alone on codes that are there, with nothing quantised, fetched or written.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

import harness
import numpy as np
import peers
import torch
from harness import Case, Row, Target

from vaematrix.common.images import write_images
from vaematrix.generation import codec
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.prior import draw_prior
from vaematrix.models import weights
from vaematrix.models.architecture import Network

NARROW, WIDE = (32, 64, 128, 256), (128, 256, 512, 1024)


def main() -> None:
    options = harness.options(__doc__)
    rounds = 1 if options.quick else 5
    counts = {NARROW: 10_000, WIDE: 10_000 if options.gpu else 2_000}
    if options.quick:
        counts = dict.fromkeys(counts, 300)
    sizes = f"64x64, latent 64; up to {rounds} rounds of {counts[NARROW]} images narrow, {counts[WIDE]} wide"
    row = Row("sampling", "images/s", "higher", sizes, options)
    for widths, count in counts.items():
        case = Network(64, widths, 64, 40), count, options.gpu
        sides = {"ours": (ours, *case)}
        if harness.installed("pythae"):
            sides["pythae"] = (pythae, *case)
        sides["forward pass"] = (forward_pass, *case)
        with harness.apart(sides) as measured:
            values = harness.alternate(measured, rounds)
        targets = [Target("ours / pythae", ">=", 10 if options.gpu else 2)]
        row.cases.append(Case("-".join(map(str, widths)), values, targets))
    harness.write(row)


def ours(network: Network, count: int, gpu: bool) -> Callable[[], float]:
    model = weights.build("vae", network, None, {}).eval().to(harness.device(gpu))
    attributes = np.zeros((100, 40), bool)

    def sample() -> None:
        with tempfile.TemporaryDirectory() as folder:
            drawn = draw_attributes(attributes, count, seed=0)
            images = codec.decode(model, draw_prior(model, drawn, seed=0), drawn)
            write_images(Path(folder) / "samples.parquet", images, {}, {})

    return lambda: count / harness.seconds(sample)


def pythae(network: Network, count: int, gpu: bool) -> Callable[[], float]:
    from pythae.samplers import NormalSampler

    harness.device(gpu)
    sampler = NormalSampler(peers.pythae_vae(network))

    def sample() -> None:
        with tempfile.TemporaryDirectory() as folder:
            sampler.sample(num_samples=count, output_dir=folder)

    return lambda: count / harness.seconds(sample)


def forward_pass(network: Network, count: int, gpu: bool) -> Callable[[], float]:
    device = harness.device(gpu)
    model = weights.build("vae", network, None, {}).eval().to(device)
    codes, attributes = torch.randn(count, network.latent, device=device), torch.zeros(count, 40, device=device)

    @torch.inference_mode()
    def decode() -> None:
        for z, y in zip(codes.split(codec.BATCH), attributes.split(codec.BATCH), strict=True):
            model.decode(z, y)

    return lambda: count / harness.seconds(decode)


if __name__ == "__main__":
    main()
