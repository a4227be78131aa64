"""A trained model at one's desk: arrays of images in, arrays of images out."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from vaematrix.common import devices
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256
from vaematrix.common.schema import nearest
from vaematrix.generation import codec
from vaematrix.generation.edits import attribute_directions
from vaematrix.generation.fitted import FittedSampler
from vaematrix.generation.labels import draw_attributes
from vaematrix.generation.latents import read_latents, told
from vaematrix.generation.prior import draw_prior
from vaematrix.generation.walks import interpolate
from vaematrix.models import weights
from vaematrix.models.autoencoder import Autoencoder

Attributes = np.ndarray | Mapping[str, bool | np.ndarray]
"""What images show: bool [n, k] in the order of the attributes' names, or bool or bool [n] by some of their names."""


def load_model(path: str | Path, device: str | torch.device | None = None) -> "TrainedModel":
    """See :func:`vaematrix.load_model`, which this does."""
    path = Path(path).expanduser()
    file = path / "model.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"{file}: not found. Give the folder of a finished run, or its model.safetensors.")
    if path.is_dir() and (path / "run.json").exists():
        weights.intact(file, path / "run.json")
    return TrainedModel(file, weights.load(file, torch.device(device) if device else devices.fastest()))


@dataclass(frozen=True)
class TrainedModel:
    """A model with its weights, in evaluation mode. All images are uint8 [n, h, w, 3], RGB, of the size of training.

    A conditional model is told attributes. Those that are not said are taken at their share among the training faces,
    which lies between the two labels that the model has seen: what comes of it is a little less close.

    Attributes:
        file: the weights. network: the torch module, :class:`vaematrix.models.autoencoder.Autoencoder`.
    """

    file: Path
    network: Autoencoder

    @property
    def conditional(self) -> bool:
        """Whether the model is told attributes."""
        return self.network.conditional

    @cached_property
    def attribute_names(self) -> tuple[str, ...]:
        """The names of the attributes of the faces that the model was trained on.

        Raises:
            UserError: the weights are of a time before they held these names.
        """
        names = weights.attribute_names(self.file)
        if names is None:
            raise UserError(f"{self.file}: does not hold the attributes' names, as older files do not. Train it again.")
        return names

    def sample(self, count: int, *, seed: int = 0, sampler: str = "prior", **attributes: bool) -> np.ndarray:
        """Images of codes drawn from the prior, or by a sampler that was fitted to this model's codes.

        A conditional model's other attributes are those of training faces that show what is asked for, drawn whole: no
        attribute is chosen without regard to the others.

        Args:
            count: how many. seed: the same gives the same images.
            sampler: `prior`, or the name of one whose file lies beside the weights,
                `samplers/<name>/sampler.safetensors`.
            attributes: what a conditional model is asked for, e.g. ``Smiling=True``.

        Raises:
            UserError: the model is not conditional, no such attribute, no training face shows all this, or no such
                sampler was fitted.
        """
        if attributes and not self.conditional:
            raise UserError(
                f"{self.file}: {next(iter(attributes))} cannot be asked for, since this model is not told attributes. "
                "Use a conditional model, or edit() what was sampled."
            )
        labels = self._drawn_labels(count, seed, attributes)
        known = told(labels, self.conditional)
        if sampler == "prior":
            return codec.decode(self.network, draw_prior(self.network, known, seed), labels)
        return codec.decode(self.network, self._fitted(sampler).draw(known, seed), labels)

    def encode(self, images: np.ndarray, attributes: Attributes | None = None) -> np.ndarray:
        """The posteriors' means, float32 [n, latent]. Args: attributes: what the images show, if the model is told."""
        self._check_images(images)
        return self._encode(images, self._labels(len(images), attributes))

    def decode(self, codes: np.ndarray, attributes: Attributes | None = None) -> np.ndarray:
        """Images of codes, float32 [n, latent]. Args: attributes: what a conditional model's images shall show."""
        latent = self.network.network.latent
        if codes.ndim != 2 or codes.shape[1] != latent:
            raise UserError(f"codes must be [n, {latent}], not {list(codes.shape)}.")
        return codec.decode(self.network, codes.astype(np.float32), self._labels(len(codes), attributes))

    def reconstruct(self, images: np.ndarray, attributes: Attributes | None = None) -> np.ndarray:
        """Images decoded from the means of their posteriors, as those that the metrics judge."""
        return self.decode(self.encode(images, attributes), attributes)

    def edit(self, images: np.ndarray, attributes: Attributes | None = None, **changes: bool) -> np.ndarray:
        """Reconstructions with attributes changed.

        A conditional model keeps the code and is told other labels. Any other model's code is moved along the
        attribute's direction (:func:`vaematrix.generation.edits.attribute_directions`), which comes from the
        training faces' codes in the run's `latents.parquet`; where `attributes` say that an image shows it already,
        it stays.

        Args:
            attributes: what the images show now.
            changes: what they shall show, e.g. ``Smiling=True``.

        Raises:
            UserError: no such attribute, or no `latents.parquet` beside the weights.
        """
        self._check_images(images)
        for name in changes:
            self._column(name)
        labels = self._labels(len(images), attributes)
        codes = self._encode(images, labels)
        if self.conditional:
            for name, wanted in changes.items():
                labels[:, self._column(name)] = wanted
        else:
            directions = attribute_directions(*self._training)
            shown = self._known(len(images), attributes)
            for name, wanted in changes.items():
                column = self._column(name)
                moves = shown[:, column] != wanted
                codes[moves] += directions[column] * (1 if wanted else -1)
        return codec.decode(self.network, codes, labels)

    def interpolate(
        self,
        a: np.ndarray,
        b: np.ndarray,
        steps: int = 8,
        attributes: tuple[Attributes, Attributes] | None = None,
    ) -> np.ndarray:
        """Images on the straight line between the codes of two, both ends included.

        Args:
            a, b: one image each, uint8 [h, w, 3], or n pairs of them, uint8 [n, h, w, 3].
            attributes: what those of `a` and those of `b` show, for a conditional model.

        Returns:
            uint8 [steps, h, w, 3], or [n, steps, h, w, 3].
        """
        ends = [image[None] if image.ndim == 3 else image for image in (a, b)]
        if ends[0].shape != ends[1].shape:
            raise UserError(f"as many images are needed on both ends, not {list(a.shape)} and {list(b.shape)}.")
        count = len(ends[0])
        labels = [self._labels(count, known) for known in attributes or (None, None)]
        for images in ends:
            self._check_images(images)
        codes = [self._encode(images, known) for images, known in zip(ends, labels, strict=True)]
        # In turn: from the first to the second, from the third to the fourth.
        paired_codes, paired_labels = (np.stack(of, axis=1).reshape(2 * count, -1) for of in (codes, labels))
        walked = interpolate(self.network, paired_codes, paired_labels, steps)
        return walked[0] if a.ndim == 3 else walked

    def _fitted(self, name: str) -> FittedSampler:
        """The sampler `name`, fitted to codes of these weights."""
        folder = self.file.with_name("samplers")
        path = folder / name / "sampler.safetensors"
        if not path.is_file():
            known = sorted(file.parent.name for file in folder.glob("*/sampler.safetensors"))
            raise UserError(f"{path}: not found{nearest(name, ['prior', *known])}")
        fitted = FittedSampler.load(path)
        self._check_weights(path, fitted.weights_sha256)
        return fitted

    def _check_weights(self, path: Path, weights_sha256: str) -> None:
        if weights_sha256 != sha256(self.file):
            raise UserError(f"{path}: is of other weights than {self.file}. Take both from one run.")

    def _encode(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        means, _ = codec.encode(self.network, np.ascontiguousarray(images), labels)
        return means

    def _labels(self, count: int, attributes: Attributes | None) -> np.ndarray:
        """What a conditional model is told, float32 [count, k] in [0, 1]; for others, which ignore it, zeros."""
        if not self.conditional:
            return np.zeros((count, self.network.network.attributes), np.float32)
        known = self._known(count, attributes)
        return known if not np.isnan(known).any() else np.where(np.isnan(known), self._training[1].mean(0), known)

    def _known(self, count: int, attributes: Attributes | None) -> np.ndarray:
        """What is said of images, float32 [count, k]; NaN where nothing is."""
        known = np.full((count, self.network.network.attributes), np.nan, np.float32)
        if isinstance(attributes, Mapping):
            for name, shown in attributes.items():
                known[:, self._column(name)] = shown
        elif attributes is not None:
            if np.shape(attributes) != known.shape:
                raise UserError(f"attributes must be {list(known.shape)}, not {list(np.shape(attributes))}.")
            known[:] = attributes
        return known

    def _drawn_labels(self, count: int, seed: int, asked: Mapping[str, bool]) -> np.ndarray:
        columns = {self._column(name): wanted for name, wanted in asked.items()}
        if not self.conditional or len(columns) == self.network.network.attributes:
            return self._labels(count, asked)
        joint = self._training[1]
        rows = (
            joint[np.all([joint[:, column] == wanted for column, wanted in columns.items()], axis=0)]
            if asked
            else joint
        )
        if not len(rows):
            wish = ", ".join(f"{name}={wanted}" for name, wanted in asked.items())
            raise UserError(
                f"no training face has {wish}, so there are none to take the other attributes from. Ask for less, or "
                f"for all {joint.shape[1]} attributes."
            )
        return draw_attributes(rows, count, seed)

    def _column(self, name: str) -> int:
        if name not in self.attribute_names:
            raise UserError(f"{name!r} is no attribute of this model{nearest(name, self.attribute_names)}")
        return self.attribute_names.index(name)

    def _check_images(self, images: np.ndarray) -> None:
        size = self.network.network.size
        if images.dtype != np.uint8 or images.shape[1:] != (size, size, 3):
            raise UserError(
                f"images must be uint8 [n, {size}, {size}, 3], as the model was trained on, not {images.dtype} "
                f"{list(images.shape)}."
            )

    @cached_property
    def _training(self) -> tuple[np.ndarray, np.ndarray]:
        """Posterior means of training faces, float32 [n, latent], and their attributes, bool [n, k]."""
        path = self.file.with_name("latents.parquet")
        if not path.is_file():
            raise UserError(
                f"{path}: not found. What training faces show comes from there; load the run's whole folder, or say "
                "all attributes."
            )
        (latents,) = read_latents(path, "train")
        self._check_weights(path, latents.weights_sha256)
        columns = [latents.attribute_names.index(name) for name in self.attribute_names]
        return latents.means, latents.attributes[:, columns]
