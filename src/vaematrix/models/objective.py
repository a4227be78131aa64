"""What a training minimises: a loss, and the parameters that it moves. The training loop knows no more of a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn


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


class Trainable(Protocol):
    """What can be trained: objectives, the terms that hold their losses, and what there is to fear."""

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of what :meth:`loss` returns, in order."""

    @property
    def objectives(self) -> dict[str, Objective]:
        """What a training minimises, by name, in the order in which it steps."""

    def loss(self, x: Tensor, y: Tensor, noise: Tensor, progress: Tensor) -> dict[str, Tensor]:
        """All terms of a batch, as scalars by name. No two losses among them may share a graph.

        Args:
            x: [b, 3, h, w] in [0, 1]. y: bool [b, attributes]. noise: standard normal, [2, b, …].
            progress: the share of training done, a scalar in [0, 1].
        """

    def concerns(self, epoch: Mapping[str, float]) -> list[str]:
        """What in an epoch's record bodes ill, in words without numbers of the epoch."""
