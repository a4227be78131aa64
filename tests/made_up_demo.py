"""What the pages' lines of Python find after `make demo`: a conditional model, tiny and untrained, and faces."""

from pathlib import Path

import numpy as np

from vaematrix.common.files import sha256, write_json
from vaematrix.common.images import write_images
from vaematrix.data.shards import Faces
from vaematrix.generation.latents import EncodedFaces, write_latents
from vaematrix.models import weights
from vaematrix.models.architecture import Network

NAMES = ("Smiling", "Eyeglasses", "Male")
SIZE, LATENT = 64, 4


def pretend_demo(folder: Path, count: int = 12) -> None:
    """Write the run `results/demo/conditional_vae/seed-0`, and a shard with `count` random faces of the test split."""
    run = folder / "results/demo/conditional_vae/seed-0"
    run.mkdir(parents=True)
    network = Network(SIZE, (4, 4), LATENT, len(NAMES))
    model = weights.build("conditional_vae", network, None, {})
    made_from = {"family": "conditional_vae", "network": network.as_dict(), "sigma": None, "options": {}}
    weights.save(run / "model.safetensors", model, made_from, NAMES)
    digest = sha256(run / "model.safetensors")
    write_json(run / "run.json", {"weights_sha256": digest})
    random = np.random.default_rng(0)
    codes = random.standard_normal((40, LATENT)).astype(np.float32)
    train = {"train": EncodedFaces(random_faces(40, random), codes, np.abs(codes))}
    write_latents(run / "latents.parquet", train, True, {"vaematrix.weights_sha256": digest})
    shards = folder / "resources/drawn/crop140-64px-bilinear"
    shards.mkdir(parents=True)
    test = random_faces(count, random)
    columns = {"image_id": test.image_ids, "split": np.full(count, 2, np.int8)}
    columns |= dict(zip(NAMES, test.attributes.T, strict=True))
    write_images(shards / "shard-00000-of-00001.parquet", test.images, columns, {})


def random_faces(count: int, random: np.random.Generator) -> Faces:
    """Noise with attributes."""
    images = random.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)
    return Faces(images, [f"{n:06d}.jpg" for n in range(count)], random.random((count, len(NAMES))) > 0.5, NAMES)
