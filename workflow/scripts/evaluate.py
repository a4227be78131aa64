"""All metrics of one run, with the protocol that made them."""

import logging
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256, write_json, written_whole
from vaematrix.common.images import read_images, read_metadata, read_table
from vaematrix.common.records import Identity, RunMetrics, RunRecord, read_run, write_record
from vaematrix.common.vectors import vectors_of
from vaematrix.data.shards import read_faces
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
        conditional = bool(asked.column_names)  # only conditional models are asked for attributes
        measure_codes(measured, files.latents, p.split, faces.attribute_names, conditional)
        if conditional:
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
        write_record(
            output.metrics,
            RunMetrics(
                run=Identity(
                    experiment=run.experiment, model=run.model, family=run.family, seed=run.seed, entry=p.entry
                ),
                metrics=measured.entries,
                left_out=measured.left_out,
                warnings=measured.warnings,
                checks=measured.checks,
                protocol=protocol,
            ),
        )
        write_json(output.details, measured.details)
        with written_whole(output.per_image) as temporary:
            pq.write_table(pa.table({"image_id": faces.image_ids, **per_image}), temporary, write_page_checksum=True)


def opposed(run: RunRecord) -> bool:
    """Whether a discriminator had a say in the training."""
    adversary = (run.parameters or {}).get("model", {}).get("adversary")
    return adversary is not None and adversary.get("weight") != 0


def learned_prior(latents: str, split: str) -> LearnedPrior | None:
    """The prior of the model whose codes are in a file that `generate` wrote; None where it is N(0, I)."""
    about = read_metadata(latents).get("vaematrix.prior")
    if about is None:
        return None
    table = read_table(latents)
    rows = table.filter(pc.equal(table["split"], split))
    return LearnedPrior(about, vectors_of(rows, "prior_draw"), rows["kl_to_prior"].to_numpy())


def measure_codes(measured: Measured, latents: str, split: str, names: tuple[str, ...], conditional: bool) -> None:
    """All that is said of the codes in a file that `generate` wrote. Args: names: of the attributes."""
    table = read_table(latents)

    def codes(of: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = table.filter(pc.equal(table["split"], of))
        labels = np.stack([rows[name].to_numpy() for name in names], axis=1)
        return vectors_of(rows, "mean"), vectors_of(rows, "variance"), labels

    (mean, variance, labels), (train_mean, _, train_labels) = codes(split), codes("train")
    entries.measure_latent(measured, mean, variance, learned_prior(latents, split))
    if conditional:
        measured.left_out["probe_auc"] = "the encoder of a conditional model is told what a probe would find"
    else:
        entries.measure_probe(measured, (train_mean, train_labels), (mean, labels), names)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
