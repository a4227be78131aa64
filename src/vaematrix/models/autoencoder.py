"""What all models are: encoder, decoder, a Gaussian likelihood, a prior, and the regulariser of their family."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vaematrix.common.errors import UserError
from vaematrix.models import losses
from vaematrix.models.adversary import Adversary
from vaematrix.models.architecture import Network
from vaematrix.models.density import PriorDensity
from vaematrix.models.family import Family
from vaematrix.models.networks import Decoder, Encoder, signed
from vaematrix.models.objective import Objective
from vaematrix.models.posterior import Posterior
from vaematrix.models.prior import Prior, refuse_misfit
from vaematrix.models.whitening import Whitening


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
    """Encoder, decoder and prior with a family's loss.

    Attributes:
        prior: p(z), or p(z | y): whoever draws codes or asks how likely they are, asks it.
        sigma: the decoder's σ, shared by all models of an experiment; None means calibrated.
        whitening: between the networks and the latent, fitted after training; None where there is none.
        adversary: what trains it beside the loss, if anything; no part of it is a part of the model.
    """

    def __init__(
        self,
        network: Network,
        sigma: float | None,
        family: Family,
        prior: Prior,
        adversary: Adversary | None = None,
    ) -> None:
        super().__init__()
        if family.conditional and not network.attributes:
            raise UserError(
                f"{type(family).__name__} is conditioned on attributes, and the dataset has none. Set the model to "
                "null in an overlay, or use a dataset with attributes."
            )
        refuse_misfit(prior, family)
        labels = network.attributes if family.conditional else 0
        self.network = network
        self.sigma = sigma
        self.family = family
        self.adversary = adversary
        self.encoder = Encoder(network, labels)
        self.decoder = Decoder(network, labels)
        self.prior = PriorDensity(prior, network, labels, self.encode_alone)
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

    @torch.compiler.disable  # which does not follow a module that changes its mode
    def encode_alone(self, x: Tensor, y: Tensor) -> Posterior:
        """As :meth:`encode`, by the running statistics of batch normalisation, which it leaves as they are."""
        training = self.encoder.training
        self.encoder.eval()
        posterior = self.encode(x, y)
        self.encoder.train(training)
        return posterior

    def decode(self, z: Tensor, y: Tensor) -> Tensor:
        """Args: z [b, latent]; y bool [b, attributes]. Returns the image mean in [0, 1], float32 [b, 3, h, w]."""
        code = self.whitening.undo(z) if self.whitening else z
        return torch.sigmoid(self.decoder(code, self._labels(y)).float())

    def noise_shape(self, images: int) -> tuple[int, int, int]:
        """Of the standard normal numbers that the loss of so many images needs."""
        return 2, images, self.prior.noise_dimensions

    def concerns(self, epoch: Mapping[str, float]) -> list[str]:
        """Nothing: a loss that breaks is refused by the training loop."""
        return []

    def loss(self, x: Tensor, y: Tensor, noise: Tensor, progress: Tensor) -> dict[str, Tensor]:
        """All terms of the batch's mean loss, as float32 scalars under the names of :attr:`terms`.

        Args:
            x: [b, 3, h, w] in [0, 1]. y: bool [b, attributes].
            noise: standard normal, of :meth:`noise_shape`: for the reparametrisation, and for draws from the prior.
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
                batch normalisation sees both. They are constants: it is not for them to move the prior.
        """
        posterior = self.encode(x, y)
        z = posterior.sample(noise[0, :, : self.network.latent])
        with torch.no_grad():  # the KL fits the prior to the codes; what else there is moves the codes to the prior
            drawn = self.prior.sample(noise[1], y)
        if samples:
            images = self.decode(torch.cat([z, drawn]), torch.cat([y, y]))
            sse = losses.sum_of_squares(x, images[: len(x)])
        else:
            images = self.decode(z, y)
            sse = losses.sum_of_squares(x, images)
        kl = self.prior.kl(posterior, z, y)
        penalty, extras = self.family.regulariser(kl.mean(), z, drawn, progress)
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
        return signed(y) if self.conditional else None
