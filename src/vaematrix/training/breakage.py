"""Trainings that broke: loss terms that are not finite or have exploded, refused with what to try instead."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from vaematrix.common.errors import UserError
from vaematrix.models.autoencoder import Autoencoder

EXPLODED = 1000.0  # a term this many times the largest likelihood term of a working network will not come back


def refuse_broken_terms(
    model: Autoencoder,
    names: Sequence[str],
    terms: Tensor,
    learning_rate: float,
    *,
    epoch: int,
    step: int,
    checkpoint: Path,
) -> None:
    """Hold the loss terms of a step against what a working network can have. On a GPU this waits for the device.

    Args:
        names: of the terms. terms: float64 [terms].
        learning_rate: of the training; epoch, step: where it stands; checkpoint: its file. All are for the message.

    Raises:
        UserError: a term is not finite or has exploded.
    """
    # At its worst, x̂ black where x is white, SSE/(2σ²) of a working network is D/(2σ²).
    variance = terms[names.index("variance")]
    limit = EXPLODED * model.network.values * (1 / (2 * variance)).clamp_min(1)
    broken = ~terms.isfinite() | (terms.abs() > limit)
    if broken.any():
        broken_terms = ", ".join(
            f"{name} = {value:.4g}"
            for name, value, bad in zip(names, terms.tolist(), broken.tolist(), strict=True)
            if bad
        )
        kept = f" The last checkpoint is kept: {checkpoint}" if checkpoint.exists() else ""
        raise UserError(
            f"training broke in epoch {epoch}, at step {step}: {broken_terms}. {_advice(model, learning_rate)}{kept}"
        )


def refuse_broken_validation(model: Autoencoder, record: Mapping[str, float], learning_rate: float) -> None:
    """Raise a UserError if a value of the validation is not finite."""
    if broken := [name for name, value in record.items() if not math.isfinite(value)]:
        raise UserError(f"training broke: {', '.join(broken)} is not finite. {_advice(model, learning_rate)}")


def _advice(model: Autoencoder, learning_rate: float) -> str:
    sigma = "" if model.sigma is None else f", a larger training.sigma (now {model.sigma:g})"
    return (
        f"Try a lower training.learning_rate (now {learning_rate:g}){sigma}, or smaller weights in this model's entry."
    )
