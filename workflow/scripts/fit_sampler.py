"""Fit one sampler to a run's codes."""

from pathlib import Path
from typing import Any

import torch

from vaematrix.common import slurm
from vaematrix.common.console import log, logged
from vaematrix.generation import samplers
from vaematrix.generation.fitted import fit_sampler
from vaematrix.generation.latents import read_latents
from vaematrix.generation.sampler import Place
from vaematrix.training.checkpoint import one_process


def main(snakemake: Any) -> None:
    p, output = snakemake.params, Path(snakemake.output[0])
    with logged(snakemake.log[0]), one_process(output.parent):
        torch.set_num_threads(snakemake.threads)
        train, valid = read_latents(snakemake.input.latents, "train", "valid")
        fitted = fit_sampler(
            p.kind,
            samplers.create(p.kind, p.options),
            train.posteriors,
            valid.posteriors,
            Place(output.with_name(f"checkpoint-{p.key}") / "state.safetensors", slurm.time_to_stop()),
            train.weights_sha256,
        )
        log.info("%s: %.2f nats for a held-out code", p.kind, fitted.held_out.nats)
        fitted.save(output, p.key)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
