"""All metrics of one run, with the protocol that made them."""

import logging
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256, write_json, written_whole
from vaematrix.common.images import read_images, read_metadata, read_table
from vaematrix.common.records import RunRecord, read_run, write_record
from vaematrix.common.vectors import vectors_of
from vaematrix.data.shards import read_faces
from vaematrix.generation.latents import read_latents
from vaematrix.metrics import definitions, entries, frechet
from vaematrix.metrics.attribute_judge import load_judge
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.features import load_network
from vaematrix.metrics.latent import LearnedPrior
from vaematrix.metrics.protocol import protocol_of
from vaematrix.metrics.reconstruction import evaluate_pairs

log = logging.getLogger("vaematrix.evaluate")


def main(snakemake: Any) -> None:
    p, files, output = snakemake.params, snakemake.input, snakemake.output
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        run = read_run(files.run)
        for path in (files.reconstructions, files.samples, files.latents):
            if read_metadata(path)["vaematrix.weights_sha256"] != run.weights_sha256:
                raise UserError(
                    f"{path} was made by other weights than {files.run} names. Delete {path} and run again."
                )
        faces = read_faces(files.shards, p.split)
        reconstructions, _ = read_images(files.reconstructions)
        samples, asked = read_images(files.samples)
        measured = Measured()
        measured.entries, per_image = evaluate_pairs(
            faces.images, reconstructions, resamples=p.resamples, confidence=p.confidence, seed=0, device=device
        )
        measured.checks["ssim"] = definitions.check_ssim(faces.images, reconstructions, per_image["ssim"])
        network = load_network(p.network, files.inception or None, device)
        reference = frechet.reference(files.statistics, network.identity, len(faces.images))
        real = vectors_of(read_table(files.features, columns=["features"]), "features")
        entries.measure_samples(measured, network, samples, real, reference, p.confidence, device)
        entries.measure_held_out(measured, read_metadata(files.samples)["vaematrix.sampling"]["held_out"])
        rebuilt = network.features_of(reconstructions, "reconstructions")
        entries.measure_frechet(measured, network, rebuilt, reference, "reconstruction")
        per_image |= entries.measure_feature_distance(
            measured, network, real, rebuilt, resamples=p.resamples, confidence=p.confidence
        )
        measure_codes(measured, files.latents, p.split)
        if asked.column_names:  # only conditional models are asked for attributes
            labels = {name: asked[name].to_numpy() for name in asked.column_names}
            entries.measure_asked(measured, load_judge(files.judge), samples, labels)
        measured.warnings[:0] = run.warnings
        if opposed(run):
            entries.warn_of_collapse(measured, network)
        protocol = protocol_of(
            run,
            files.shards,
            files.samples,
            features=network.identity,
            images=len(faces.images),
            device=device,
            **{name: p[name] for name in ("dataset", "split", "confidence", "resamples", "code", "key")},
            reconstructions_sha256=sha256(files.reconstructions),
            latents_sha256=sha256(files.latents),
        )
        for warning in measured.warnings:
            log.warning("warning: %s", warning)
        write_record(output.metrics, measured.of_run(run, p.entry, protocol))
        write_json(output.details, measured.details)
        with written_whole(output.per_image) as temporary:
            pq.write_table(pa.table({"image_id": faces.image_ids, **per_image}), temporary, write_page_checksum=True)


def opposed(run: RunRecord) -> bool:
    """Whether a discriminator had a say in the training."""
    adversary = (run.parameters or {}).get("model", {}).get("adversary")
    return adversary is not None and adversary.get("weight") != 0


def measure_codes(measured: Measured, path: str, split: str) -> None:
    """All that is said of the codes in a file that `generate` wrote."""
    of_split, train = read_latents(path, split, "train")
    prior = LearnedPrior(**vars(of_split.prior)) if of_split.prior else None
    entries.measure_latent(measured, of_split.means, of_split.variances, prior)
    if train.conditional:
        measured.left_out["probe_auc"] = "the encoder of a conditional model is told what a probe would find"
    else:
        train_codes, codes = ((latents.means, latents.attributes) for latents in (train, of_split))
        entries.measure_probe(measured, train_codes, codes, train.attribute_names)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
