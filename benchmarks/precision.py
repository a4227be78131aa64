"""Whether bfloat16 autocast, the precision on a GPU, ends where float32 ends: within what another seed changes.

A VAE (conv 32-64-128-256, latent 64, batch 64) is trained from three seeds in both precisions for a few epochs. "ours"
is the largest difference between the precisions at one seed, "seeds" the range of float32 over the seeds: of the loss
and the KL of the validation split, and of the MSE of its reconstructions from sampled codes. Validation is in float32.

The faces are those in $VAEMATRIX_FACES, a folder in CelebA's layout, else drawn ones.
"""

import os
import tempfile
from pathlib import Path
from unittest import mock

import harness
import numpy as np
import torch
from harness import CROP, Case, Row, Target

from vaematrix.data.batches import Batches
from vaematrix.data.decode import decode_face
from vaematrix.data.layout import locate, open_images
from vaematrix.models import weights
from vaematrix.models.architecture import Network
from vaematrix.training import loop as training
from vaematrix.training import precision as mixed_precision
from vaematrix.training.loop import Settings
from vaematrix.training.validation import validate

MEASURES = {"valid_loss": "validation loss, nats", "valid_kl": "KL, nats", "valid_mse": "MSE on [0, 1]"}
VALID = 800


def main() -> None:
    options = harness.options(__doc__)
    device = harness.device(options.gpu)
    seeds, epochs, most = (2, 1, 256) if options.quick else (3, 5, 7200)
    faces, real = images(most)
    train, valid = (
        Batches(part, np.zeros((len(part), 40), bool), device) for part in np.split(faces, [-min(VALID, most // 4)])
    )
    ends = {
        precision: [end(seed, precision, train, valid, epochs, device) for seed in range(seeds)]
        for precision in (torch.float32, torch.bfloat16)
    }
    sizes = f"{len(train)} {'real' if real else 'drawn'} faces, {epochs} epochs, {seeds} seeds"
    row = Row("precision", "difference", "lower", sizes, options)
    for key, name in MEASURES.items():
        single, half = (np.array([record[key] for record in ends[precision]]) for precision in ends)
        sides = {"ours": [float(abs(half - single).max())], "seeds": [float(np.ptp(single))]}
        row.cases.append(Case(name, sides, [Target("ours / seeds", "<=", 1)]))
    harness.write(row)


def images(most: int) -> tuple[np.ndarray, bool]:
    """At most so many faces, uint8 [n, 64, 64, 3], and whether they are real ones."""
    folder = os.environ.get("VAEMATRIX_FACES")
    if not folder:
        return harness.decoded(harness.face_files(min(most, harness.DRAWN))), False
    with open_images(locate(Path(folder))) as source:
        return np.stack([decode_face(source.read(name), CROP, 64) for name in source.members()[:most]]), True


def end(
    seed: int, precision: torch.dtype, train: Batches, valid: Batches, epochs: int, device: torch.device
) -> dict[str, float]:
    """The validation after the last epoch."""
    torch.manual_seed(seed)
    model = weights.build("vae", Network(64, (32, 64, 128, 256), 64, 40), None, {}).to(device)
    settings = Settings(epochs, 64, 1e-3)
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with mock.patch.object(mixed_precision, "autocast", return_value=autocast):
            training.train(model, train, valid, settings, seed, folder / "checkpoint", folder / "history.jsonl")
    with mock.patch.object(mixed_precision, "autocast", return_value=torch.autocast(device.type, enabled=False)):
        return validate(model, valid, settings.batch_size)


if __name__ == "__main__":
    main()
