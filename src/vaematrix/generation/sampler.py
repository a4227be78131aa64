"""What a sampler is: a density of codes that is learnt after training, for samples that the prior does not give.

A decoder knows the codes of the aggregated posterior q(z) = E_x[q(z|x)], which is not the prior. A sampler learns q(z)
or, where a model is told attributes y, q(z|y), from codes drawn from the posteriors of training faces (Ghosh et al.,
2020). It learns from draws and not from means, which lie closer together than the codes that the decoder has seen.

A sampler is one file whose one class is a frozen dataclass derived from :class:`Sampler`; its fields are the options of
an entry in the config (:mod:`vaematrix.common.options`). What it learnt is no part of it: that is arrays by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import numpy as np

    from vaematrix.generation.posteriors import Posteriors, State


@dataclass(frozen=True)
class Place:
    """Where the fit of a sampler that takes long leaves its state.

    Attributes:
        checkpoint: its file; None where none is kept.
        stop_at: when to stop by itself, in seconds since the epoch; None for no end.
    """

    checkpoint: Path | None = None
    stop_at: float | None = None


@dataclass(frozen=True)
class Fit:
    """What a sampler learnt: its state, and what a protocol says of it, as JSON values."""

    state: State
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """How likely codes are that no fit has seen, one z ~ q(z | x) for each face of the validation split.

    Attributes:
        nats: the mean of ln p(z), or of ln p(z | y) where the model is told attributes y.
        codes: how many. density: how the density is known, in words.
    """

    nats: float
    codes: int
    density: str


@dataclass(frozen=True)
class Sampler:
    """Base of all samplers.

    Attributes:
        density: how :meth:`log_density` knows the density of what :meth:`draw` draws, in words.
    """

    density: ClassVar[str] = "exact"

    def fit(self, train: Posteriors, place: Place) -> Fit:
        """Learn the density of the codes of these posteriors, given their labels.

        Raises:
            UserError: there are too few of them.
            Interrupted: SIGTERM or SIGINT arrived, or it is time to stop; the state is saved, and a next fit continues.
        """
        raise NotImplementedError

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        """One code for each row of labels.

        Args:
            labels: bool [n, k], as wide as those of the fit.
            seed: the same gives the same codes.

        Returns:
            float32 [n, latent].
        """
        raise NotImplementedError

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """ln p(z) or ln p(z | y) of each code in nats, float64 [n]. Args: codes: [n, latent]. labels: bool [n, k]."""
        raise NotImplementedError
