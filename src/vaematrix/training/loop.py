"""One loop for every family: the split in memory as uint8, Adam, one JSON line an epoch, checkpoints.

Each random number is a function of (seed, epoch) or (seed, step) alone. So a run that was killed and continued
draws what an uninterrupted one draws, and on a CPU with as many threads its weights are bit-identical.
"""

import contextlib
import json
import logging
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from vaematrix.common.errors import Interrupted, UserError
from vaematrix.common.files import write_text
from vaematrix.data.index import LEAST_IMAGES
from vaematrix.models import losses
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.training import checkpoint
from vaematrix.training.allocator import keep_freed_memory
from vaematrix.training.checkpoint import Progress
from vaematrix.training.compilation import compiled

log = logging.getLogger("vaematrix.training.loop")

# At most this much work is lost to a kill -9; saving costs under 1 % of it.
CHECKPOINT_SECONDS = float(os.environ.get("VAEMATRIX_CHECKPOINT_SECONDS", "60"))
CHECK_STEPS = 50  # how often the loss terms are looked at; on a GPU each look waits for the device
EXPLODED = 1000.0  # a term this many times the largest likelihood term of a working network will not come back


@dataclass(frozen=True)
class Settings:
    """The training configuration that all models share.

    Attributes:
        epochs: passes over the training split. batch_size: images a step; the last, smaller batch is dropped,
            and every epoch shuffles anew. learning_rate: of Adam with its default moments.
    """

    epochs: int
    batch_size: int
    learning_rate: float


@dataclass(frozen=True)
class Split:
    """Images and attributes of one split, where they fit.

    Attributes:
        images: uint8 [n, h, w, 3], so that the permuted view is channels_last without a copy.
        attributes: bool [n, k].
    """

    images: Tensor
    attributes: Tensor

    @classmethod
    def on(cls, device: torch.device, images: np.ndarray, attributes: np.ndarray) -> "Split":
        """Put the split on `device`, or leave it in host memory where it would fill over half of a GPU's."""
        tensors = torch.from_numpy(images), torch.from_numpy(attributes)
        if device.type == "cuda" and images.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            tensors = tensors[0].to(device), tensors[1].to(device)
        return cls(*tensors)

    def batch(self, index: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """x float32 [b, 3, h, w] in [0, 1], channels_last, and y bool [b, k], on `device`. Args: index int64 [b]."""
        index = index.to(self.images.device)
        images, attributes = self.images[index], self.attributes[index]
        if device.type == "cuda" and not images.is_cuda:
            # Pinned, so that nobody waits for the copy: the next batch is gathered while the GPU computes.
            images, attributes = images.pin_memory(), attributes.pin_memory()
        x = images.to(device, non_blocking=True).permute(0, 3, 1, 2).float() / 255
        return x, attributes.to(device, non_blocking=True)

    def __len__(self) -> int:
        return len(self.images)


def train(
    model: Autoencoder,
    faces: Split,
    valid: Split,
    settings: Settings,
    seed: int,
    folder: Path,
    history: Path,
    *,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    stop_at: float | None = None,
    watch: Callable[[dict[str, Any]], None] | None = None,
) -> Progress:
    """Train `model` in place, from the checkpoint in `folder` where there is one.

    Args:
        model: on the device it is to be trained on, freshly built from `seed`.
        folder: of the checkpoint, keyed by code and parameters by the caller; made here.
        history: the file of one JSON line an epoch, rewritten from the checkpoint when training continues.
        watch: is told each epoch's record, the line that goes to `history`.
        stop_at: when to stop by itself, in seconds since the epoch: a scheduler's walltime is nearly over.

    Raises:
        UserError: the split is smaller than a batch, validation has fewer than two images, or a loss term broke.
        Interrupted: SIGTERM or SIGINT arrived, or it is time to stop; the state is saved.
    """
    if len(faces) < settings.batch_size:
        raise UserError(
            f"training.batch_size {settings.batch_size} exceeds the {len(faces)} images of the training split."
        )
    if len(valid) < LEAST_IMAGES:
        raise UserError(
            f"the validation split has {len(valid) or 'no'} image and needs {LEAST_IMAGES} at least: "
            "the code of one image has no MMD."
        )
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    with _stop_requests() as stop:
        optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
        progress = _resume(folder / "state.safetensors", model, optimiser)
        write_text(history, _lines(progress))
        path = folder / "state.safetensors"
        loop = _Loop(model, optimiser, faces, settings, seed, progress, path, checkpoint_seconds, stop, stop_at)
        with _bar(loop) as bar:
            while progress.step < loop.steps * settings.epochs:
                counted = {"epoch": len(progress.history) + 1, "epochs": settings.epochs}
                record = {**counted, **loop.epoch(bar), **validate(model, valid, settings)}
                loop.count_time(training=False)
                progress.history.append(record)
                write_text(history, _lines(progress))  # whole each time, whatever others did to the file meanwhile
                if watch:
                    watch(record)
                loop.pause()
                bar.set_postfix_str(f"loss {record['loss']:.1f}, valid {record['valid_loss']:.1f}")
                if not sys.stderr.isatty():
                    log.info(_line(record))
            loop.save()  # whatever happens to the process now, nothing is trained again
    return progress


class _Loop:
    """The state of a training and one epoch's work on it."""

    def __init__(
        self,
        model: Autoencoder,
        optimiser: torch.optim.Optimizer,
        faces: Split,
        settings: Settings,
        seed: int,
        progress: Progress,
        path: Path,
        checkpoint_seconds: float,
        stop: list[int],
        stop_at: float | None,
    ) -> None:
        self.model, self.optimiser, self.faces, self.settings = model, optimiser, faces, settings
        self.seed, self.progress, self.path = seed, progress, path
        self.stop, self.stop_at = stop, math.inf if stop_at is None else stop_at
        self.device = next(model.parameters()).device
        self.generator = torch.Generator(self.device)
        self.steps = len(faces) // settings.batch_size
        self.loss = compiled(model.loss, self.device, self.steps * settings.epochs)
        self.checkpoint_seconds = checkpoint_seconds
        self.saved = self.counted = time.perf_counter()
        self.terms: Tensor = progress.sums

    def epoch(self, bar: tqdm) -> dict[str, Any]:
        """Finish the current epoch and return its record, without validation."""
        progress, size = self.progress, self.settings.batch_size
        number, done = divmod(progress.step, self.steps)
        self.model.train()
        order = torch.randperm(len(self.faces), generator=torch.Generator().manual_seed(_mix(self.seed, 0, number)))
        order = order[: self.steps * size].to(self.faces.images.device).view(self.steps, size)
        for batch in range(done, self.steps):
            self.terms = self.step(order[batch])
            progress.sums += self.terms
            progress.step += 1
            bar.update(size)
            if progress.step % CHECK_STEPS == 0 or batch + 1 == self.steps:
                self.refuse_broken()
            if batch + 1 < self.steps:
                self.pause()
        return self.record()

    def step(self, index: Tensor) -> Tensor:
        """One step of Adam on the images at `index`; returns the loss terms, float64 [terms]."""
        x, y = self.faces.batch(index, self.device)
        self.generator.manual_seed(_mix(self.seed, 1, self.progress.step))
        shape = (2, len(x), self.model.network.latent)
        noise = torch.randn(shape, generator=self.generator, device=self.device)
        # A tensor on the device: a compiled loss would be compiled anew for each number, and captured by no CUDA graph.
        share = torch.full((), self.progress.step / (self.steps * self.settings.epochs), device=self.device)
        with _precision(self.device):
            terms = self.loss(x, y, noise, share)
        self.optimiser.zero_grad(set_to_none=True)
        terms["loss"].backward()
        self.optimiser.step()
        return torch.stack([terms[name].detach() for name in self.model.terms]).double()

    def record(self) -> dict[str, Any]:
        """The means over the epoch just finished; resets what the next one sums."""
        means = dict(zip(self.model.terms, (self.progress.sums / self.steps).tolist(), strict=True))
        self.count_time()
        seconds, self.progress.seconds = self.progress.seconds, 0.0
        self.progress.sums.zero_()
        variance, weight = means.pop("variance"), self.model.family.kl_weight
        return {
            **means,
            "sigma": variance**0.5,
            **({} if weight is None else {"beta_eff": weight * variance}),
            "images_per_second": round(self.steps * self.settings.batch_size / seconds, 1),
            "seconds": round(seconds, 3),
            "peak_memory_mb": round(peak_memory_mb(self.device), 1),
        }

    def count_time(self, training: bool = True) -> None:
        """Add the time since the last call to the run's; and to the epoch's, where it was spent on training steps."""
        now = time.perf_counter()
        self.progress.total_seconds += now - self.counted
        if training:
            self.progress.seconds += now - self.counted
        self.counted = now

    def refuse_broken(self) -> None:
        """Raise a UserError if a term of the last step is not finite or has exploded."""
        terms, epoch = self.terms, len(self.progress.history) + 1
        # At its worst, x̂ black where x is white, SSE/(2σ²) of a working network is D/(2σ²).
        variance = terms[self.model.terms.index("variance")]
        limit = EXPLODED * self.model.network.values * (1 / (2 * variance)).clamp_min(1)
        broken = ~terms.isfinite() | (terms.abs() > limit)
        if broken.any():
            names = ", ".join(
                f"{name} = {value:.4g}"
                for name, value, bad in zip(self.model.terms, terms.tolist(), broken.tolist(), strict=True)
                if bad
            )
            raise UserError(
                f"training broke in epoch {epoch}, at step {self.progress.step}: {names}. "
                f"{_advice(self.model, self.settings)}"
                + (f" The last checkpoint is kept: {self.path}" if self.path.exists() else "")
            )

    def pause(self) -> None:
        """Save where it is time to, and stop where somebody asked for it or the walltime is nearly over."""
        late = time.time() >= self.stop_at
        if self.stop or late or time.perf_counter() - self.saved >= self.checkpoint_seconds:
            self.save()
        if self.stop or late:
            reason = signal.Signals(self.stop[0]).name if self.stop else "the walltime, which is nearly over,"
            raise Interrupted(f"stopped by {reason} after saving {self.path}; the same command continues from there.")

    def save(self) -> None:
        """Write the checkpoint, unless the weights are broken already."""
        self.refuse_broken()
        self.count_time()
        checkpoint.save(self.path, self.model, self.optimiser, self.progress)
        self.count_time(training=False)
        self.saved = time.perf_counter()


@torch.inference_mode()
def validate(model: Autoencoder, valid: Split, settings: Settings) -> dict[str, float]:
    """The loss terms over the whole validation split, with the same noise at every epoch.

    A calibrated σ² is the split's MSE here, not a batch's. The MMD and |KL - C| are means over batches, as in training.

    Raises:
        UserError: a value is not finite.
    """
    model.eval()
    device = next(model.parameters()).device
    generator = torch.Generator(device).manual_seed(0)
    sums = torch.zeros(2, dtype=torch.float64, device=device)
    penalties = torch.zeros(1, dtype=torch.float64, device=device)
    done = torch.ones((), device=device)
    for index in _batches(len(valid), settings.batch_size):
        x, y = valid.batch(index, device)
        noise = torch.randn(2, len(x), model.network.latent, generator=generator, device=device)
        with _precision(device):
            posterior = model.encode(x, y)
            z = posterior.sample(noise[0])
            sse = losses.sum_of_squares(x, model.decode(z, y))
        kl = losses.kl_to_standard_normal(*posterior)
        penalty, _ = model.family.regulariser(kl.mean(), z, noise[1], done)
        sums += torch.stack([sse.double().sum(), kl.double().sum()])
        penalties += penalty.double() * len(x)
    sse, kl = sums / len(valid)
    variance = model.decoder_variance(sse.float())
    loss = losses.gaussian_nll(sse, variance.double(), model.network.values) + penalties[0] / len(valid)
    record = {"valid_loss": float(loss), "valid_kl": float(kl), "valid_mse": float(sse) / model.network.values}
    if broken := [name for name, value in record.items() if not math.isfinite(value)]:
        raise UserError(f"training broke: {', '.join(broken)} is not finite. {_advice(model, settings)}")
    return record


def _batches(count: int, size: int) -> list[Tensor]:
    """0 … count-1 in blocks of `size`; a last one of a single image, which has no MMD, joins the block before."""
    blocks = list(torch.arange(count).split(size))
    if len(blocks) > 1 and len(blocks[-1]) == 1:
        blocks[-2:] = [torch.cat(blocks[-2:])]
    return blocks


def _advice(model: Autoencoder, settings: Settings) -> str:
    sigma = "" if model.sigma is None else f", a larger training.sigma (now {model.sigma:g})"
    return (
        f"Try a lower training.learning_rate (now {settings.learning_rate:g}){sigma}, "
        "or smaller weights in this model's entry."
    )


def peak_memory_mb(device: torch.device) -> float:
    """The most memory in use so far, in MB: the GPU's own on CUDA, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    # The kernel counts in bytes on macOS, in KiB elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def _resume(path: Path, model: Autoencoder, optimiser: torch.optim.Optimizer) -> Progress:
    if not path.exists():
        device = next(model.parameters()).device
        return Progress(step=0, sums=torch.zeros(len(model.terms), dtype=torch.float64, device=device))
    progress = checkpoint.load(path, model, optimiser)
    progress.sessions += 1
    log.info("continuing after %d finished epochs, from %s", len(progress.history), path)
    return progress


def _precision(device: torch.device) -> torch.autocast:
    """bfloat16 on CUDA where the GPU has it; float32 elsewhere."""
    return torch.autocast(
        device.type,
        torch.bfloat16,
        enabled=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False),
    )


def _mix(*numbers: int) -> int:
    """One seed out of several numbers, so that neighbouring seeds and steps share no stream."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


@contextlib.contextmanager
def _stop_requests() -> Iterator[list[int]]:
    """A list that fills when the process is asked to stop, instead of stopping at once."""
    received: list[int] = []
    previous = {
        number: signal.signal(number, lambda number, _frame: received.append(number))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _bar(loop: _Loop) -> tqdm:
    """A progress bar over the images of all epochs, with an ETA; silent where nobody watches."""
    size = loop.settings.batch_size
    return tqdm(
        total=loop.steps * size * loop.settings.epochs,
        initial=loop.progress.step * size,
        unit="image",
        unit_scale=True,
        disable=None,
        dynamic_ncols=True,
        desc=type(loop.model).__name__,
    )


def _lines(progress: Progress) -> str:
    return "".join(json.dumps(record, allow_nan=False) + "\n" for record in progress.history)


def _line(record: dict[str, Any]) -> str:
    left = record["seconds"] * (record["epochs"] - record["epoch"])
    return (
        f"epoch {record['epoch']}/{record['epochs']}: loss {record['loss']:.1f}, valid {record['valid_loss']:.1f}, "
        f"KL {record['kl']:.1f} nats, {record['images_per_second']:.0f} images/s, {left / 60:.0f} min left"
    )
