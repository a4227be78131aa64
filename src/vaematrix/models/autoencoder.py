"""What all models are: an encoder, a decoder, a Gaussian likelihood, and the regulariser of their family."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaematrix.common.errors import UserError
from vaematrix.models import losses
from vaematrix.models.adversary import Adversary
from vaematrix.models.architecture import Network
from vaematrix.models.family import Family
from vaematrix.models.networks import Decoder, Encoder
from vaematrix.models.objective import Objective
from vaematrix.models.whitening import Whitening


class Posterior(NamedTuple):
    """q(z | x) = N(mean, exp(log_variance)), both float32 [b, latent]."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """z = μ + σ·ε with ε = noise, [b, latent]."""
        return self.mean + torch.exp(0.5 * self.log_variance) * noise


class Parts(NamedTuple):
    """What the loss of a batch is made of, before a mean is taken where σ² may be that of more than the batch.

    sse: sum of squares, kl: KL in nats, both float32 [b]. penalty: the regulariser's weighted sum in nats, a scalar.
    extras: the values of the family's further terms. images: reconstructions, float32 [b, 3, h, w], and as many
    samples of the prior below them where these were asked for.
    """

    sse: Tensor
    kl: Tensor
    penalty: Tensor
    extras: dict[str, Tensor]
    images: Tensor


class Autoencoder(nn.Module):
    """Encoder and decoder with a family's loss.

    Attributes:
        sigma: the decoder's σ, shared by all models of an experiment; None means calibrated.
        whitening: between the networks and the latent, fitted after training; None where there is none.
        adversary: what trains it beside the loss, if anything; no part of it is a part of the model.
    """

    def __init__(
        self, network: Network, sigma: float | None, family: Family, adversary: Adversary | None = None
    ) -> None:
        super().__init__()
        if family.conditional and not network.attributes:
            raise UserError(
                f"{type(family).__name__} is conditioned on attributes, and the dataset has none. Set the model to "
                "null in an overlay, or use a dataset with attributes."
            )
        labels = network.attributes if family.conditional else 0
        self.network = network
        self.sigma = sigma
        self.family = family
        self.adversary = adversary
        self.encoder = Encoder(network, labels)
        self.decoder = Decoder(network, labels)
        self.whitening: Whitening | None = None

    @property
    def conditional(self) -> bool:
        """Whether encoder and decoder see the attributes y."""
        return self.family.conditional

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of what :meth:`loss` returns, in order."""
        return ("loss", "nll", "kl", "mse", "variance", *self.family.extra_terms)

    @property
    def objectives(self) -> dict[str, Objective]:
        """What a training minimises, by name, in the order in which it steps."""
        return {"autoencoder": Objective("loss", self)}

    def encode(self, x: Tensor, y: Tensor) -> Posterior:
        """Args: x [b, 3, h, w] in [0, 1]; y bool [b, attributes]. Returns the posterior in float32."""
        mean, log_variance = self.encoder(x, self._labels(y)).float().chunk(2, dim=1)
        return Posterior(*(self.whitening(mean, log_variance) if self.whitening else (mean, log_variance)))

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Args: z [b, latent]; y bool [b, attributes]. Returns the image mean in [0, 1], float32 [b, 3, h, w]."""
        code = self.whitening.undo(z) if self.whitening else z
        return torch.sigmoid(self.decoder(code, self._labels(y)).float())

    def draw(self, noise: Tensor, y: Tensor) -> Tensor:
        """Codes from the prior, [b, latent]. Args: noise: standard normal [b, latent]. y: bool [b, attributes]."""
        return noise

    def concerns(self, epoch: Mapping[str, float]) -> list[str]:
        """Nothing: a loss that breaks is refused by the training loop."""
        return []

    def loss(self, x: Tensor, y: Tensor, noise: Tensor, progress: Tensor) -> dict[str, Tensor]:
        """All terms of the batch's mean loss, as float32 scalars under the names of :attr:`terms`.

        Args:
            x: [b, 3, h, w] in [0, 1]. y: bool [b, attributes].
            noise: standard normal [2, b, latent]: for the reparametrisation, and as draws from the prior.
        """
        return self.total(self.parts(x, y, noise, progress))

    def total(self, parts: Parts) -> dict[str, Tensor]:
        """All terms of a batch's mean loss from what it is made of."""
        nll, variance = self.likelihood(parts.sse)
        return {
            "loss": nll + parts.penalty,
            "nll": nll,
            "kl": parts.kl.mean(),
            "mse": parts.sse.mean() / self.network.values,
            "variance": variance,
            **parts.extras,
        }

    def parts(self, x: Tensor, y: Tensor, noise: Tensor, progress: Tensor, samples: bool = False) -> Parts:
        """What the loss of a batch is made of.

        Args:
            x, y, noise, progress: as for :meth:`loss`.
            samples: whether as many samples of the prior are decoded, in one batch with the reconstructions so that
                batch normalisation sees both. Their gradient ends at the decoder: it is not for them to move the prior.
        """
        posterior = self.encode(x, y)
        z, prior = posterior.sample(noise[0]), self.draw(noise[1], y)
        if samples:
            images = self.decode(torch.cat([z, prior.detach()]), torch.cat([y, y]))
            sse = losses.sum_of_squares(x, images[: len(x)])
        else:
            images = self.decode(z, y)
            sse = losses.sum_of_squares(x, images)
        kl = losses.kl_to_standard_normal(*posterior)
        penalty, extras = self.family.regulariser(kl.mean(), z, prior, progress)
        return Parts(sse, kl, penalty, extras, images)

    def likelihood(self, sse: Tensor) -> tuple[Tensor, Tensor]:
        """The mean negative log likelihood in nats, and σ², both scalars of the type of `sse`.

        Args:
            sse: [b], of a batch; or a scalar, the mean over a whole split.
        """
        if self.sigma is None:
            variance = losses.calibrated_variance(sse.float(), self.network.values).to(sse.dtype)
        else:
            variance = sse.float().new_full((), self.sigma**2).to(sse.dtype)
        return losses.gaussian_nll(sse, variance, self.network.values).mean(), variance

    def _labels(self, y: Tensor) -> Tensor | None:
        return y.float() * 2 - 1 if self.conditional else None
