"""Reconstructions, samples, a traversal, interpolations and attribute switches of one trained model, as parquet."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from vaematrix import devices, generation, training
from vaematrix.console import logged
from vaematrix.faces.shards import read_faces
from vaematrix.files import sha256
from vaematrix.images import write_images
from vaematrix.models import weights
from vaematrix.samplers import SAMPLERS, PriorSampler
from vaematrix.training import Split

TRAVERSED, STEPS, SWITCHED_FACES, PAIRS, BETWEEN, OF_THE_PRIOR = 8, 9, 6, 5, 8, 20


def main(snakemake: Any) -> None:
    p, output = snakemake.params, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        # Snakemake knows by now that the training is complete, so nothing can need its checkpoint any more.
        training.clear(Path(snakemake.input.weights).parent)
        model = weights.load(snakemake.input.weights, device)
        origin = {"vaematrix.key": p.key, "vaematrix.weights_sha256": sha256(snakemake.input.weights)}
        train, faces = (read_faces(snakemake.input.shards, split) for split in ("train", p.split))
        names = list(faces.attribute_names)

        means, deviations = generation.encode(model, Split.on(device, faces.images, faces.attributes))
        write_images(
            output.reconstructions,
            generation.decode(model, means, faces.attributes),
            {"image_id": faces.image_ids},
            {"vaematrix.split": p.split, **origin},
        )

        codes, _ = generation.encode(model, Split.on(device, train.images, train.attributes))
        sampler = SAMPLERS[p.sampling["sampler"]](model.network.latent)
        sampler.fit(codes)
        drawn = generation.draw_attributes(faces.attributes, p.sampling["count"], p.sampling["seed"])
        write_images(
            output.samples,
            generation.decode(model, sampler.draw(p.sampling["count"], p.sampling["seed"]), drawn),
            dict(zip(names, map(pa.array, drawn.T), strict=True)) if model.conditional else {},
            {"vaematrix.sampling": {**p.sampling, **sampler.about}, **origin},
        )

        # What all models make of the same codes, whatever the sampler that their metrics use.
        seed = p.sampling["seed"]
        labels = generation.draw_attributes(faces.attributes, OF_THE_PRIOR, seed)
        same = PriorSampler(model.network.latent).draw(OF_THE_PRIOR, seed)
        images = generation.decode(model, same, labels)
        write_images(output.prior_samples, images, {}, {"vaematrix.seed": seed, **origin})

        between = 2 * min(PAIRS, len(means) // 2)
        images = generation.interpolate(model, means[:between], faces.attributes[:between], BETWEEN)
        write_images(
            output.interpolations,
            images.reshape(-1, *images.shape[2:]),
            {
                "from": np.repeat(faces.image_ids[:between:2], BETWEEN),
                "to": np.repeat(faces.image_ids[1:between:2], BETWEEN),
            },
            origin,
        )

        images, dimensions, kl, values = generation.traverse(
            model, means, deviations, faces.attributes[0], TRAVERSED, STEPS
        )
        write_images(
            output.traversal,
            images.reshape(-1, *images.shape[2:]),
            {"dimension": np.repeat(dimensions, len(values)), "value": np.tile(values, len(dimensions))},
            {"vaematrix.kl": [round(float(nats), 3) for nats in kl], **origin},
        )

        switched = generation.switch_attributes(
            model,
            means[:SWITCHED_FACES],
            faces.attributes[:SWITCHED_FACES],
            generation.attribute_directions(codes, train.attributes),
        )
        columns = ["unchanged", *names]
        write_images(
            output.attributes,
            switched.reshape(-1, *switched.shape[2:]),
            {
                "image_id": np.repeat(faces.image_ids[:SWITCHED_FACES], len(columns)),
                "switched": columns * len(switched),
            },
            {"vaematrix.by": "label" if model.conditional else "direction", **origin},
        )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
