"""What a training minimises: a loss, and the parameters that it moves. The training loop knows no more of a model."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Objective:
    """One loss, minimised by an Adam of its own.

    Attributes:
        loss: its name among the terms that the model computes.
        module: whose parameters it moves, and no others; a checkpoint holds the module's whole state.
        learning_rate: None means `training.learning_rate`, which all models share.
        betas: Adam's decay rates of the first and the second moment.
    """

    loss: str
    module: nn.Module
    learning_rate: float | None = None
    betas: tuple[float, float] = (0.9, 0.999)
