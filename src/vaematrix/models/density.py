"""The prior of a model: its kind, and what it has learnt."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vaematrix.common.options import chosen_options
from vaematrix.models.architecture import Network
from vaematrix.models.posterior import Posterior
from vaematrix.models.prior import Prior

Encode = Callable[[Tensor, Tensor], Posterior]


class PriorDensity(nn.Module):
    """p(z), or p(z | y), always in float32: bfloat16 would drown what a log density tells of.

    Attributes:
        kind: what it is, with its options. learnt: what training moves.
        encode: of the model, (x, y) → q(z | x), where batch normalisation uses its running statistics.
    """

    def __init__(self, kind: Prior, network: Network, labels: int, encode: Encode) -> None:
        super().__init__()
        self.kind = kind
        self.encode = encode
        self.learnt: Any = kind.build(network, labels)  # of a type that only this prior knows
        self.noise_dimensions = network.latent + kind.choices

    @property
    def about(self) -> dict[str, Any]:
        """Its kind and options, as an entry of the config says them."""
        name = type(self.kind).__module__.rpartition(".")[2]
        return {"kind": name, **chosen_options(self.kind)}

    def sample(self, noise: Tensor, y: Tensor) -> Tensor:
        """Codes, float32 [b, latent], a function of their noise.

        Args:
            noise: standard normal [b, noise_dimensions]. y: bool [b, attributes].
        """
        with torch.autocast(noise.device.type, enabled=False):
            return self.kind.sample(self, noise, y)

    def log_prob(self, z: Tensor, y: Tensor) -> Tensor:
        """ln p(z) or ln p(z | y) in nats, float32 [b]. Args: z: [b, latent]. y: bool [b, attributes]."""
        with torch.autocast(z.device.type, enabled=False):
            return self.kind.log_prob(self, z.float(), y)

    def kl(self, posterior: Posterior, z: Tensor, y: Tensor) -> Tensor:
        """KL(q(z | x) ‖ p) of each image in nats, float32 [b]: exact where a closed form exists, else estimated by `z`.

        Args:
            posterior: q(z | x). z: a draw of it, [b, latent]. y: bool [b, attributes].
        """
        with torch.autocast(z.device.type, enabled=False):
            return self.kind.kl(self, posterior, z.float(), y)
