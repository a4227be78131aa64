"""What a trained model makes of codes and faces, as parquet."""

from pathlib import Path
from typing import Any

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.data.shards import read_faces
from vaematrix.generation import outputs
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.latents import write_latents
from vaematrix.generation.prior import draw_prior
from vaematrix.models import weights
from vaematrix.training import checkpoint


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        digest = weights.intact(snakemake.input.weights, snakemake.input.run)
        origin = {"vaematrix.key": p.key, "vaematrix.weights_sha256": digest}
        # Snakemake knows by now that the training is complete, so nothing can need its checkpoint any more.
        checkpoint.clear(Path(snakemake.input.weights).parent)
        model = weights.load(snakemake.input.weights, device)
        splits = {
            split: outputs.encode_faces(model, read_faces(snakemake.input.shards, split))
            for split in dict.fromkeys(("train", "valid", p.split))
        }
        train, faces = splits["train"], splits[p.split]
        outputs.write_reconstructions(files.reconstructions, model, faces, p.split, origin)
        write_latents(files.latents, splits, model.conditional, origin)
        labels = draw_attributes(train.faces.attributes, **p.sampling)
        codes = draw_prior(model, labels, p.sampling["seed"])
        prior = outputs.Sampling("prior", **p.sampling, held_out=outputs.prior_held_out(model, splits["valid"]))
        outputs.write_samples(files.samples, model, codes, labels, train.faces.attribute_names, prior, origin)
        outputs.write_prior_samples(files.prior_samples, model, train.faces, p.sampling["seed"], origin)
        outputs.write_traversal(files.traversal, model, faces, origin)
        outputs.write_interpolations(files.interpolations, model, faces, origin)
        outputs.write_switched(files.attributes, model, train, faces, origin)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
