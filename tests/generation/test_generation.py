"""What a trained model makes: each picture decoded once more, by hand."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vaematrix.generation.codec import BATCH, decode, encode
from vaematrix.generation.edits import attribute_directions, switch_attributes
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.walks import interpolate, traverse
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.weights import build

LATENT, ATTRIBUTES, SIZE = 5, 3, 8


def trained(family: str = "vae") -> Autoencoder:
    """A model in evaluation mode whose pictures have contrast and whose batch statistics matter."""
    torch.manual_seed(0)
    model = build(family, Network(SIZE, (4, 8), LATENT, ATTRIBUTES), None, {})
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.uniform_(-0.5, 0.5)
                module.running_var.uniform_(0.1, 0.5)
            elif isinstance(module, nn.Linear):
                module.weight.mul_(3)
        model.decoder.image.weight.mul_(5)
    return model.eval()


def faces(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and attributes."""
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (n, SIZE, SIZE, 3), np.uint8), rng.random((n, ATTRIBUTES)) > 0.5


def codes(n: int) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((n, LATENT)).astype(np.float32)


def labels(n: int) -> np.ndarray:
    return np.random.default_rng(3).random((n, ATTRIBUTES)) > 0.5


def picture(model: Autoencoder, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """One code decoded alone and rounded with numpy: float [h, w, 3]."""
    with torch.no_grad():
        x = model.decode(torch.from_numpy(z[None]), torch.from_numpy(y[None]))[0].numpy()
    return np.rint(x.transpose(1, 2, 0).astype(np.float64) * 255)


def assert_same_picture(image: np.ndarray, expected: np.ndarray) -> None:
    """Equal, but for the level that float32 may round to the other side in a batch of another size."""
    assert image.dtype == np.uint8
    assert image.shape == expected.shape
    difference = np.abs(image - expected)
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


@pytest.fixture
def glass(monkeypatch: pytest.MonkeyPatch) -> Callable[[Autoencoder], Autoencoder]:
    """Replace a model's decoder by one through which the code and the labels can be seen.

    A picture is [3, 1, LATENT]: (z + 4)·25/255 in the first channel, so that a quarter of a unit is 6 grey levels;
    and in the second the labels.
    """

    def decode(z: Tensor, y: Tensor) -> Tensor:
        x = torch.zeros(len(z), 3, 1, LATENT)
        x[:, 0, 0] = (z + 4) * 25 / 255
        x[:, 1, 0, :ATTRIBUTES] = y.float()
        return x

    def apply(model: Autoencoder) -> Autoencoder:
        monkeypatch.setattr(model, "decode", decode)
        return model

    return apply


def seen_codes(images: np.ndarray) -> np.ndarray:
    return images[..., 0, :, 0] / 25.0 - 4


def seen_labels(images: np.ndarray) -> np.ndarray:
    return images[..., 0, :ATTRIBUTES, 1] > 127


def test_every_level_is_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    model = trained()
    level, offset = (array.ravel() for array in np.meshgrid(np.arange(256), [-0.49, 0.0, 0.49]))
    x = ((level + offset) / 255).clip(0, 1).astype(np.float32)
    monkeypatch.setattr(model, "decode", lambda z, y: torch.from_numpy(x).reshape(1, 3, 16, 16))
    image = decode(model, codes(1), labels(1))[0]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, level.reshape(3, 16, 16).transpose(1, 2, 0))


def test_images_are_numpys_rounding_of_what_the_model_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x = trained(), np.random.default_rng(0).random((4, 3, 6, 10), np.float32)
    monkeypatch.setattr(model, "decode", lambda z, y: torch.from_numpy(x))
    image = decode(model, codes(4), labels(4))
    np.testing.assert_array_equal(image, np.rint(x * 255).transpose(0, 2, 3, 1))


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_batches_are_put_together_in_order(family: str) -> None:
    model, n = trained(family), BATCH + 3
    z, y = codes(n), labels(n)
    images = decode(model, z, y)
    assert images.shape == (n, SIZE, SIZE, 3)
    for index in (0, 1, BATCH - 1, BATCH, n - 1):
        assert_same_picture(images[index], picture(model, z[index], y[index]))
    assert np.abs(np.diff(images.astype(int), axis=0)).max(axis=(1, 2, 3)).min() > 5, "the pictures differ too little"


def test_posteriors_are_the_models_own() -> None:
    model, (images, attributes) = trained(), faces(BATCH + 3)
    means, deviations = encode(model, images, attributes)
    x = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255))
    with torch.no_grad():
        posterior = model.encode(x, torch.from_numpy(attributes))
    assert means.dtype == deviations.dtype == np.float32
    np.testing.assert_allclose(means, posterior.mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(deviations**2, posterior.log_variance.exp(), rtol=1e-4)
    assert means.std() > 0.1


def test_a_conditional_models_posterior_is_told_the_labels() -> None:
    model, (images, attributes) = trained("conditional_vae"), faces(4)
    means, _ = encode(model, images, attributes)
    other, _ = encode(model, images, ~attributes)
    assert np.abs(means - other).min() > 1e-3


def test_an_image_does_not_depend_on_its_neighbours() -> None:
    """Batch normalisation in training mode would make it, and change the model at every look."""
    model, (originals, attributes) = trained(), faces(6)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    together = encode(model, originals, attributes)
    alone = encode(model, originals[2:3], attributes[2:3])
    for all_values, value in zip(together, alone, strict=True):
        np.testing.assert_allclose(all_values[2:3], value, rtol=1e-4, atol=1e-5)
    images = decode(model, together[0], attributes)
    assert_same_picture(images[2], picture(model, alone[0][0], attributes[2]))
    for again, once in zip(encode(model, originals, attributes), together, strict=True):
        np.testing.assert_array_equal(again, once)
    np.testing.assert_array_equal(decode(model, together[0], attributes), images)
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_attributes_are_drawn_as_whole_rows_of_the_joint() -> None:
    """Bits drawn one by one would make the four rows that are not there, 7 times in 10."""
    rows = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], dtype=bool)  # the last bit is the others' xor
    counts = np.array([1, 2, 3, 4])
    n = 10_000
    drawn = draw_attributes(np.repeat(rows, counts, axis=0), n, 0)
    assert drawn.shape == (n, 3)
    assert drawn.dtype == bool
    np.testing.assert_array_equal(drawn[:, 2], drawn[:, 0] ^ drawn[:, 1])
    frequencies = np.bincount(drawn @ [2, 1, 0], minlength=4) / n
    np.testing.assert_allclose(frequencies, counts / 10, atol=5 * np.sqrt(0.25 / n))


def test_a_seed_names_its_attributes() -> None:
    joint = np.eye(40, dtype=bool)
    drawn = draw_attributes(joint, 100, 4)
    np.testing.assert_array_equal(drawn, draw_attributes(joint, 100, 4))
    assert (drawn != draw_attributes(joint, 100, 5)).any()


def test_directions_are_differences_of_means() -> None:
    z, y = codes(50), labels(50)
    directions = attribute_directions(z, y)
    assert directions.shape == (ATTRIBUTES, LATENT)
    assert directions.dtype == np.float32
    for attribute in range(ATTRIBUTES):
        have = [code for code, label in zip(z, y, strict=True) if label[attribute]]
        lack = [code for code, label in zip(z, y, strict=True) if not label[attribute]]
        expected = np.mean(have, axis=0, dtype=np.float64) - np.mean(lack, axis=0, dtype=np.float64)
        np.testing.assert_allclose(directions[attribute], expected, rtol=1e-4, atol=1e-6)


def test_what_all_or_none_have_has_no_direction(recwarn: pytest.WarningsRecorder) -> None:
    y = labels(20)
    y[:, 0], y[:, 2] = True, False
    directions = attribute_directions(codes(20) + 10, y)
    np.testing.assert_array_equal(directions[[0, 2]], 0)
    assert np.abs(directions[1]).max() > 0.01
    assert not recwarn.list


def test_a_conditional_model_is_told_the_other_label_and_keeps_the_code() -> None:
    model, z, y = trained("conditional_vae"), codes(4), labels(4)
    z_before, y_before = z.copy(), y.copy()
    images = switch_attributes(model, z, y, np.full((ATTRIBUTES, LATENT), 100, np.float32))
    assert images.shape == (4, 1 + ATTRIBUTES, SIZE, SIZE, 3)
    for face in range(4):
        assert_same_picture(images[face, 0], picture(model, z[face], y[face]))
        for attribute in range(ATTRIBUTES):
            other = y[face].copy()
            other[attribute] = not other[attribute]
            assert_same_picture(images[face, 1 + attribute], picture(model, z[face], other))
            assert np.abs(images[face, 1 + attribute].astype(int) - images[face, 0]).max() > 5, "nothing was switched"
    np.testing.assert_array_equal(z, z_before)
    np.testing.assert_array_equal(y, y_before)


def test_a_conditional_model_sees_one_label_differ(glass: Callable[[Autoencoder], Autoencoder]) -> None:
    z, y = codes(4).round(), labels(4)
    images = switch_attributes(glass(trained("conditional_vae")), z, y, np.ones((ATTRIBUTES, LATENT)))
    np.testing.assert_array_equal(seen_codes(images), np.stack([z] * (1 + ATTRIBUTES), axis=1))
    differs = seen_labels(images) ^ y[:, None]
    np.testing.assert_array_equal(differs, [np.eye(1 + ATTRIBUTES, ATTRIBUTES, -1, dtype=bool)] * 4)


def test_other_models_move_along_the_direction(glass: Callable[[Autoencoder], Autoencoder]) -> None:
    """Forwards where the attribute is absent, backwards where it is present; column 0 is the face as it is."""
    z, y = codes(3).round(), np.array([[0, 0, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)
    directions = np.array([[1, 0, 0, 0, 0], [0, 2, -1, 0, 0], [0, 0, 0, 0.2, 1.4]], np.float32)
    images = switch_attributes(glass(trained()), z, y, directions)
    a, b, c = directions
    steps = [[0 * a, a, b, c], [0 * a, -a, -b, -c], [0 * a, a, -b, c]]
    np.testing.assert_allclose(seen_codes(images), z[:, None] + np.array(steps), atol=1e-6)


def test_other_models_pictures_are_the_models_own() -> None:
    model, z, y, directions = trained(), codes(2), labels(2), codes(ATTRIBUTES)[::-1].copy()
    images = switch_attributes(model, z, y, directions)
    for face in range(2):
        assert_same_picture(images[face, 0], picture(model, z[face], y[face]))
        for attribute, direction in enumerate(directions):
            moved = z[face] - direction if y[face, attribute] else z[face] + direction
            assert_same_picture(images[face, 1 + attribute], picture(model, moved, y[face]))


def test_interpolations_walk_a_straight_line(glass: Callable[[Autoencoder], Autoencoder]) -> None:
    z, y = codes(4).round(), np.array([[0, 1, 0], [1, 1, 0], [0, 0, 1], [0, 1, 0]], dtype=bool)
    images = interpolate(glass(trained("conditional_vae")), z, y, 5)
    assert images.shape[:2] == (2, 5)
    for pair in (0, 1):
        for step in range(5):
            share = step / 4
            expected = z[2 * pair] + share * (z[2 * pair + 1] - z[2 * pair])
            np.testing.assert_allclose(seen_codes(images)[pair, step], expected, atol=0.5 / 25)
            labels = y[2 * pair] + share * (y[2 * pair + 1].astype(float) - y[2 * pair])
            np.testing.assert_allclose(images[pair, step, 0, :ATTRIBUTES, 1] / 255, labels, atol=0.5 / 255)


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_interpolations_end_at_the_reconstructions(family: str) -> None:
    model, z, y = trained(family), codes(4), labels(4)
    images = interpolate(model, z, y, 3)
    assert images.shape == (2, 3, SIZE, SIZE, 3)
    for face in range(4):
        assert_same_picture(images[face // 2, -(face % 2)], picture(model, z[face], y[face]))


def posteriors() -> tuple[np.ndarray, np.ndarray]:
    """Posteriors of 30 images whose dimensions carry much, little, most, nothing and some information."""
    rng = np.random.default_rng(5)
    means = rng.standard_normal((30, LATENT)) * [1.0, 0.2, 1.5, 0.0, 0.6]
    deviations = np.array([0.5, 0.9, 0.1, 1.0, 0.8]) * np.ones((30, 1))
    means[0] = [1, -1, 2, 0, -2]
    return means.astype(np.float32), deviations.astype(np.float32)


@pytest.mark.parametrize("dimensions", [3, LATENT, LATENT + 4])
def test_the_most_informative_dimensions_are_walked(
    dimensions: int, glass: Callable[[Autoencoder], Autoencoder]
) -> None:
    means, deviations = posteriors()
    q = torch.distributions.Normal(torch.from_numpy(means), torch.from_numpy(deviations))
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).mean(0).numpy()
    order = np.argsort(kl)[::-1][:dimensions]
    face = np.array([True, False, True])
    images, walked, nats, values = traverse(glass(trained()), means, deviations, face, dimensions, 7)
    np.testing.assert_array_equal(walked, order)
    assert walked[:3].tolist() == [2, 0, 4]
    np.testing.assert_allclose(nats, kl[order], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(values, [-3, -2, -1, 0, 1, 2, 3])
    assert images.shape == (len(order), 7, 1, LATENT, 3)
    expected = np.empty((len(order), 7, LATENT))
    for row, dimension in enumerate(order):
        for step, value in enumerate([-3, -2, -1, 0, 1, 2, 3]):
            expected[row, step] = [1, -1, 2, 0, -2]
            expected[row, step, dimension] = value
    np.testing.assert_allclose(seen_codes(images), expected, atol=1e-6)
    assert (seen_labels(images) == face).all()


def test_a_traversals_pictures_are_the_models_own() -> None:
    model, (means, deviations), face = trained("conditional_vae"), posteriors(), np.array([False, True, True])
    images, walked, _, values = traverse(model, means, deviations, face, 2, 3)
    assert images.shape == (2, 3, SIZE, SIZE, 3)
    for row, dimension in enumerate(walked):
        for step, value in enumerate(values):
            z = means[0].copy()
            z[dimension] = value
            assert_same_picture(images[row, step], picture(model, z, face))
