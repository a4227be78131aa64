"""The convolutional encoder and decoder that every family shares."""

import itertools

import torch
from torch import Tensor, nn

from vaematrix.models.architecture import Network


class Encoder(nn.Module):
    """x (and y) → the mean and log variance of q(z | x) or q(z | x, y)."""

    def __init__(self, network: Network, labels: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(*(_down(a, b) for a, b in itertools.pairwise([3, *network.widths])))
        self.head = nn.Linear(network.base**2 * network.widths[-1] + labels, 2 * network.latent)

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """Args: x [b, 3, size, size] in [0, 1]; y [b, labels] in {-1, 1}. Returns [b, 2·latent]."""
        hidden = self.stages(x).flatten(1)
        return self.head(hidden if y is None else torch.cat([hidden, y.to(hidden.dtype)], dim=1))


class Decoder(nn.Module):
    """z (and y) → the logits of the mean of p(x | z) or p(x | z, y)."""

    def __init__(self, network: Network, labels: int) -> None:
        super().__init__()
        outermost, *_, innermost = network.widths if len(network.widths) > 1 else network.widths * 2
        self.head = nn.Linear(network.latent + labels, network.base**2 * innermost)
        self.unflatten = nn.Unflatten(1, (innermost, network.base, network.base))
        self.stages = nn.Sequential(
            nn.BatchNorm2d(innermost), nn.ReLU(), *(_up(a, b) for a, b in itertools.pairwise(network.widths[::-1]))
        )
        self.image = nn.ConvTranspose2d(outermost, 3, 4, stride=2, padding=1)

    def forward(self, z: Tensor, y: Tensor | None) -> Tensor:
        """Args: z [b, latent]; y [b, labels] in {-1, 1}. Returns logits [b, 3, size, size]."""
        code = z if y is None else torch.cat([z, y.to(z.dtype)], dim=1)
        hidden = self.unflatten(self.head(code)).contiguous(memory_format=torch.channels_last)
        return self.image(self.stages(hidden))


def signed(y: Tensor) -> Tensor:
    """Labels as networks see them, float32 in {-1, 1}. Args: y: bool, or float32 in [0, 1] for what lies between."""
    return y.float() * 2 - 1


# A bias before batch normalisation would be subtracted again with the mean.
def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
