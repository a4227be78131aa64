"""A model against its discriminator: the losses of both, as :mod:`vaematrix.models.adversary` writes them."""

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from vaematrix.models.adversary import Adversary
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.objective import Objective, Trainable

MOST_RATIO = 1e4  # λ's largest value
SURE = 0.99  # a discriminator that is right this often, of each kind of image, always wins
COLLAPSED = 0.1  # samples that differ this little, as a share of how faces differ, are one and the same face


class Discriminator(nn.Module):
    """x → a score, positive for what it takes for a face of the data.

    Spectral normalisation (Miyato et al., 2018) bounds its slope. It has no batch normalisation, by which it would tell
    a batch of faces from one of samples, and it sees no attributes.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.stages = nn.Sequential(*(_down(a, b) for a, b in itertools.pairwise([3, *network.widths])))
        self.head = spectral_norm(nn.Linear(network.base**2 * network.widths[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Args: x [b, 3, size, size] in [0, 1]. Returns float32 [b], computed in float32 under autocast too."""
        with torch.autocast(x.device.type, enabled=False):
            return self.head(self.stages(x.float()).flatten(1)).squeeze(1)


def _down(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(spectral_norm(nn.Conv2d(inputs, outputs, 4, stride=2, padding=1)), nn.LeakyReLU(0.2))


class Adversarial:
    """A model and its discriminator as a training sees them, in the model's place.

    L moves the encoder and the decoder: L_A reaches both, through x̂ and x̃, and neither the discriminator nor the prior.
    L_D moves the discriminator alone.
    """

    def __init__(self, model: Autoencoder, adversary: Adversary) -> None:
        """Make a discriminator with fresh weights from torch's global generator, on the model's device."""
        self.model, self.adversary = model, adversary
        device = next(model.parameters()).device
        self.discriminator = Discriminator(model.network).to(device).to(memory_format=torch.channels_last)
        self.risen = False  # whether w(t) was above 0 already; it never falls back

    @property
    def terms(self) -> tuple[str, ...]:
        """The names of what :meth:`loss` returns, in order."""
        return (
            *self.model.terms,
            "adversarial_loss",
            "adversarial_weight",
            "gradient_ratio",
            "discriminator_loss",
            "real_accuracy",
            "reconstruction_accuracy",
            "sample_accuracy",
            "sample_spread",
        )

    @property
    def objectives(self) -> dict[str, Objective]:
        """The model's, and the discriminator's."""
        rate = self.adversary.learning_rate
        opposed = Objective("discriminator_loss", self.discriminator, learning_rate=rate, betas=(0.5, 0.999))
        return {**self.model.objectives, "discriminator": opposed}

    @torch.compiler.disable  # torch.compile takes no gradient inside of what it compiles
    def loss(self, x: Tensor, y: Tensor, noise: Tensor, progress: Tensor) -> dict[str, Tensor]:
        """The terms of both losses, as scalars under the names of :attr:`terms`. Args: as for the model's loss.

        Both are those of the weights before a step of either: the graph of L ends where the discriminator begins.
        """
        weight = self.adversary.weight_at(progress)
        self.risen = self.risen or bool(weight > 0)  # on a GPU, this look at it waits for the device
        parts = self.model.parts(x, y, noise, progress, samples=self.risen)
        terms = self.model.total(parts)
        made = parts.images if self.risen else torch.cat([parts.images, self._samples_aside(noise[1], y)])
        seen = made.detach().requires_grad_()
        of_faces, of_made = self.discriminator(torch.cat([x, seen])).split([len(x), len(seen)])
        fooling = -of_made.mean()
        ratio = torch.zeros_like(fooling)
        if self.risen:
            (pull,) = torch.autograd.grad(fooling, seen, retain_graph=True)
            ratio = self._gradient_ratio(terms["nll"], made, pull)
            # The value of L_A with its gradient at the images, so that nothing leads back into the discriminator.
            terms["loss"] = terms["loss"] + weight * ratio * (fooling.detach() + (pull * (made - seen.detach())).sum())
        samples = made.detach()[len(x) :]
        of_reconstructions, of_samples = of_made.detach().chunk(2)
        return terms | {
            "adversarial_loss": fooling,
            "adversarial_weight": weight,
            "gradient_ratio": ratio,
            "discriminator_loss": hinge(of_faces, of_made),
            "real_accuracy": _share(of_faces > 0),
            "reconstruction_accuracy": _share(of_reconstructions < 0),
            "sample_accuracy": _share(of_samples < 0),
            "sample_spread": spread(samples) / spread(x),
        }

    def _samples_aside(self, noise: Tensor, y: Tensor) -> Tensor:
        """Samples decoded as after the training, by the running statistics, which they leave as they are.

        As long as w(t) = 0 the discriminator is to learn, and the model to be trained as if it had no adversary.
        """
        self.model.decoder.eval()
        with torch.no_grad():
            samples = self.model.decode(self.model.prior.sample(noise, y), y)
        self.model.decoder.train()
        return samples

    def _gradient_ratio(self, nll: Tensor, made: Tensor, pull: Tensor) -> Tensor:
        """λ, a scalar. Args: pull: ∂L_A/∂made."""
        last = self.model.decoder.image.weight
        (of_pixels,) = torch.autograd.grad(nll, last, retain_graph=True)
        (of_adversary,) = torch.autograd.grad(made, last, pull, retain_graph=True)
        return (of_pixels.norm() / (of_adversary.norm() + 1e-4)).clamp(0, MOST_RATIO)

    def concerns(self, epoch: Mapping[str, float]) -> list[str]:
        """What in an epoch's means says that one of the two has lost, in words. Args: as in history.jsonl."""
        height = self.adversary.weight
        if not height or epoch["adversarial_weight"] < 0.999 * height:  # too early to say
            return []
        found = []
        if min(epoch[f"{of}_accuracy"] for of in ("real", "reconstruction", "sample")) >= SURE:
            found.append(
                f"the discriminator always wins: it is right about at least {SURE:.0%} of the faces, of their "
                "reconstructions and of the samples, and can say little of where they differ. Try a lower "
                "adversary.learning_rate."
            )
        if epoch["sample_spread"] < COLLAPSED:
            found.append(
                f"the samples have collapsed: two of them differ less than {COLLAPSED:.0%} as much as two faces do. "
                "Try a lower adversary.weight."
            )
        return found


def hinge(of_faces: Tensor, of_made: Tensor) -> Tensor:
    """L_D. Args: scores of faces [b], and of reconstructions and as many samples [2b]."""
    return 0.5 * (1 - of_faces).relu().mean() + 0.5 * (1 + of_made).relu().mean()


def spread(images: Tensor) -> Tensor:
    """How much images differ: the mean square of the differences of neighbours. Args: [b, …], in no order."""
    return (images - images.roll(1, 0)).square().mean()


def _share(right: Tensor) -> Tensor:
    return right.float().mean()


def trainable(model: Autoencoder) -> Trainable:
    """What a training trains: the model, or where it has an adversary, both of them."""
    return Adversarial(model, model.adversary) if model.adversary else model
