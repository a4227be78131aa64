"""One loop for every model: the split in memory as uint8, Adam, one JSON line an epoch, checkpoints.

What is minimised, the model says (:mod:`vaematrix.models.objective`); the loop steps its objectives in turn.

Each random number is a function of (seed, epoch) or (seed, step) alone. So a run that was killed and continued
draws what an uninterrupted one draws, and on a CPU with as many threads its weights are bit-identical.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from vaematrix.common.devices import peak_memory_mb
from vaematrix.common.errors import Interrupted, UserError
from vaematrix.data.batches import Batches
from vaematrix.data.index import LEAST_IMAGES
from vaematrix.models.adversarial import trainable
from vaematrix.models.autoencoder import Autoencoder
from vaematrix.models.objective import Objective
from vaematrix.training import checkpoint, precision
from vaematrix.training.allocator import keep_freed_memory
from vaematrix.training.average import moving_average
from vaematrix.training.breakage import refuse_broken_terms, refuse_broken_validation
from vaematrix.training.checkpoint import Optimised, Progress
from vaematrix.training.compilation import compiled
from vaematrix.training.history import progress_bar, show, write_history
from vaematrix.training.interruption import Interruption
from vaematrix.training.schedule import Decay, factor
from vaematrix.training.validation import validate

log = logging.getLogger("vaematrix.training.loop")

# At most this much work is lost to a kill -9; saving costs under 1 % of it.
CHECKPOINT_SECONDS = float(os.environ.get("VAEMATRIX_CHECKPOINT_SECONDS", "60"))
CHECK_STEPS = 50  # how often the loss terms are looked at; on a GPU each look waits for the device


@dataclass(frozen=True)
class Settings:
    """The training configuration that all models share.

    Attributes:
        epochs: passes over the training split. batch_size: images a step; the last, smaller batch is dropped,
            and every epoch shuffles anew. learning_rate: of Adam, for every objective that has none of its own.
        warmup, decay: how that rate changes; see :mod:`vaematrix.training.schedule`.
        average: the share of the training that the average of the weights reaches back, which is what is validated and
            kept; None keeps the last weights. flip: whether each image is mirrored with probability ½ at each step.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float = 0.0
    decay: Decay = "none"
    average: float | None = None
    flip: bool = False


def train(
    model: Autoencoder,
    faces: Batches,
    valid: Batches,
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
        faces, valid: the training and the validation split, for the same device.
        folder: of the checkpoint, keyed by code and parameters by the caller; made here.
        history: the file of one JSON line an epoch, rewritten from the checkpoint when training continues.
        watch: is told each epoch's record, the line that goes to `history`.
        stop_at: when to stop by itself, in seconds since the epoch: a scheduler's walltime is nearly over.

    Raises:
        UserError: the split is smaller than a batch, validation has fewer than two images, or a loss term broke.
        Interrupted: SIGTERM or SIGINT arrived, or it is time to stop; the state is saved.
    """
    _refuse_few(faces, valid, settings)
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    with Interruption(checkpoint_seconds, stop_at) as interruption:
        loop = _Loop(model, faces, settings, seed, folder / "state.safetensors", interruption)
        progress = loop.progress
        write_history(history, progress.history)
        images = loop.total * settings.batch_size
        with progress_bar(images, progress.step * settings.batch_size, type(model.family).__name__) as bar:
            while progress.step < loop.total:
                number = len(progress.history) + 1
                training = loop.epoch(bar)
                validation = validate(loop.kept, valid, settings.batch_size)
                refuse_broken_validation(model, validation, settings.learning_rate)
                loop.count_time(training=False)
                record = {"epoch": number, "epochs": settings.epochs, **training, **validation}
                loop.warn(record)
                progress.history.append(record)
                write_history(history, progress.history)
                if watch:
                    watch(record)
                loop.pause()
                show(record, bar)
            loop.save()  # whatever happens to the process now, nothing is trained again
        if loop.average:
            model.load_state_dict(loop.average.module.state_dict())
    return progress


def _refuse_few(faces: Batches, valid: Batches, settings: Settings) -> None:
    if len(faces) < settings.batch_size:
        raise UserError(
            f"training.batch_size {settings.batch_size} exceeds the {len(faces)} images of the training split."
        )
    if len(valid) < LEAST_IMAGES:
        raise UserError(
            f"the validation split has {len(valid) or 'no'} image and needs {LEAST_IMAGES} at least: "
            "the code of one image has no MMD."
        )


class _Loop:
    """The state of a training and one epoch's work on it."""

    def __init__(
        self,
        model: Autoencoder,
        faces: Batches,
        settings: Settings,
        seed: int,
        path: Path,
        interruption: Interruption,
    ) -> None:
        """Continue from the checkpoint `path` where there is one."""
        self.model, self.faces, self.settings, self.seed = model, faces, settings, seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_mix(seed, 3))
            self.trained = trainable(model)
        self.path, self.interruption = path, interruption
        self.generator = torch.Generator(faces.device)
        self.steps = len(faces) // settings.batch_size
        self.total = self.steps * settings.epochs
        self.loss = compiled(self.trained.loss, faces.device, self.total)
        self.objectives = self.trained.objectives
        self.optimised = {name: _optimised(of, settings.learning_rate) for name, of in self.objectives.items()}
        self.average = moving_average(model, settings.average, self.total) if settings.average else None
        sums = torch.zeros(len(self.trained.terms), dtype=torch.float64, device=faces.device)
        self.progress = _resumed(path, self.optimised, self.average) or Progress(step=0, sums=sums)
        moved = (parameter for module, _ in self.optimised.values() for parameter in module.parameters())
        self.progress.parameters = sum(parameter.numel() for parameter in moved)
        self.terms = self.progress.sums  # of the last step
        self.counted_until = time.perf_counter()

    @property
    def kept(self) -> Autoencoder:
        """The model as it would be kept now: the average of the weights, or the last ones."""
        return cast(Autoencoder, self.average.module) if self.average else self.model

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
        """One step of each objective on the images at `index`; returns the loss terms, float64 [terms]."""
        x, y = self.faces.batch(index)
        x = self.flipped(x) if self.settings.flip else x
        self.generator.manual_seed(_mix(self.seed, 1, self.progress.step))
        noise = torch.randn(self.model.noise_shape(len(x)), generator=self.generator, device=self.faces.device)
        # A tensor on the device: a compiled loss would be compiled anew for each number, and captured by no CUDA graph.
        share = torch.full((), self.progress.step / self.total, device=self.faces.device)
        with precision.autocast(self.faces.device):
            terms = self.loss(x, y, noise, share)
        rate = factor(self.progress.step, self.total, self.settings.warmup, self.settings.decay)
        for name, objective in self.objectives.items():
            module, optimiser = self.optimised[name]
            optimiser.zero_grad(set_to_none=True)
            terms[objective.loss].backward(inputs=list(module.parameters()))  # no gradient reaches another's parameters
            for group in optimiser.param_groups:
                group["lr"] = optimiser.defaults["lr"] * rate
            optimiser.step()
        if self.average:
            self.average.update_parameters(self.model)
        return torch.stack([terms[name].detach() for name in self.trained.terms]).double()

    def flipped(self, x: Tensor) -> Tensor:
        """The images, each mirrored with probability ½. Args: x [b, 3, h, w]."""
        self.generator.manual_seed(_mix(self.seed, 2, self.progress.step))
        chosen = torch.rand(len(x), generator=self.generator, device=x.device) < 0.5
        return torch.where(chosen[:, None, None, None], x.flip(3), x)

    def record(self) -> dict[str, Any]:
        """The means over the epoch just finished; resets what the next one sums."""
        means = dict(zip(self.trained.terms, (self.progress.sums / self.steps).tolist(), strict=True))
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
            "peak_memory_mb": round(peak_memory_mb(self.faces.device), 1),
        }

    def count_time(self, training: bool = True) -> None:
        """Add the time since the last call to the run's; and to the epoch's, where it was spent on training steps."""
        now = time.perf_counter()
        self.progress.total_seconds += now - self.counted_until
        if training:
            self.progress.seconds += now - self.counted_until
        self.counted_until = now

    def refuse_broken(self) -> None:
        """Raise a UserError if a term of the last step is not finite or has exploded."""
        refuse_broken_terms(
            self.model,
            self.trained.terms,
            self.terms,
            self.settings.learning_rate,
            epoch=len(self.progress.history) + 1,
            step=self.progress.step,
            checkpoint=self.path,
        )

    def warn(self, record: dict[str, Any]) -> None:
        """Log what in an epoch's record bodes ill, unless the epoch before was as bad."""
        concerns = self.trained.concerns(record)
        for concern in concerns:
            if concern not in self.progress.concerns:
                log.warning("epoch %d: %s", record["epoch"], concern)
        self.progress.concerns = concerns

    def pause(self) -> None:
        """Save where it is time to, and stop where somebody asked for it or the walltime is nearly over."""
        reason = self.interruption.reason_to_stop()
        if reason or self.interruption.checkpoint_is_due():
            self.save()
        if reason:
            raise Interrupted(f"stopped by {reason} after saving {self.path}; the same command continues from there.")

    def save(self) -> None:
        """Write the checkpoint, unless the weights are broken already."""
        self.refuse_broken()
        self.count_time()
        checkpoint.save(self.path, self.optimised, self.progress, self.average)
        self.count_time(training=False)
        self.interruption.note_saved()


def _optimised(objective: Objective, learning_rate: float) -> Optimised:
    """The objective's module with its Adam. Args: learning_rate: of an objective that has none of its own."""
    rate = learning_rate if objective.learning_rate is None else objective.learning_rate
    adam = torch.optim.Adam(objective.module.parameters(), lr=rate, betas=objective.betas, fused=True)
    return Optimised(objective.module, adam)


def _resumed(path: Path, optimised: Mapping[str, Optimised], average: nn.Module | None) -> Progress | None:
    """How far the checkpoint `path` had come, put into what is optimised; None where there is no checkpoint."""
    if not path.exists():
        return None
    progress = checkpoint.load(path, optimised, average)
    progress.sessions += 1
    log.info("continuing after %d finished epochs, from %s", len(progress.history), path)
    return progress


def _mix(*numbers: int) -> int:
    """One seed out of several numbers, so that neighbouring seeds and steps share no stream."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
