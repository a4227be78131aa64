"""The measures of the networks that all models of an experiment share. Free of torch: the Snakefile checks them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vaematrix.common.errors import UserError


def misfit(size: int, widths: Sequence[int]) -> str | None:
    """What is wrong with as many stages as there are `widths` for images of `size` pixels; None where they fit."""
    stages = len(widths)
    if size % 2**stages == 0:
        return None
    needed = f"2^{stages} = {2**stages}"
    return f"has {stages} stages, each of which halves the image: dataset.size {size} is no multiple of {needed}"


def too_many_dimensions(latent: int, train_images: int) -> str | None:
    """What is wrong with a latent of so many dimensions for so many training images; None where there are enough."""
    if train_images >= latent:
        return None
    return (
        f"has {latent} dimensions, and there are only {train_images} training images: PCA, the floor with as many "
        "components, needs as many images. Use fewer dimensions or more images."
    )


@dataclass(frozen=True)
class Network:
    """What the networks of all models in an experiment have in common.

    Attributes:
        size: height and width of an image in pixels.
        widths: channels after each stride-2 convolution; the decoder mirrors them.
        latent: dimensions of the latent code.
        attributes: length of the label vector y (used by conditional families only).
    """

    size: int
    widths: tuple[int, ...]
    latent: int
    attributes: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", tuple(self.widths))
        if fault := misfit(self.size, self.widths):
            raise UserError(f"network.widths {fault}. Use fewer widths.")

    @property
    def base(self) -> int:
        """Height and width of the innermost feature map."""
        return self.size // 2 ** len(self.widths)

    @property
    def values(self) -> int:
        """D, the number of values in one image."""
        return 3 * self.size**2

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return asdict(self) | {"widths": list(self.widths)}
