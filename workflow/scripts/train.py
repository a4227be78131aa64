"""Train one model from one seed."""

from pathlib import Path
from typing import Any

import torch

from vaematrix.common import devices, provenance, slurm
from vaematrix.common.console import logged
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.common.records import RunRecord, write_record
from vaematrix.data.batches import Batches
from vaematrix.data.shards import read_faces, refuse_few
from vaematrix.generation.whiten import whiten
from vaematrix.models import weights
from vaematrix.models.architecture import Network, too_many_dimensions
from vaematrix.models.entry import parts_of
from vaematrix.training import loop as training
from vaematrix.training.checkpoint import one_process
from vaematrix.training.loop import Settings
from vaematrix.training.tensorboard import EventLog


def refuse_too_few(config: dict[str, Any], train_images: int) -> None:
    """Refuse, before the first training, what would stop the evaluation hours later.

    Raises:
        UserError: there are too few training images for the floors.
    """
    if fault := too_many_dimensions(config["network"]["latent"], train_images):
        raise UserError(f"network.latent {fault}")


def main(snakemake: Any) -> None:
    p, seed, folder = snakemake.params, int(snakemake.wildcards.seed), Path(snakemake.output.weights).parent
    with logged(snakemake.log[0]), one_process(folder), devices.device(snakemake.threads) as device:
        train, valid = (read_faces(snakemake.input.shards, split) for split in ("train", "valid"))
        # From the config instead of params: an edit of what comes after a training is no reason to train again.
        refuse_few(snakemake.input.shards, snakemake.config["evaluation"]["split"])
        refuse_too_few(snakemake.config, len(train.images))
        shared = dict(p.training)
        sigma, whitened = shared.pop("sigma"), shared.pop("whiten")
        sigma = None if sigma == "calibrated" else float(sigma)
        network = Network(p.size, p.network["widths"], p.network["latent"], train.attributes.shape[1])
        torch.manual_seed(seed)
        made_from = {"network": network.as_dict(), "sigma": sigma, **parts_of(p.options)}
        model = weights.build(**made_from | {"network": network}).to(device)
        progress = training.train(
            model,
            Batches(train.images, train.attributes, device),
            Batches(valid.images, valid.attributes, device),
            Settings(**shared),
            seed,
            folder / f"checkpoint-{p.key}",
            Path(snakemake.output.history),
            stop_at=slurm.time_to_stop(),
            # From the config: as a param, a switch of what is shown would train everything again.
            watch=EventLog(folder / "tensorboard") if snakemake.config["training"]["tensorboard"] else None,
        )
        if whitened and not model.prior.kind.learned:  # a learned prior goes to where the codes are
            whiten(model, train.images, train.attributes)
        weights.save(snakemake.output.weights, model, made_from, train.attribute_names)
        run = RunRecord(
            experiment=p.experiment,
            model=snakemake.wildcards.model,
            family=p.options["family"],
            seed=seed,
            parameters={
                "model": {name: value for name, value in p.options.items() if name != "family"},
                "network": network.as_dict(),
                "training": dict(p.training),
            },
            parameter_count=sum(parameter.numel() for parameter in model.parameters()),
            trained_parameter_count=progress.parameters,
            key=p.key,
            code=p.code,
            data=p.data,
            **provenance.code_state(),
            versions=provenance.versions(),
            device=provenance.device_name(device),
            where=slurm.here(),
            threads=snakemake.threads,
            train_images=len(train.images),
            epochs=shared["epochs"],
            seconds=round(progress.total_seconds, 1),
            sessions=progress.sessions,
            images_per_second=round(
                progress.step * shared["batch_size"] / sum(record["seconds"] for record in progress.history), 1
            ),
            peak_memory_mb=max(record["peak_memory_mb"] for record in progress.history),
            weights_sha256=sha256(snakemake.output.weights),
            warnings=progress.concerns,
        )
        write_record(snakemake.output.run, run)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
