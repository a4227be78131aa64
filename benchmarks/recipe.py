"""What each part of the shared training recipe does alone, and all together: docs/results/recipe.json.

    .venv/bin/python benchmarks/recipe.py resources/celeba8k/*/shard-*.parquet

A VAE with calibrated sigma at the small budget of config/celeba8k.yaml (12 epochs of batches of 128, widths
32-64-128-256, latent 64) is trained from three seeds with every variant, and judged on the validation split, so that
the test split has no part in what is kept. Finished trainings stay in the file; what is missing is trained. Each takes
one thread, so that as many go on at a time as there are cores.
"""

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from vaematrix.common import provenance
from vaematrix.common.files import read_json, write_json
from vaematrix.data.batches import Batches
from vaematrix.data.shards import Faces, read_faces
from vaematrix.generation.codec import decode, encode
from vaematrix.generation.whiten import whiten
from vaematrix.metrics import frechet
from vaematrix.metrics.features import load_network
from vaematrix.metrics.floors import pca_reconstructions
from vaematrix.metrics.latent import aggregated, draw_codes
from vaematrix.metrics.reconstruction.mse import mse_01
from vaematrix.metrics.reconstruction.ssim import ssim
from vaematrix.models import weights
from vaematrix.models.architecture import Network
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings

RESULTS = Path(__file__).resolve().parents[1] / "docs/results/recipe.json"
EPOCHS, BATCH, RATE, WIDTHS, LATENT = 12, 128, 1e-3, (32, 64, 128, 256), 64
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mirrored images": {"flip": True},
    "averaged weights": {"average": 0.1},
    "warm-up and cosine": {"warmup": 0.05, "decay": "cosine"},
    "warm-up and four times the rate": {"warmup": 0.05, "learning_rate": 4 * RATE},
    "all but the cosine": {"warmup": 0.05, "learning_rate": 4 * RATE, "flip": True, "average": 0.1},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shards", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS, metavar="VARIANT")
    parser.add_argument("--threads", type=int, default=1, help="of each training")
    options = parser.parse_args()
    results = read_json(RESULTS) if RESULTS.exists() else {"runs": []}
    done = {(run["variant"], run["seed"]) for run in results["runs"]}
    left = [(name, seed) for seed in options.seeds for name in options.variants if (name, seed) not in done]
    results |= {"machine": provenance.device_name(torch.device("cpu")), "versions": provenance.versions()}
    results["pca"] = results.get("pca") or pca(options.shards)
    workers = max(1, (os.cpu_count() or 1) // options.threads)
    with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=[options.threads]) as pool:
        waiting = [pool.submit(run, name, seed, options.shards) for name, seed in left]
        for finished in tqdm(as_completed(waiting), total=len(waiting), unit="training"):
            results["runs"].append(finished.result())
            results["runs"].sort(key=lambda run: (list(VARIANTS).index(run["variant"]), run["seed"]))
            write_json(RESULTS, results)


def run(variant: str, seed: int, shards: list[Path]) -> dict[str, Any]:
    """Train one variant from one seed, and measure it on the validation split."""
    train, valid = (read_faces(shards, split) for split in ("train", "valid"))
    settings = Settings(**({"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": RATE} | VARIANTS[variant]))
    torch.manual_seed(seed)
    network = Network(train.images.shape[1], WIDTHS, LATENT, train.attributes.shape[1])
    model = weights.build("vae", network, None, {})
    batches = [Batches(faces.images, faces.attributes, torch.device("cpu")) for faces in (train, valid)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        training.train(model, *batches, settings, seed, folder, folder / "history.jsonl")
    return {"variant": variant, "seed": seed, **measured(model.eval(), train, valid)}


def measured(model: training.Autoencoder, train: Faces, valid: Faces) -> dict[str, float]:
    """Reconstructions of the validation split, and as many samples of the prior before and after whitening."""
    mean, _ = encode(model, valid.images, valid.attributes)
    codes = np.random.default_rng(0).standard_normal(mean.shape, dtype=np.float32)
    rebuilt, samples = decode(model, mean, valid.attributes), decode(model, codes, valid.attributes)
    train_mean, train_deviation = encode(model, train.images, train.attributes)
    train_mse = float(mse_01(train.images, decode(model, train_mean, train.attributes)).mean())
    variance = float(aggregated(draw_codes(train_mean, train_deviation**2, seed=0)).variance)
    whiten(model, train.images, train.attributes)
    whitened = decode(model, codes, valid.attributes)
    judge = Judge(valid)
    return {
        **judge.compared(rebuilt),
        "samples": judge.distance(samples),
        "samples_whitened": judge.distance(whitened),
        "train_mse": train_mse,
        "code_variance": variance,
    }


def pca(shards: list[Path]) -> dict[str, float]:
    """The same of PCA with as many components as the latent."""
    train, valid = (read_faces(shards, split) for split in ("train", "valid"))
    return Judge(valid).compared(pca_reconstructions(train.images, valid.images, LATENT, 0)[0])


class Judge:
    """Holds images against those of a split."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.network = load_network("efficientnet_lite0", None)
        self.real = frechet.statistics(self.network.features(faces.images))

    def distance(self, images: np.ndarray) -> float:
        """The Fréchet distance of images to the split, in EfficientNet-Lite0's features."""
        return frechet.distance(frechet.statistics(self.network.features(images)), self.real)

    def compared(self, rebuilt: np.ndarray) -> dict[str, float]:
        """What is said of the split's reconstructions."""
        return {
            "mse": float(mse_01(self.faces.images, rebuilt).mean()),
            "ssim": float(ssim(self.faces.images, rebuilt).mean()),
            "reconstructions": self.distance(rebuilt),
        }


if __name__ == "__main__":
    main()
