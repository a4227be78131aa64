"""The features behind FID: pytorch-fid's Inception-v3, exactly as the pytorch-fid program computes them.

Only with the published weights is the Fréchet distance of its 2,048 pooled features the FID.
"""

from collections import OrderedDict
from pathlib import Path

import torch
from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d, Inception3, InceptionAux, InceptionB, InceptionD

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.metrics.catalogue import in_inception
from vaematrix.metrics.features import FeatureNetwork
from vaematrix.metrics.inception_weights import SHA256, SIZE, URL

TITLE, DIMS = "Inception-v3", 2048


def load(weights: str | Path, device: str | torch.device = "cpu", expected_sha256: str = SHA256) -> FeatureNetwork:
    """The network with the weights in a file; the hash is checked before the file is opened.

    Args:
        weights: a state dict of the FID Inception-v3 with 1,008 classes, as pytorch-fid's release has it.
        device: where the features are computed.
        expected_sha256: of a file with other weights; what they yield is then not called FID.

    Raises:
        UserError: another hash, or a file that does not hold this network's weights.
    """
    path = Path(weights)
    found = sha256(path)
    if found != expected_sha256:
        raise UserError(
            f"{path}: SHA-256 {found} ({path.stat().st_size:,} bytes) is not the expected {expected_sha256}.\n"
            f"Delete the file and fetch it again; the weights of FID ({SIZE:,} bytes) are at {URL}"
        )
    network = _without_weights()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True, assign=True)
    except Exception as error:  # whatever torch says of a file that is not what it should be
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{path}: does not hold the weights of the FID Inception-v3 ({reason})") from error
    layers = InceptionV3(network).to(device).to(memory_format=torch.channels_last)
    metrics = in_inception(TITLE, official=found == SHA256)
    identity = {"network": "pytorch-fid InceptionV3", "weights_sha256": found, "dims": DIMS}
    return FeatureNetwork("inception", TITLE, layers, DIMS, metrics, identity)


class InceptionV3(nn.Module):
    """Everything up to the average pool, with pytorch-fid's resizing before it. Args: network: with its weights."""

    def __init__(self, network: Inception3) -> None:
        super().__init__()
        layers = list(network.named_children())  # in the order of the forward pass
        names = [name for name, _ in layers]
        self.layers = nn.Sequential(OrderedDict(layers[: names.index("avgpool") + 1])).eval().requires_grad_(False)
        _fold_normalisation(self.layers)

    def forward(self, images: Tensor) -> Tensor:
        """uint8 [n, 3, height, width] to float32 [n, 2048]."""
        x = functional.interpolate(images.float() / 255, size=(299, 299), mode="bilinear", align_corners=False)
        return self.layers(2 * x - 1).flatten(1)


def _without_weights() -> Inception3:
    """The FID Inception-v3 with 1,008 classes, without memory for weights.

    torchvision's constructor takes pytorch-fid's blocks. pytorch-fid's own constructor would go through torch.hub for
    the weights, and both would draw initial ones from the global random state.
    """

    def last_blocks(channels: int) -> nn.Module:
        return FIDInceptionE_1(channels) if channels == 1280 else FIDInceptionE_2(channels)

    blocks = [BasicConv2d, FIDInceptionA, InceptionB, FIDInceptionC, InceptionD, last_blocks, InceptionAux]
    with torch.device("meta"):
        return Inception3(1008, aux_logits=False, inception_blocks=blocks, init_weights=False)


def _fold_normalisation(module: nn.Module) -> None:
    """Fold each batch normalisation into its convolution: the same numbers to 1e-6, 1.2 to 1.4 times as fast."""
    for name, child in module.named_children():
        if isinstance(child, BasicConv2d):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child.conv, child.bn), nn.ReLU(inplace=True)))
        else:
            _fold_normalisation(child)
