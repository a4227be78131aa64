"""Normalising flow: coupling layers of rational-quadratic splines (Durkan et al., 2019), by zuko.

    ln p(u|y) = ln N(f(u; y); 0, I) + ln|det ∂f/∂u|,    z = W·(1, y) + L·u

Each layer bends half of the dimensions within ±5, by splines that a network makes of the other half and y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaematrix.common.options import option
from vaematrix.generation.sampler import Fit, Place, Sampler

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor
    from zuko.flows import Flow as Network

    from vaematrix.generation.posteriors import Posteriors, State


@dataclass(frozen=True)
class Flow(Sampler):
    """Trained by maximum likelihood on codes drawn anew in each epoch."""

    layers: int = option(4, "coupling layers", minimum=1)
    bins: int = option(4, "pieces of each spline", minimum=2)
    width: int = option(64, "units in each of the two hidden layers of a coupling's network", minimum=1)
    epochs: int = option(20, "passes over the codes", minimum=1)
    learning_rate: float = option(1e-3, "of Adam; it falls to zero along a half cosine", exclusiveMinimum=0)

    def fit(self, train: Posteriors, place: Place) -> Fit:
        from vaematrix.generation.density_network import Schedule, fit_network, network_state
        from vaematrix.generation.linear_gaussian import LinearGaussian

        gaussian = LinearGaussian.of(train.draw(0), train.labels)
        network = self._network(train.means.shape[1], train.labels.shape[1])
        about = fit_network(
            network,
            lambda white, labels, generator: -_given(network, labels).log_prob(white),
            train,
            gaussian,
            Schedule(self.epochs, self.learning_rate),
            place,
        )
        return Fit({**gaussian.state, **network_state(network)}, about)

    def draw(self, state: State, labels: np.ndarray, seed: int) -> np.ndarray:
        import torch

        from vaematrix.generation.density_network import label_tensor
        from vaematrix.generation.linear_gaussian import LinearGaussian
        from vaematrix.generation.posteriors import noise

        network, gaussian = self._fitted(state), LinearGaussian.from_state(state)
        base = torch.from_numpy(noise(len(labels), len(gaussian.factor), seed))
        with torch.no_grad():
            white = _given(network, label_tensor(labels)).transform.inv(base)
        return gaussian.colour(white.numpy(), labels)

    def log_density(self, state: State, codes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        import torch

        from vaematrix.generation.density_network import label_tensor
        from vaematrix.generation.linear_gaussian import LinearGaussian

        network, gaussian = self._fitted(state), LinearGaussian.from_state(state)
        white = torch.from_numpy(gaussian.whiten(codes, labels)).float()
        with torch.no_grad():
            log_prob = _given(network, label_tensor(labels)).log_prob(white)
        return log_prob.double().numpy() - gaussian.log_volume

    def _network(self, latent: int, labels: int) -> Network:
        """With fresh weights, the same each time."""
        import torch
        from zuko.flows import NSF

        with torch.random.fork_rng(devices=()):
            torch.manual_seed(0)
            # Two passes instead of one for each dimension are what makes the masked flow one of coupling layers.
            return NSF(
                latent,
                labels,
                transforms=self.layers,
                randperm=True,
                passes=2,
                hidden_features=[self.width] * 2,
                bins=self.bins,
            )

    def _fitted(self, state: State) -> Network:
        from vaematrix.generation.density_network import load_network_state

        weights, factor = state["gaussian.weights"], state["gaussian.factor"]
        network = self._network(len(factor), len(weights) - 1)
        load_network_state(network, state)
        return network


def _given(network: Network, labels: Tensor) -> Any:
    """The density given labels, [b, k]; a network of no labels takes none."""
    return network(labels if labels.shape[1] else None)
