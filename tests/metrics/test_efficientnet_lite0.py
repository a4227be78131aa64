"""EfficientNet-Lite0 against the definition that its weights were published with, and whether it sees what there is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from skimage import data

from vaematrix.common.errors import UserError
from vaematrix.metrics import features
from vaematrix.metrics.features import FeatureNetwork, efficientnet_lite0

STORED = {0: 0.0, 1: 0.3306, 163: 4.02999, 283: 4.58183, 387: 3.941, 640: 0.13684, 1133: 4.12888, 1278: 0.64216}
CLASSES = {"chelsea": 285, "coffee": 967, "camera": 872}  # ImageNet's Egyptian cat, espresso and tripod


@pytest.fixture(scope="module")
def network() -> FeatureNetwork:
    return features.load_network("efficientnet_lite0", None)


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return torch.load(efficientnet_lite0._in_package(), weights_only=True)


def square(name: str) -> np.ndarray:
    """The centre of one of scikit-image's pictures, uint8 [1, side, side, 3]."""
    picture = getattr(data, name)()
    picture = np.stack([picture] * 3, axis=-1) if picture.ndim == 2 else picture
    side = min(picture.shape[:2])
    top, left = ((length - side) // 2 for length in picture.shape[:2])
    return picture[None, top : top + side, left : left + side]


@pytest.mark.parametrize(("height", "width"), [(64, 64), (178, 218)])
def test_the_features_are_those_of_the_published_definition(network, height: int, width: int) -> None:
    """efficientnet-lite-pytorch, for which the weights were converted from TensorFlow's."""
    from efficientnet_lite_pytorch import EfficientNet

    definition = EfficientNet.from_pretrained("efficientnet-lite0", str(efficientnet_lite0._in_package())).eval()
    images = np.random.default_rng(0).integers(0, 256, (3, height, width, 3), np.uint8)
    small = torch.nn.functional.interpolate(
        torch.from_numpy(images).permute(0, 3, 1, 2).double(), (128, 128), mode="bilinear", antialias=True
    )
    with torch.inference_mode():
        expected = definition.extract_features(((small - 127) / 128).float()).mean((2, 3)).numpy()
    np.testing.assert_allclose(network.features(images), expected, atol=1e-4)


@pytest.mark.parametrize("name", CLASSES)
def test_what_is_in_a_picture_is_seen(network, weights, name: str) -> None:
    """With the published classifier on top: the padding, the channels' order and the normalisation are right."""
    logits = weights["_fc.weight"].numpy() @ network.features(square(name))[0] + weights["_fc.bias"].numpy()
    assert logits.argmax() == CLASSES[name]


def test_the_features_stay_what_they_were(network) -> None:
    """Written down once: other values mean that published distances no longer hold."""
    found = network.features(square("astronaut"))[0]
    assert found.shape == (1280,)
    np.testing.assert_allclose(found[list(STORED)], list(STORED.values()), atol=1e-3)
    assert network.identity == {
        "network": "EfficientNet-Lite0",
        "weights_sha256": efficientnet_lite0.SHA256,
        "resized_to": 128,
        "dims": 1280,
    }


def test_features_do_not_depend_on_the_batches(network) -> None:
    images, done = np.random.default_rng(1).integers(0, 256, (7, 64, 64, 3), np.uint8), []
    parts = network.features(images, batch_size=3, progress=done.append)
    assert (parts.dtype, parts.shape, done) == (np.float32, (7, 1280), [3, 3, 1])
    np.testing.assert_allclose(parts, network.features(images, batch_size=7), atol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compares a GPU with the CPU")
def test_a_gpu_gives_the_same_features(network) -> None:
    images = square("astronaut")
    on_gpu = features.load_network("efficientnet_lite0", None, "cuda").features(images)
    np.testing.assert_allclose(on_gpu, network.features(images), atol=1e-3)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"something else")
    with pytest.raises(UserError, match=r"weights\.pth: SHA-256 .* is not the expected 57934424.*--force-reinstall"):
        features.load_network("efficientnet_lite0", path)


def test_an_absent_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(efficientnet_lite0, "PACKAGE", "efficientnet-lite0-that-nobody-has")
    with pytest.raises(UserError, match=r"efficientnet-lite0-that-nobody-has.*requirements\.txt"):
        features.load_network("efficientnet_lite0", None)


def test_every_network_is_known_to_the_schema() -> None:
    import yaml

    schema = yaml.safe_load((Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml").read_text())
    known = schema["properties"]["evaluation"]["properties"]["features"]["properties"]["network"]["enum"]
    assert sorted(known) == features.networks()
