"""What only a GPU can show: training, resuming, generating and sharing there. Skipped where there is none."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow
import pytest
import torch
from torch import Tensor

from vaematrix.common import devices
from vaematrix.data.batches import Batches
from vaematrix.generation import codec
from vaematrix.models import families
from vaematrix.models.architecture import Network
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.weights import build, load, save
from vaematrix.training import checkpoint, compilation, precision
from vaematrix.training import loop as training
from vaematrix.training.loop import Settings

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

GPU, CPU = torch.device("cuda", 0), torch.device("cpu")
NETWORK = Network(16, (4, 8), 5, 3)
SETTINGS = Settings(epochs=3, batch_size=8, learning_rate=1e-3)
STEPS = 12  # 3 epochs of 35 images in batches of 8
LONG = 120.0  # seconds, never reached where all is well


def fresh(family: str, device: torch.device = GPU, adversary: dict[str, float] | None = None) -> Autoencoder:
    torch.manual_seed(0)
    return build(family, NETWORK, None, {}, adversary).to(device)


def arrays(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8), rng.random((n, 3)) > 0.5


def train(
    folder: Path, family: str = "info_vae", adversary: dict[str, float] | None = None
) -> tuple[Autoencoder, checkpoint.Progress]:
    """Train a tiny model in `folder`, which is continued where there is a checkpoint of it."""
    model = fresh(family, adversary=adversary)
    faces, valid = Batches(*arrays(35, 0), GPU), Batches(*arrays(10, 1), GPU)
    progress = training.train(
        model, faces, valid, SETTINGS, 0, folder / "checkpoint-k", folder / "history.jsonl", checkpoint_seconds=0
    )
    return model, progress


def weights(model: Autoencoder) -> Tensor:
    """All learned weights in one row, on the CPU."""
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]).cpu()


@pytest.mark.parametrize("family", families.names())
def test_every_family_trains_on_a_gpu(family: str, tmp_path: Path) -> None:
    model, progress = train(tmp_path, family)
    assert {tensor.device.type for tensor in model.state_dict().values()} == {"cuda"}
    assert [record["epoch"] for record in progress.history] == [1, 2, 3]
    assert all(math.isfinite(value) for record in progress.history for value in record.values())
    assert weights(model).isfinite().all()
    assert not torch.equal(weights(model), weights(fresh(family)))
    assert progress.history[-1]["mse"] < progress.history[0]["mse"], "it learned nothing"
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == progress.history
    peak = progress.history[-1]["peak_memory_mb"]
    assert 0 < peak < torch.cuda.get_device_properties(GPU).total_memory / 1e6


@pytest.mark.parametrize("steps", [compilation.STEPS, 0])  # a compiler that is asked leaves it as it is
def test_a_model_and_its_discriminator_train_on_a_gpu(
    steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compilation, "STEPS", steps)
    _, progress = train(tmp_path, "vae", {"start": 0.3, "full": 0.6})
    assert [record["gradient_ratio"] > 0 for record in progress.history] == [False, True, True]
    assert all(math.isfinite(value) for record in progress.history for value in record.values())


def test_one_step_computes_what_the_cpu_computes() -> None:
    """The GPU's terms, in bfloat16 where it has that, against float32 on the CPU with the same noise."""
    images, y = arrays(8, 0)
    noise = torch.randn(2, 8, 5, generator=torch.Generator().manual_seed(0))
    results = []
    for device in (CPU, GPU):
        x, labels = Batches(images, y, device).batch(torch.arange(8))
        with precision.autocast(device):
            results.append(
                fresh("info_vae", device).train().loss(x, labels, noise.to(device), torch.zeros((), device=device))
            )
    for name, value in results[0].items():
        assert results[1][name].dtype == torch.float32, name
        assert results[1][name].item() == pytest.approx(value.item(), rel=0.02, abs=0.005), name


@pytest.mark.slow
@pytest.mark.parametrize("family", families.names())
def test_a_compiled_training_learns_what_a_plain_one_does(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fused and replayed as CUDA graphs, over many steps, checkpoints between them."""
    _, plain = train(tmp_path / "plain", family)
    monkeypatch.setattr(compilation, "STEPS", 0)
    _, compiled = train(tmp_path / "compiled", family)
    for record, like in zip(compiled.history, plain.history, strict=True):
        for name in ("loss", "nll", "kl", "mse", "valid_loss", "valid_mse"):
            assert record[name] == pytest.approx(like[name], rel=0.02), name


def test_interrupted_and_continued_ends_like_undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", True)
    undisturbed, expected = train(tmp_path / "undisturbed")
    assert expected.sessions == 1

    step, begun = training._Loop.step, []

    def unplugged(self: training._Loop, index: Tensor) -> Tensor:
        if self.progress.step == 6 and 6 not in begun:  # in the middle of the second epoch
            begun.append(6)
            raise InterruptedError("pulled the plug")
        begun.append(self.progress.step)
        return step(self, index)

    monkeypatch.setattr(training._Loop, "step", unplugged)
    with pytest.raises(InterruptedError, match="pulled the plug"):
        train(tmp_path / "disturbed")
    continued, progress = train(tmp_path / "disturbed")

    assert begun == [0, 1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11], "steps before the interruption were lost"
    assert progress.sessions == 2
    assert [record["epoch"] for record in progress.history] == [1, 2, 3]
    for record, like in zip(progress.history, expected.history, strict=True):
        for name in ("loss", "nll", "kl", "mse", "valid_loss", "valid_mse"):
            assert math.isfinite(record[name])
            assert record[name] == pytest.approx(like[name], rel=0.01), name
    moved = (weights(undisturbed) - weights(fresh("info_vae"))).abs().mean()
    apart = (weights(continued) - weights(undisturbed)).abs().mean()
    assert apart < 0.05 * moved, f"{apart:.2e} apart after moving {moved:.2e}"


def test_a_checkpoint_is_the_same_on_either_device(tmp_path: Path) -> None:
    """A run may continue where it did not begin, with the optimiser's moments beside the weights."""
    trained, _ = train(tmp_path)
    for device in (CPU, GPU):
        model = fresh("info_vae", device)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        optimised = {"autoencoder": checkpoint.Optimised(model, optimiser)}
        progress = checkpoint.load(tmp_path / "checkpoint-k" / "state.safetensors", optimised)
        assert progress.step == STEPS
        assert torch.equal(weights(model), weights(trained))
        for parameter in model.parameters():
            moments = optimiser.state[parameter]
            assert {tensor.device.type for tensor in moments.values()} == {device.type}
            assert moments["exp_avg"].stride() == parameter.stride()
            assert moments["step"].item() == STEPS


def test_a_split_lives_on_the_gpu() -> None:
    images, y = arrays(6, 0)
    split = Batches(images, y, GPU)
    assert split.images.device == split.attributes.device == GPU
    assert split.images.dtype == torch.uint8
    assert_is_batch(split, images, y)


def test_a_split_that_would_fill_the_gpu_stays_in_host_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    images, y = arrays(6, 0)
    for free, place in ((2 * images.nbytes, "cpu"), (2 * images.nbytes + 1, "cuda")):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None, free=free: (free, 10 * free))
        split = Batches(images, y, GPU)
        assert split.images.device.type == split.attributes.device.type == place
        assert_is_batch(split, images, y)


def assert_is_batch(split: Batches, images: np.ndarray, y: np.ndarray) -> None:
    for index in (torch.tensor([4, 1]), torch.tensor([4, 1], device=GPU)):
        x, labels = split.batch(index)
        assert x.device == labels.device == GPU
        assert x.is_contiguous(memory_format=torch.channels_last)
        np.testing.assert_allclose(x.permute(0, 2, 3, 1).cpu(), images[[4, 1]] / 255, rtol=1e-6)
        assert labels.tolist() == y[[4, 1]].tolist()


@pytest.mark.parametrize("family", ["vae", "conditional_vae"])
def test_pictures_are_those_of_the_cpu(family: str, tmp_path: Path) -> None:
    """The same weights file, read on either device; TF32 in the convolutions would show here."""
    torch.manual_seed(0)
    model = build(family, Network(64, (32, 64), 16, 3), None, {})
    with torch.no_grad():
        model.decoder.image.weight.mul_(5)  # for contrast
        model.decoder.head.weight.mul_(3)
    configuration = {"family": family, "network": model.network.as_dict(), "sigma": None, "options": {}}
    save(tmp_path / "m.safetensors", model, configuration, ("a", "b", "c"))

    rng = np.random.default_rng(0)
    images, y = rng.integers(0, 256, (codec.BATCH + 3, 64, 64, 3), dtype=np.uint8), rng.random((259, 3)) > 0.5
    made = []
    for device in (CPU, GPU):
        same = load(tmp_path / "m.safetensors", device)
        means, deviations = codec.encode(same, images, y)
        codes = np.random.default_rng(1).standard_normal(means.shape, dtype=np.float32)
        made.append((means, deviations, codec.decode(same, means, y), codec.decode(same, codes, y)))
    (cpu_means, cpu_deviations, *cpu_pictures), (means, deviations, *pictures) = made
    np.testing.assert_allclose(means, cpu_means, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(deviations, cpu_deviations, rtol=1e-3, atol=1e-4)
    for ours, theirs in zip(pictures, cpu_pictures, strict=True):
        assert ours.dtype == np.uint8
        difference = np.abs(ours.astype(int) - theirs)
        assert difference.max() <= 2
        assert (difference > 0).mean() < 0.01
    assert cpu_pictures[1].std() > 10, "pictures without contrast would always agree"


@pytest.fixture
def _own_locks_and_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = torch.get_num_threads(), pyarrow.cpu_count(), torch.cuda.current_device()
    yield
    torch.set_num_threads(before[0])
    pyarrow.set_cpu_count(before[1])
    torch.cuda.set_device(before[2])


# It says when it asks, with CUDA awake already, and when it has got which GPU.
OTHER_JOB = """
import time, torch
from vaematrix.common import devices
torch.zeros(1, device="cuda")
print("asks", flush=True)
with devices.device(1) as device:
    got = time.monotonic()
    uuid = torch.cuda.get_device_properties(device).uuid
    print(got, uuid, torch.zeros(1, device="cuda").device == device, flush=True)
"""


@pytest.mark.usefixtures("_own_locks_and_threads")
def test_a_second_process_gets_another_gpu_or_waits() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(devices.__file__).parents[2])}
    with ExitStack() as stack:
        with devices.device(1) as device:
            assert device.type == "cuda"
            assert torch.cuda.current_device() == device.index
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            other = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", OTHER_JOB], stdout=subprocess.PIPE, text=True, env=environment)
            )
            stack.callback(other.kill)
            assert other.stdout.readline() == "asks\n"
            time.sleep(1.0)  # ample to take a GPU that is not locked
            released = time.monotonic()  # the same clock in all processes
        got, theirs, current = other.stdout.readline().split()
        assert other.wait(LONG) == 0
    assert current == "True", "tensors without an index must go to the job's own GPU"
    assert theirs != uuid or float(got) >= released
    if torch.cuda.device_count() == 1:
        assert theirs == uuid
    else:
        assert theirs != uuid, "it waited although another GPU was free"
