"""All metrics of one run, with the protocol that made them."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vaematrix import devices, metrics, provenance
from vaematrix.console import logged
from vaematrix.errors import UserError
from vaematrix.faces.shards import read_faces
from vaematrix.files import read_json, sha256, write_json, written_whole
from vaematrix.images import read_images, read_metadata
from vaematrix.metrics import frechet
from vaematrix.metrics.inception import FeatureNetwork


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        run = read_json(files.run)
        faces = read_faces(files.shards, p.split)
        reconstructions, _ = read_images(files.reconstructions)
        samples, _ = read_images(files.samples)
        for path in (files.reconstructions, files.samples):
            if read_metadata(path)["vaematrix.weights_sha256"] != run["weights_sha256"]:
                raise UserError(
                    f"{path} was made by other weights than {files.run} names. Delete {path} and run again."
                )
        entries, per_image = metrics.evaluate_pairs(
            faces.images, reconstructions, resamples=p.resamples, confidence=p.confidence, seed=0, device=device
        )
        network = FeatureNetwork.of(files.inception or None, p.dims, device)
        reference = frechet.load(files.reference[0], network.identity)
        if reference.count != len(faces.images):
            raise UserError(
                f"{files.reference[0]} is of {reference.count} images, not of the {len(faces.images)} here. Delete it."
            )
        for prefix, about, images in (
            ("", "generation", samples),
            ("reconstruction_", "reconstruction", reconstructions),
        ):
            made = network.statistics(images, "samples" if about == "generation" else "reconstructions")
            entries[prefix + network.metric_key] = network.entry(frechet.distance(made, reference), len(images), about)

        sampling = read_metadata(files.samples)["vaematrix.sampling"]
        prepared = read_metadata(files.shards[0])
        protocol = {
            "dataset": p.dataset,
            "data": run["data"],
            **{name: prepared[f"vaematrix.{name}"] for name in ("source", "crop", "size", "filter")},
            "split": p.split,
            "images": len(faces.images),
            "train_images": run["train_images"],
            "sampler": sampling.pop("sampler"),
            "sample_count": sampling.pop("count"),
            "sample_seed": sampling.pop("seed"),
            "sampler_fit": sampling,
            "features": network.identity,
            "reference_count": reference.count,
            "confidence": p.confidence,
            "resamples": p.resamples,
            "training": run["parameters"]["training"],
            "network_settings": run["parameters"]["network"],
            "weights_sha256": run["weights_sha256"],
            "weights_key": run["key"],
            "samples_sha256": sha256(files.samples),
            "reconstructions_sha256": sha256(files.reconstructions),
            "training_code": run["code"],
            "code": p.code,
            "key": p.key,
            "device": provenance.device_name(device),
            "versions": provenance.versions(),
        }
        write_json(
            snakemake.output.metrics,
            {
                "run": {name: run[name] for name in ("experiment", "model", "family", "seed")},
                "metrics": entries,
                "protocol": protocol,
            },
        )
        with written_whole(snakemake.output.per_image) as temporary:
            pq.write_table(pa.table({"image_id": faces.image_ids, **per_image}), temporary)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
