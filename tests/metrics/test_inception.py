"""The features against the pytorch-fid program on the same images, and what random features tell apart."""

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.metrics import frechet, inception, inception_weights
from vaematrix.metrics.inception import FeatureNetwork
from vaematrix.metrics.inception_weights import NAME, SHA256, SIZE, URL, find_weights

# --- The same numbers as the pytorch-fid program ------------------------------------------------------------


@pytest.fixture(scope="module")
def weight_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the published file's layout, where torch.hub keeps it; normalisation layers not trivial."""
    network = inception._empty_inception()
    inception._randomise(network, seed=7)
    generator = torch.Generator().manual_seed(7)
    weights = network.state_dict()
    for name, value in weights.items():
        if value.dtype == torch.float32 and "conv" not in name:
            spread = torch.rand(value.shape, generator=generator)
            weights[name] = 0.5 + spread if name.endswith(("bn.weight", "running_var")) else 0.2 * spread - 0.1
    path = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints" / NAME
    path.parent.mkdir(parents=True)
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def two_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[np.ndarray, Path]]:
    """Two sets of 24 images as arrays and as folders of PNGs."""
    sets = {}
    for seed, name in enumerate("ab"):
        noise = np.random.default_rng(seed).normal(size=(24, 64, 64, 3))
        images = (128 + 400 * (1 + seed) * gaussian_filter(noise, (0, 3, 3, 0))).clip(0, 255).astype(np.uint8)
        folder = tmp_path_factory.mktemp(name)
        for index, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{index:03}.png")
        sets[name] = images, folder
    return sets


@pytest.fixture
def program(weight_file: Path) -> Callable[..., float | None]:
    """Run `python -m pytorch_fid` with that weight file; gives the FID it prints, if it prints one."""

    def run(*arguments: str | Path) -> float | None:
        command = [sys.executable, "-m", "pytorch_fid", "--device", "cpu", "--num-workers", "0", *map(str, arguments)]
        environment = {**os.environ, "TORCH_HOME": str(weight_file.parents[2])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        printed = re.search(r"FID: +(\S+)", done.stdout)
        return float(printed.group(1)) if printed else None

    return run


def _statistics(network: FeatureNetwork, images: np.ndarray) -> frechet.Statistics:
    return frechet.statistics(network.features(images), network.identity)


@pytest.mark.parametrize("dims", [192, 2048])
def test_distance_is_the_pytorch_fid_programs(dims: int, weight_file, two_sets, program) -> None:
    network = FeatureNetwork.from_file(weight_file, dims, expected_sha256=sha256(weight_file))
    (a, folder_a), (b, folder_b) = two_sets["a"], two_sets["b"]
    ours = frechet.distance(_statistics(network, a), _statistics(network, b))
    assert ours == pytest.approx(program("--dims", dims, folder_a, folder_b), rel=1e-4)


def test_statistics_files_go_both_ways(weight_file, two_sets, program, tmp_path) -> None:
    network = FeatureNetwork.from_file(weight_file, 192, expected_sha256=sha256(weight_file))
    (a, _), (b, folder_b) = two_sets["a"], two_sets["b"]
    ours_a, ours_b = _statistics(network, a), _statistics(network, b)
    frechet.save(tmp_path / "a.npz", ours_a)
    program("--dims", 192, "--save-stats", folder_b, tmp_path / "b.npz")

    theirs_b = frechet.load(tmp_path / "b.npz", network.identity)
    np.testing.assert_allclose(theirs_b.mean, ours_b.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(theirs_b.covariance, ours_b.covariance, rtol=1e-4, atol=1e-6)
    ours = frechet.distance(ours_a, ours_b)
    assert frechet.distance(ours_a, theirs_b) == pytest.approx(ours, rel=1e-4)
    assert program("--dims", 192, tmp_path / "a.npz", tmp_path / "b.npz") == pytest.approx(ours, rel=1e-4)


def test_features_do_not_depend_on_the_batches(two_sets) -> None:
    network, done = FeatureNetwork.random(0, 192), []
    images = two_sets["a"][0][:7]
    whole = network.features(images, batch_size=7)
    parts = network.features(images, batch_size=3, progress=done.append)
    assert (whole.dtype, whole.shape, done) == (np.float32, (7, 192), [3, 3, 1])
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compares a GPU with the CPU")
def test_a_gpu_gives_the_same_features(two_sets) -> None:
    """In TF32 or half precision the difference would be about 1e-3."""
    images, before = two_sets["a"][0], torch.backends.cudnn.allow_tf32
    on_cpu = FeatureNetwork.random(0, 2048).features(images)
    on_gpu = FeatureNetwork.random(0, 2048, device="cuda").features(images)
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=0, atol=2e-5 * abs(on_cpu).max())
    assert torch.backends.cudnn.allow_tf32 == before


# --- Weights, their names and their errors ------------------------------------------------------------------


def test_only_the_published_weights_with_2048_dims_are_fid() -> None:
    assert inception._names(True, 2048) == ("fid", "FID")
    assert inception._names(True, 192) == ("fid_192", "FID (192 dims)")
    assert inception._names(False, 2048) == ("frechet_other", "Fréchet distance (other weights)")


def test_other_weights_are_not_called_fid(weight_file) -> None:
    network = FeatureNetwork.from_file(weight_file, 64, expected_sha256=sha256(weight_file))
    assert network.metric_key == "frechet_other_64"
    assert network.metric_label == "Fréchet distance (other weights, 64 dims)"
    assert network.identity == {
        "network": "pytorch-fid InceptionV3",
        "weights_sha256": sha256(weight_file),
        "dims": 64,
    }


def test_a_file_from_before_torch_counted_batches_is_read(weight_file, tmp_path, two_sets) -> None:
    """torch 0.4.0 and older wrote no `num_batches_tracked`, and pytorch-fid reads such files."""
    weights = torch.load(weight_file, weights_only=True)
    old = tmp_path / "old.pth"
    kept = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    torch.save(kept, old, _use_new_zipfile_serialization=False)
    images = two_sets["a"][0][:2]
    features = [FeatureNetwork.from_file(path, 64, "cpu", sha256(path)).features(images) for path in (weight_file, old)]
    assert (features[0] == features[1]).all()


def test_a_file_with_another_hash_is_refused(weight_file) -> None:
    with pytest.raises(UserError, match=f"(?s){NAME}.*{sha256(weight_file)}.*{SHA256}"):
        FeatureNetwork.from_file(weight_file)


@pytest.mark.parametrize("content", ["HTML", "another network", "a pickle"])
def test_a_file_of_something_else_is_refused(content: str, tmp_path) -> None:
    path = tmp_path / "weights.pth"
    if content == "HTML":
        path.write_text("<html>quota exceeded</html>")
    else:
        torch.save({"fc.weight": torch.zeros(10, 10)} if content == "another network" else {"code": _Danger()}, path)
    with pytest.raises(UserError, match=r"weights\.pth: does not hold the weights"):
        FeatureNetwork.from_file(path, expected_sha256=sha256(path))
    assert not _Danger.opened


class _Danger:
    """What a pickle could do when it is opened."""

    opened = False

    def __setstate__(self, state: object) -> None:
        _Danger.opened = True

    def __getstate__(self) -> dict[str, int]:
        return {"harm": 1}


def test_weights_are_found_where_the_user_or_torch_hub_has_them(tmp_path, monkeypatch) -> None:
    own = tmp_path / "own.pth"
    own.touch()
    assert find_weights(own) == own
    for variable, folder in (("XDG_CACHE_HOME", tmp_path / "x" / "torch"), ("TORCH_HOME", tmp_path / "t")):
        monkeypatch.setenv(variable, str(tmp_path / folder.relative_to(tmp_path).parts[0]))
        with pytest.raises(UserError, match="not there") as refused:
            find_weights()
        kept = folder / "hub" / "checkpoints" / NAME
        for said in (str(kept), NAME, f"{SIZE:,}", SHA256, URL):
            assert said in str(refused.value)
        kept.parent.mkdir(parents=True)
        kept.touch()
        assert find_weights(None) == kept
        assert str(kept.parents[1]) == torch.hub.get_dir()


def test_constants_agree_with_each_other() -> None:
    from pytorch_fid.inception import FID_WEIGHTS_URL

    assert FID_WEIGHTS_URL == URL
    assert SHA256[:8] in NAME == Path(URL).name
    assert inception_weights.hub_path().name == NAME


# --- Random features ----------------------------------------------------------------------------------------


def test_random_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = FeatureNetwork.random(0, 192)
    assert torch.equal(torch.get_rng_state(), before)
    assert FeatureNetwork.random(0, 192).identity == first.identity
    assert FeatureNetwork.random(1, 192).identity["weights_sha256"] != first.identity["weights_sha256"]
    assert (first.metric_key, first.metric_label) == ("frechet_random", "Fréchet distance (random features)")
    assert first.identity == {
        "network": "InceptionV3 with random weights",
        # Written down once: another value means that published random-feature distances no longer hold.
        "weights_sha256": "2267d65e66f1dee528f1fd5df202dd292b5bfc07de3f9b5319ef2a08d0a46174",
        "seed": 0,
        "dims": 192,
    }


def test_another_layers_distance_has_another_name() -> None:
    """Its numbers are other numbers, which must not meet those of 192 dimensions in one column."""
    network = FeatureNetwork.random(0, 768)
    assert network.metric_key == "frechet_random_768"
    assert network.metric_label == "Fréchet distance (random features, 768 dims)"


def test_random_weights_have_he_variance() -> None:
    network = inception._empty_inception()
    inception._randomise(network, seed=0)
    weights = network.Mixed_6b.branch7x7_2.conv.weight.detach().numpy()  # 114,688 numbers
    assert abs(weights.mean()) < 0.01 * weights.std()
    assert weights.var() * weights[0].size == pytest.approx(2, rel=0.02)


def _degraded(images: np.ndarray) -> dict[str, np.ndarray]:
    """The same images, worse and worse."""
    x = images / 255
    noise = np.random.default_rng(0).normal(0, 0.1, x.shape)
    versions = {
        "slightly blurred": gaussian_filter(x, (0, 1, 1, 0)),
        "strongly blurred": gaussian_filter(x, (0, 2, 2, 0)),
        "noisy": x + noise,
        "mean face": np.repeat(x.mean(axis=0, keepdims=True), 2, axis=0),  # more copies have the same statistics
    }
    return {name: np.rint(255 * version.clip(0, 1)).astype(np.uint8) for name, version in versions.items()}


def _share_of_halvings_in_order(faces: np.ndarray) -> float:
    """Halves of the same faces < slightly blurred < strongly blurred < noisy < mean face, with 192 dimensions.

    The degraded versions are those of one half, compared with that half itself. 20 random halvings; 256 faces,
    because with 192 real faces one halving in 20 is further apart than a slight blur, and with 256 none was in 150.
    """
    network, half = FeatureNetwork.random(0, dims=192), len(faces) // 2
    features = network.features(faces)
    reference = frechet.statistics(features[:half])
    distances = [
        frechet.distance(reference, frechet.statistics(network.features(version)))
        for version in _degraded(faces[:half]).values()
    ]
    assert distances == sorted(distances)
    generator, of_halves = np.random.default_rng(0), []
    for _ in range(20):
        order = generator.permutation(len(faces))
        halves = (frechet.statistics(features[part]) for part in (order[:half], order[half:]))
        of_halves.append(frechet.distance(*halves))
    assert min(of_halves) > 1e-3  # different faces are different
    return float(np.mean(np.array(of_halves) < distances[0]))


@pytest.mark.faces
def test_random_features_order_real_faces(real_faces: Path) -> None:
    assert _share_of_halvings_in_order(_faces(real_faces)) == 1


def test_random_features_order_drawn_faces(tmp_path: Path) -> None:
    from vaematrix.data.drawn import draw_faces

    draw_faces(tmp_path, 256, seed=0)
    # Their backgrounds vary more than those of photographs, and with them the halves: 0.15 as a rule, at times 0.8.
    assert _share_of_halvings_in_order(_faces(tmp_path)) >= 0.75


def _faces(folder: Path) -> np.ndarray:
    """The first 256 faces, their centre 140 x 140 at 64 x 64."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))[:256]
        pictures = [Image.open(io.BytesIO(archive.read(name))).convert("RGB") for name in names]
    small = [picture.resize((64, 64), Image.Resampling.BILINEAR, box=(19, 39, 159, 179)) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in small])
