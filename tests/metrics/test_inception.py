"""The features of FID, against the pytorch-fid program on the same images."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.metrics import frechet, inception_weights
from vaematrix.metrics.features import FeatureNetwork, inception
from vaematrix.metrics.inception_weights import NAME, SHA256, SIZE, URL, find_weights

# --- The same numbers as the pytorch-fid program ------------------------------------------------------------


@pytest.fixture(scope="module")
def weight_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in the published file's layout, where torch.hub keeps it; normalisation layers not trivial."""
    generator = torch.Generator().manual_seed(7)
    weights = {}
    for name, empty in inception._without_weights().state_dict().items():
        spread = torch.rand(empty.shape, generator=generator)
        if name.endswith("conv.weight"):  # He initialisation keeps the variance of the activations from layer to layer
            weights[name] = (2 * spread - 1) * (6 / empty[0].numel()) ** 0.5
        elif empty.dtype == torch.float32:
            weights[name] = 0.5 + spread if name.endswith(("bn.weight", "running_var")) else 0.2 * spread - 0.1
        else:
            weights[name] = torch.zeros(empty.shape, dtype=empty.dtype)
    path = tmp_path_factory.mktemp("torch") / "hub" / "checkpoints" / NAME
    path.parent.mkdir(parents=True)
    torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def two_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[np.ndarray, Path]]:
    """Two sets of 12 images as arrays and as folders of PNGs."""
    sets = {}
    for seed, name in enumerate("ab"):
        noise = np.random.default_rng(seed).normal(size=(12, 64, 64, 3))
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


@pytest.fixture(scope="module")
def network(weight_file: Path) -> FeatureNetwork:
    return inception.load(weight_file, expected_sha256=sha256(weight_file))


def test_distance_is_the_pytorch_fid_programs(network, two_sets, program) -> None:
    (a, folder_a), (b, folder_b) = two_sets["a"], two_sets["b"]
    ours = frechet.distance(_statistics(network, a), _statistics(network, b))
    assert ours == pytest.approx(program(folder_a, folder_b), rel=1e-4)


def test_statistics_files_go_both_ways(network, two_sets, program, tmp_path) -> None:
    (a, _), (b, folder_b) = two_sets["a"], two_sets["b"]
    ours_a, ours_b = _statistics(network, a), _statistics(network, b)
    frechet.save(tmp_path / "a.npz", ours_a)
    program("--save-stats", folder_b, tmp_path / "b.npz")

    theirs_b = frechet.load(tmp_path / "b.npz", network.identity)
    np.testing.assert_allclose(theirs_b.mean, ours_b.mean, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(theirs_b.covariance, ours_b.covariance, rtol=1e-4, atol=1e-5)
    ours = frechet.distance(ours_a, ours_b)
    assert frechet.distance(ours_a, theirs_b) == pytest.approx(ours, rel=1e-4)
    assert program(tmp_path / "a.npz", tmp_path / "b.npz") == pytest.approx(ours, rel=1e-4)


def test_features_do_not_depend_on_the_batches(network, two_sets) -> None:
    done = []
    images = two_sets["a"][0][:7]
    whole = network.features(images, batch_size=7)
    parts = network.features(images, batch_size=3, progress=done.append)
    assert (whole.dtype, whole.shape, done) == (np.float32, (7, 2048), [3, 3, 1])
    np.testing.assert_allclose(parts, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="compares a GPU with the CPU")
def test_a_gpu_gives_the_same_features(network, weight_file, two_sets) -> None:
    """In TF32 or half precision the difference would be about 1e-3."""
    images, before = two_sets["a"][0], torch.backends.cudnn.allow_tf32
    on_cpu = network.features(images)
    on_gpu = inception.load(weight_file, "cuda", sha256(weight_file)).features(images)
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=0, atol=2e-5 * abs(on_cpu).max())
    assert torch.backends.cudnn.allow_tf32 == before


# --- Weights, their names and their errors ------------------------------------------------------------------


def test_other_weights_are_not_called_fid(network, weight_file) -> None:
    assert network.metrics.frechet.key == "frechet_other"
    assert network.metrics.frechet.label == "Fréchet distance (other weights)"
    assert network.identity == {
        "network": "pytorch-fid InceptionV3",
        "weights_sha256": sha256(weight_file),
        "dims": 2048,
    }


def test_the_published_weights_are_fid(weight_file, monkeypatch) -> None:
    monkeypatch.setattr(inception, "SHA256", sha256(weight_file))
    network = inception.load(weight_file, expected_sha256=sha256(weight_file))
    assert (network.metrics.frechet.key, network.metrics.frechet.label) == ("fid", "FID")


def test_a_file_from_before_torch_counted_batches_is_read(weight_file, tmp_path, two_sets) -> None:
    """torch 0.4.0 and older wrote no `num_batches_tracked`, and pytorch-fid reads such files."""
    weights = torch.load(weight_file, weights_only=True)
    old = tmp_path / "old.pth"
    kept = {name: value for name, value in weights.items() if not name.endswith("num_batches_tracked")}
    torch.save(kept, old, _use_new_zipfile_serialization=False)
    images = two_sets["a"][0][:2]
    features = [inception.load(path, "cpu", sha256(path)).features(images) for path in (weight_file, old)]
    assert (features[0] == features[1]).all()


def test_a_file_with_another_hash_is_refused(weight_file) -> None:
    with pytest.raises(UserError, match=f"(?s){NAME}.*{sha256(weight_file)}.*{SHA256}"):
        inception.load(weight_file)


@pytest.mark.parametrize("content", ["HTML", "another network", "a pickle"])
def test_a_file_of_something_else_is_refused(content: str, tmp_path) -> None:
    path = tmp_path / "weights.pth"
    if content == "HTML":
        path.write_text("<html>quota exceeded</html>")
    else:
        torch.save({"fc.weight": torch.zeros(10, 10)} if content == "another network" else {"code": _Danger()}, path)
    with pytest.raises(UserError, match=r"weights\.pth: does not hold the weights"):
        inception.load(path, expected_sha256=sha256(path))
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
