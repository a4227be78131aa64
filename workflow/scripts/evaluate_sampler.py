"""All metrics of a sampler's samples, with the protocol that made them."""

from typing import Any

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.common.images import read_images, read_metadata, read_table
from vaematrix.common.records import read_run, write_record
from vaematrix.common.vectors import vectors_of
from vaematrix.metrics import entries, frechet
from vaematrix.metrics.attribute_judge import load_judge
from vaematrix.metrics.entries import Measured
from vaematrix.metrics.features import load_network
from vaematrix.metrics.protocol import protocol_of


def main(snakemake: Any) -> None:
    p, files = snakemake.params, snakemake.input
    with logged(snakemake.log[0]), devices.device(snakemake.threads) as device:
        run, about = read_run(files.run), read_metadata(files.samples)
        if about["vaematrix.weights_sha256"] != run.weights_sha256:
            raise UserError(f"{files.samples} was made by other weights than {files.run} names. Delete it, run again.")
        samples, asked = read_images(files.samples)
        network = load_network(p.network, files.inception or None, device)
        real = vectors_of(read_table(files.features, columns=["features"]), "features")
        reference = frechet.reference(files.statistics, network.identity, len(real))
        measured = Measured()
        entries.measure_samples(measured, network, samples, real, reference, p.confidence, device)
        entries.measure_held_out(measured, about["vaematrix.sampling"]["held_out"])
        if asked.column_names:  # only conditional models are asked for attributes
            labels = {name: asked[name].to_numpy() for name in asked.column_names}
            entries.measure_asked(measured, load_judge(files.judge), samples, labels)
        protocol = protocol_of(
            run,
            files.shards,
            files.samples,
            features=network.identity,
            images=len(real),
            device=device,
            **{name: p[name] for name in ("dataset", "split", "confidence", "code", "key")},
        )
        write_record(snakemake.output[0], measured.of_run(run, p.entry, protocol))


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
