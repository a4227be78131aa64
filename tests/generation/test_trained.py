"""A trained model from Python: each method beside what the workflow makes of the same weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import vaematrix
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256, write_json
from vaematrix.common.vectors import write_vectors
from vaematrix.generation import codec, samplers
from vaematrix.generation.fitted import FittedSampler, fit_sampler
from vaematrix.generation.latents import read_latents, told
from vaematrix.generation.sampler import Place
from vaematrix.generation.trained import TrainedModel
from vaematrix.models import weights
from vaematrix.models.architecture import Network

SIZE, LATENT, NAMES = 16, 4, ("Smiling", "Male", "Young")


def run(folder: Path, family: str) -> TrainedModel:
    """A run's folder: weights, run.json, and the latents of 40 training and 8 test faces."""
    torch.manual_seed(0)
    network = Network(SIZE, (4, 8), LATENT, len(NAMES))
    model = weights.build(family, network, None, {})
    with torch.no_grad():
        model.decoder.image.weight.mul_(20)
        model.encoder.head.weight.mul_(20)
    file = folder / "model.safetensors"
    made_from = {"family": family, "network": network.as_dict(), "sigma": None, "options": {}}
    weights.save(file, model, made_from, NAMES)
    write_json(folder / "run.json", {"weights_sha256": sha256(file)})
    labels = np.random.default_rng(1).random((48, len(NAMES))) > 0.5
    labels[:, 2] = ~labels[:, 0]  # nobody who smiles is young
    columns = {"split": ["train"] * 40 + ["test"] * 8, **dict(zip(NAMES, labels.T, strict=True))}
    means = np.random.default_rng(2).standard_normal((48, LATENT)).astype(np.float32)
    means[:, 0] += 5 * labels[:, 0]
    origin = {"vaematrix.weights_sha256": sha256(file), "vaematrix.conditional": family == "conditional_vae"}
    write_vectors(folder / "latents.parquet", columns, {"mean": means, "variance": means**2}, origin)
    return vaematrix.load_model(folder, "cpu")


@pytest.fixture
def plain(tmp_path: Path) -> TrainedModel:
    return run(tmp_path, "vae")


@pytest.fixture
def conditional(tmp_path: Path) -> TrainedModel:
    return run(tmp_path, "conditional_vae")


def images(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def codes_of(model: TrainedModel, faces: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return codec.encode(model.network, faces, labels)[0]


def test_a_model_says_what_it_was_trained_on(plain: TrainedModel) -> None:
    assert plain.attribute_names == NAMES
    assert not plain.conditional


def test_samples_are_decoded_draws_from_the_prior(plain: TrainedModel) -> None:
    found = plain.sample(5, seed=3)
    codes = np.random.default_rng(3).standard_normal((5, LATENT), dtype=np.float32)
    np.testing.assert_array_equal(found, codec.decode(plain.network, codes, np.zeros((5, 3), bool)))
    assert (found.shape, found.dtype) == ((5, SIZE, SIZE, 3), np.uint8)
    assert not np.array_equal(found, plain.sample(5, seed=4))


def test_samples_show_what_is_asked_for_and_else_what_goes_with_it(conditional: TrainedModel) -> None:
    labels = conditional._drawn_labels(50, 0, {"Smiling": True})
    assert labels[:, 0].all()
    assert not labels[:, 2].any(), "in training nobody who smiles is young"
    assert 0 < labels[:, 1].mean() < 1
    codes = np.random.default_rng(0).standard_normal((50, LATENT), dtype=np.float32)
    expected = codec.decode(conditional.network, codes, labels)
    np.testing.assert_array_equal(conditional.sample(50, Smiling=True), expected)
    assert not np.array_equal(expected, conditional.sample(50, Smiling=False))


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_samples_of_a_fitted_sampler(family: str, tmp_path: Path) -> None:
    model = run(tmp_path, family)
    (latents,) = read_latents(tmp_path / "latents.parquet", "train")
    sha, folder = sha256(model.file), tmp_path / "samplers/mine"
    gaussian = samplers.create("gaussian", {})
    fitted = fit_sampler("gaussian", gaussian, latents.posteriors, latents.posteriors, Place(), sha)
    fitted.save(folder / "sampler.safetensors", "a key")
    found = model.sample(5, seed=3, sampler="mine")
    labels = model._drawn_labels(5, 3, {})
    codes = fitted.draw(told(labels, model.conditional), 3)
    np.testing.assert_array_equal(found, codec.decode(model.network, codes, labels))
    assert not np.array_equal(found, model.sample(5, seed=3))
    with pytest.raises(UserError, match=r"samplers/flow/sampler\.safetensors: not found; known: prior, mine"):
        model.sample(5, sampler="flow")
    FittedSampler(**vars(fitted) | {"weights_sha256": "0"}).save(folder / "sampler.safetensors", "a key")
    with pytest.raises(UserError, match="is of other weights"):
        model.sample(5, sampler="mine")


def test_what_no_training_face_shows_needs_all_attributes(conditional: TrainedModel) -> None:
    with pytest.raises(UserError, match="no training face has Smiling=True, Young=True"):
        conditional.sample(2, Smiling=True, Young=True)
    assert len(conditional.sample(2, Smiling=True, Young=True, Male=False)) == 2


def test_reconstructions_are_those_of_the_workflow(conditional: TrainedModel) -> None:
    faces, labels = images(6), np.random.default_rng(4).random((6, 3)) > 0.5
    codes = codes_of(conditional, faces, labels)
    np.testing.assert_array_equal(conditional.encode(faces, labels), codes)
    np.testing.assert_array_equal(
        conditional.reconstruct(faces, labels), codec.decode(conditional.network, codes, labels)
    )
    by_name = dict(zip(NAMES, labels.T, strict=True))
    np.testing.assert_array_equal(conditional.encode(faces, by_name), codes)


def test_what_is_not_said_is_taken_at_its_share_in_training(conditional: TrainedModel) -> None:
    _, joint = conditional._training
    assert len(joint) == 40
    expected = np.tile(joint.mean(0), (2, 1)).astype(np.float32)
    np.testing.assert_allclose(conditional._labels(2, None), expected)
    expected[:, 1] = [1, 0]
    np.testing.assert_allclose(conditional._labels(2, {"Male": np.array([True, False])}), expected)
    assert conditional.reconstruct(images(2)).shape == (2, SIZE, SIZE, 3)


def test_an_edit_of_a_conditional_model_is_another_label(conditional: TrainedModel) -> None:
    faces, labels = images(4), np.zeros((4, 3), bool)
    switched = labels.copy()
    switched[:, 1] = True
    expected = codec.decode(conditional.network, codes_of(conditional, faces, labels), switched)
    np.testing.assert_array_equal(conditional.edit(faces, labels, Male=True), expected)
    np.testing.assert_array_equal(conditional.edit(faces, labels, Male=False), conditional.reconstruct(faces, labels))


def test_an_edit_of_another_model_is_a_step_in_its_latent(plain: TrainedModel) -> None:
    faces = images(4)
    codes, (means, joint) = plain.encode(faces), plain._training
    direction = means[joint[:, 0]].mean(0) - means[~joint[:, 0]].mean(0)
    for wanted, sign in ((True, 1), (False, -1)):
        np.testing.assert_array_equal(plain.edit(faces, Smiling=wanted), plain.decode(codes + sign * direction))
    np.testing.assert_array_equal(plain.edit(faces, {"Smiling": True}, Smiling=True), plain.reconstruct(faces))


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_an_interpolation_ends_at_both_reconstructions(tmp_path: Path, family: str) -> None:
    model, faces = run(tmp_path, family), images(6)
    walked = model.interpolate(faces[:3], faces[3:], steps=5)
    assert walked.shape == (3, 5, SIZE, SIZE, 3)
    np.testing.assert_array_equal(walked[:, 0], model.reconstruct(faces[:3]))
    np.testing.assert_array_equal(walked[:, -1], model.reconstruct(faces[3:]))
    np.testing.assert_array_equal(model.interpolate(faces[0], faces[3], steps=5), walked[0])


def test_weights_alone_do_what_needs_no_training_faces(plain: TrainedModel, tmp_path: Path) -> None:
    (tmp_path / "latents.parquet").unlink()
    alone = vaematrix.load_model(plain.file, "cpu")
    np.testing.assert_array_equal(alone.reconstruct(images(2)), plain.reconstruct(images(2)))
    with pytest.raises(UserError, match=r"latents\.parquet: not found"):
        alone.edit(images(2), Smiling=True)


def test_mistakes_are_told_with_the_nearest_name(conditional: TrainedModel, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="'Smilling' is no attribute of this model; did you mean 'Smiling'"):
        conditional.sample(2, Smilling=True)
    with pytest.raises(UserError, match=r"uint8 \[n, 16, 16, 3\]"):
        conditional.encode(np.zeros((2, 8, 8, 3), np.uint8))
    with pytest.raises(UserError, match=r"codes must be \[n, 4\]"):
        conditional.decode(np.zeros((2, 5)))
    with pytest.raises(UserError, match="not found"):
        vaematrix.load_model(tmp_path / "nowhere")


def test_a_model_without_labels_is_not_asked_for_attributes(plain: TrainedModel) -> None:
    with pytest.raises(UserError, match="Smiling cannot be asked for"):
        plain.sample(2, Smiling=True)


def test_damaged_or_foreign_weights_are_refused(plain: TrainedModel, tmp_path: Path) -> None:
    data = bytearray(plain.file.read_bytes())
    data[-1] ^= 1
    plain.file.write_bytes(data)
    with pytest.raises(UserError, match="is not the file that the training wrote"):
        vaematrix.load_model(tmp_path)
    (tmp_path / "half.safetensors").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="not a whole safetensors file"):
        vaematrix.load_model(tmp_path / "half.safetensors")


def test_older_weights_lack_names_only_where_these_are_needed(plain: TrainedModel, tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    with safe_open(plain.file, framework="pt") as file:
        about = json.loads(file.metadata()["vaematrix"])
    del about["attributes"]
    metadata = {"vaematrix": json.dumps(about)}
    save_file(load_file(plain.file), tmp_path / "old.safetensors", metadata=metadata)
    old = vaematrix.load_model(tmp_path / "old.safetensors", "cpu")
    np.testing.assert_array_equal(old.sample(2), plain.sample(2))
    with pytest.raises(UserError, match="does not hold the attributes' names"):
        old.edit(images(2), Smiling=True)
