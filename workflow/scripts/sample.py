"""Decode what a fitted sampler draws."""

from pathlib import Path
from typing import Any

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.generation import outputs
from vaematrix.generation.fitted import FittedSampler
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.latents import read_latents, told
from vaematrix.models import weights
from vaematrix.training import checkpoint


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        digest = weights.intact(files.weights, files.run)
        # Snakemake knows by now that the fit is complete, so nothing can need its checkpoint any more.
        checkpoint.clear(Path(files.sampler).parent)
        fitted, (latents,) = FittedSampler.load(files.sampler), read_latents(files.latents, "train")
        for path, made_by in ((files.sampler, fitted.weights_sha256), (files.latents, latents.weights_sha256)):
            if made_by != digest:
                raise UserError(f"{path} is of other weights than {files.weights}. Delete it and run again.")
        model = weights.load(files.weights, device)
        labels = draw_attributes(latents.attributes, **p.sampling)
        codes = fitted.draw(told(labels, model.conditional), p.sampling["seed"])
        name = snakemake.wildcards.sampler
        sampling = outputs.Sampling(name, **p.sampling, held_out=fitted.held_out, fit=fitted.protocol)
        origin = {"vaematrix.key": p.key, "vaematrix.weights_sha256": digest}
        outputs.write_samples(snakemake.output.samples, model, codes, labels, latents.attribute_names, sampling, origin)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
