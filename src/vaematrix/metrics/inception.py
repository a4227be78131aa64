"""The features behind FID: pytorch-fid's Inception-v3, with the published weights or with fixed random ones.

Only with the published weights and all 2,048 dimensions is the Fréchet distance of these features the FID. What any
other weights or layer yield has a name of its own, so that the numbers never meet in one column.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.inception import BasicConv2d, Inception3, InceptionAux, InceptionB, InceptionD
from tqdm import tqdm

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.metrics.inception_weights import SHA256, SIZE, URL

# Each number of dimensions is the number of channels after one layer (pytorch-fid's blocks end there).
_LAST_LAYER = {64: "maxpool1", 192: "maxpool2", 768: "Mixed_6e", 2048: "avgpool"}


class FeatureNetwork:
    """Turns images into feature vectors exactly as the pytorch-fid program does.

    Attributes:
        dims: length of a feature vector.
        metric_key: name in metrics.json of the Fréchet distance of these features.
        metric_label: the name people read.
        identity: what made the features, as JSON values: network, dims, and the hash of the weights (with their seed
            where they are random). Statistics of different identities are not comparable.
    """

    def __init__(self, layers: nn.Module, dims: int, key: str, label: str, identity: dict[str, Any]) -> None:
        """For the class methods below."""
        self._layers = layers
        self.dims = dims
        self.metric_key = key
        self.metric_label = label
        self.identity = {**identity, "dims": dims}

    @classmethod
    def of(cls, weights: str | Path | None, dims: int, device: str | torch.device) -> "FeatureNetwork":
        """The network that an experiment asks for: of a weight file, or with the random weights of seed 0."""
        return cls.from_file(weights, dims, device) if weights else cls.random(0, dims, device)

    @classmethod
    def from_file(
        cls, path: str | Path, dims: int = 2048, device: str | torch.device = "cpu", expected_sha256: str = SHA256
    ) -> "FeatureNetwork":
        """The network with the weights in a file; the hash is checked before the file is opened.

        Args:
            path: a state dict of the FID Inception-v3 with 1,008 classes, as pytorch-fid's release has it.
            dims: 64, 192, 768 or 2048.
            device: where the features are computed.
            expected_sha256: of a file with other weights; what they yield is then not called FID.

        Raises:
            UserError: another hash, or a file that does not hold this network's weights.
        """
        path = Path(path)
        found = sha256(path)
        if found != expected_sha256:
            raise UserError(
                f"{path}: SHA-256 {found} ({path.stat().st_size:,} bytes) is not the expected {expected_sha256}.\n"
                f"Delete the file and fetch it again; the weights of FID ({SIZE:,} bytes) are at {URL}"
            )
        network = _empty_inception()
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            network.load_state_dict(weights, strict=True, assign=True)
        except Exception as error:  # whatever torch says of a file that is not what it should be
            reason = str(error).strip().splitlines()[0]
            raise UserError(f"{path}: does not hold the weights of the FID Inception-v3 ({reason})") from error
        identity = {"network": "pytorch-fid InceptionV3", "weights_sha256": found}
        key, label = _names(found == SHA256, dims)
        return cls(_up_to(network, dims, device), dims, key, label, identity)

    @classmethod
    def random(cls, seed: int, dims: int = 192, device: str | torch.device = "cpu") -> "FeatureNetwork":
        """The network with random weights, the same for a seed on every machine and with every torch and numpy.

        He initialisation keeps the variance of the activations from layer to layer. torchvision's own lets it die
        away, and with it every difference between images.

        Args:
            seed: of the weights.
            dims: 64, 192, 768 or 2048; the layers that two of them share have the same weights.
            device: where the features are computed.
        """
        network = _empty_inception()
        digest = _randomise(network, seed)
        identity = {"network": "InceptionV3 with random weights", "weights_sha256": digest, "seed": seed}
        key, label = "frechet_random", "Fréchet distance (random features)"
        if dims != 192:  # other layers give other numbers, which must not meet these in one column
            key, label = f"{key}_{dims}", f"Fréchet distance (random features, {dims} dims)"
        return cls(_up_to(network, dims, device), dims, key, label, identity)

    @torch.inference_mode()
    def features(
        self, images: np.ndarray, batch_size: int | None = None, progress: Callable[[int], Any] | None = None
    ) -> np.ndarray:
        """Feature vectors of images.

        Args:
            images: uint8 RGB [n, height, width, 3]; any size, resized to 299x299 inside.
            batch_size: images at one time; by default what is fast, 8 on a CPU and 128 elsewhere.
            progress: called after each batch with the number of its images, e.g. `tqdm.update`.

        Returns:
            float32 [n, dims].
        """
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
            raise ValueError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {list(images.shape)}")
        device = next(self._layers.parameters()).device
        batch_size = batch_size or (8 if device.type == "cpu" else 128)
        features = np.empty((len(images), self.dims), dtype=np.float32)
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size])).to(device)
            # NHWC seen as NCHW is torch's channels_last, the faster layout: no copy is made.
            features[start : start + len(batch)] = self._forward(batch.permute(0, 3, 1, 2)).cpu().numpy()
            if progress:
                progress(len(batch))
        return features

    def features_of(self, images: np.ndarray, title: str) -> np.ndarray:
        """:meth:`features`, with a progress bar where standard error is a terminal."""
        with tqdm(total=len(images), desc=f"features of {title}", unit="image", disable=None) as bar:
            return self.features(images, progress=bar.update)

    def entry(self, value: float, count: int, about: str) -> dict[str, Any]:
        """The entry in metrics.json of a Fréchet distance `value` of `count` images."""
        label = self.metric_label if about == "generation" else f"{self.metric_label} of reconstructions"
        return {"value": value, "count": count, "label": label, "scale": "", "better": "lower", "about": about}

    def _forward(self, batch: torch.Tensor) -> torch.Tensor:
        """uint8 [n, 3, height, width] to float32 [n, dims]."""
        x = nn.functional.interpolate(batch.float() / 255, size=(299, 299), mode="bilinear", align_corners=False)
        # TF32 would be another metric: its 10 bits of mantissa move the features by 1e-3.
        with (
            torch.backends.cudnn.flags(enabled=True, allow_tf32=False, fp32_precision="ieee"),
            torch.autocast(batch.device.type, enabled=False),
        ):
            x = self._layers(2 * x - 1)
        return nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)


def _names(official: bool, dims: int) -> tuple[str, str]:
    """Key and label of the distance with weights from a file."""
    key = "fid" if official else "frechet_other"
    label = "FID" if official else "Fréchet distance (other weights)"
    if dims == 2048:
        return key, label
    return f"{key}_{dims}", f"FID ({dims} dims)" if official else f"Fréchet distance (other weights, {dims} dims)"


def _empty_inception() -> Inception3:
    """The FID Inception-v3 with 1,008 classes, without memory for weights.

    torchvision's constructor takes pytorch-fid's blocks. pytorch-fid's own constructor would go through torch.hub for
    the weights, and both would draw initial ones from the global random state.
    """

    def last_blocks(channels: int) -> nn.Module:
        return FIDInceptionE_1(channels) if channels == 1280 else FIDInceptionE_2(channels)

    blocks = [BasicConv2d, FIDInceptionA, InceptionB, FIDInceptionC, InceptionD, last_blocks, InceptionAux]
    with torch.device("meta"):
        return Inception3(1008, aux_logits=False, inception_blocks=blocks, init_weights=False)


def _up_to(network: Inception3, dims: int, device: str | torch.device) -> nn.Module:
    """The layers that features of `dims` dimensions need, ready to be used."""
    if dims not in _LAST_LAYER:
        raise ValueError(f"Inception-v3 has features of {', '.join(map(str, _LAST_LAYER))} dimensions, not {dims}")
    layers = OrderedDict(network.named_children())  # in the order of the forward pass
    names = list(layers)
    needed = names[: names.index(_LAST_LAYER[dims]) + 1]
    chain = nn.Sequential(OrderedDict((name, layers[name]) for name in needed)).eval().requires_grad_(False)
    _fuse_normalisation(chain)
    return chain.to(device, memory_format=torch.channels_last)


def _fuse_normalisation(module: nn.Module) -> None:
    """Fold each batch normalisation into its convolution: the same numbers to 1e-6, 1.2 to 1.4 times as fast."""
    for name, child in module.named_children():
        if isinstance(child, BasicConv2d):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child.conv, child.bn), nn.ReLU(inplace=True)))
        else:
            _fuse_normalisation(child)


def _randomise(network: Inception3, seed: int) -> str:
    """Give the network He-initialised convolutions (He et al. 2015, uniform) and return the hash of the weights.

    The numbers are PCG64's raw output scaled by exact arithmetic, because torch's generators and numpy's
    distributions may change between versions.
    """
    generator, digest = np.random.PCG64(seed), hashlib.sha256()
    weights = {}
    for name, empty in network.state_dict().items():
        if name.endswith("conv.weight"):
            unit = (generator.random_raw(empty.numel()) >> 40).astype(np.float32) / np.float32(2**23) - 1
            bound = np.float32(np.sqrt(6 / empty[0].numel()))  # variance 2 / fan_in
            value = (unit * bound).reshape(empty.shape)
            digest.update(name.encode() + value.astype("<f4").tobytes())
            weights[name] = torch.from_numpy(value)
        else:
            # Batch normalisation that changes nothing; the classifier is not used.
            ones = name.endswith(("bn.weight", "running_var"))
            weights[name] = torch.full(empty.shape, float(ones)).to(empty.dtype)
    network.load_state_dict(weights, strict=True, assign=True)
    return digest.hexdigest()
