"""latents.parquet: the posteriors that a model gives faces, with what the faces show."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vaematrix.common.errors import UserError
from vaematrix.common.images import read_metadata, read_table
from vaematrix.common.vectors import vectors_of, write_vectors
from vaematrix.data.shards import Faces
from vaematrix.data.subsets import MOST_FACES, at_most
from vaematrix.generation.posteriors import Posteriors

_SPLIT, _CONDITIONAL, _PRIOR = "split", "vaematrix.conditional", "vaematrix.prior"
_DRAW, _KL = "prior_draw", "kl_to_prior"
_NO_ATTRIBUTES = {"image_id", _SPLIT, "mean", "variance", _DRAW, _KL}  # the columns beside the attributes


@dataclass(frozen=True)
class BesidePrior:
    """What a learned prior is to the posteriors of faces.

    Attributes:
        about: its kind and options.
        draws: one for each face, of p(z | y) of its attributes where the prior is conditional, float32 [n, latent].
        kl: KL(q(z | x) ‖ p) of each face in nats, or an estimate of it, float32 [n].
    """

    about: Mapping[str, Any]
    draws: np.ndarray
    kl: np.ndarray


@dataclass(frozen=True)
class EncodedFaces:
    """Faces and the posteriors that a model gives them.

    Attributes:
        means, deviations: float32 [n, latent].
        prior: the model's; None for N(0, I), which needs no draws.
    """

    faces: Faces
    means: np.ndarray
    deviations: np.ndarray
    prior: BesidePrior | None = None


@dataclass(frozen=True)
class Latents:
    """The posteriors of one split.

    Attributes:
        means, variances: float32 [n, latent].
        attributes: bool [n, k], what the faces show. attribute_names: k names.
        conditional: whether the model is told the attributes.
        weights_sha256: of the model.
        prior: the model's beside these; None for N(0, I).
    """

    means: np.ndarray
    variances: np.ndarray
    attributes: np.ndarray
    attribute_names: tuple[str, ...]
    conditional: bool
    weights_sha256: str
    prior: BesidePrior | None

    @property
    def posteriors(self) -> Posteriors:
        """With the labels that the model is told: all attributes, or none."""
        return Posteriors(self.means, np.sqrt(self.variances), told(self.attributes, self.conditional))


def told(attributes: np.ndarray, conditional: bool) -> np.ndarray:
    """Of attributes, [n, k], what a model is told: all, or none, [n, 0]."""
    return attributes if conditional else attributes[:, :0]


def write_latents(
    path: str | Path, splits: Mapping[str, EncodedFaces], conditional: bool, origin: Mapping[str, object]
) -> None:
    """Write the posteriors of the splits with the faces' attributes.

    Of a large training split 20,000 faces are kept, chosen by a fixed seed; the others' order is the shards'.

    Args:
        conditional: whether the model is told the attributes. origin: metadata, the key and the weights that made it.
    """
    tables = []
    for split, encoded in splits.items():
        faces, count = encoded.faces, len(encoded.means)
        rows = at_most(MOST_FACES, count, seed=0) if split == "train" else np.arange(count)
        attributes = dict(zip(faces.attribute_names, faces.attributes[rows].T, strict=True))
        columns = {"image_id": np.array(faces.image_ids)[rows], _SPLIT: [split] * len(rows), **attributes}
        vectors = {"mean": encoded.means[rows], "variance": encoded.deviations[rows] ** 2}
        if prior := encoded.prior:
            columns[_KL], vectors[_DRAW] = prior.kl[rows], prior.draws[rows]
            origin = {**origin, _PRIOR: dict(prior.about)}
        tables.append((columns, vectors))
    columns, vectors = (
        {name: np.concatenate([table[name] for table in of]) for name in of[0]} for of in zip(*tables, strict=True)
    )
    write_vectors(path, columns, vectors, {**origin, _CONDITIONAL: conditional})


def read_latents(path: str | Path, *splits: str) -> tuple[Latents, ...]:
    """Read the posteriors of some splits.

    Raises:
        UserError: the file is damaged, or of a time before it said whether the model is told the attributes.
    """
    about, table = read_metadata(path), read_table(path)
    if _CONDITIONAL not in about:
        raise UserError(f"{path}: is of an earlier version. Delete it, and it is made anew.")
    return tuple(_latents(about, table.filter(pc.equal(table[_SPLIT], split))) for split in splits)


def _latents(about: Mapping[str, Any], rows: pa.Table) -> Latents:
    """The posteriors in rows of the file. Args: about: the file's metadata."""
    names = tuple(name for name in rows.column_names if name not in _NO_ATTRIBUTES)
    attributes = [rows[name].to_numpy() for name in names]
    learned = about.get(_PRIOR)
    return Latents(
        vectors_of(rows, "mean"),
        vectors_of(rows, "variance"),
        np.stack(attributes, axis=1) if names else np.empty((len(rows), 0), bool),
        names,
        about[_CONDITIONAL],
        about["vaematrix.weights_sha256"],
        BesidePrior(learned, vectors_of(rows, _DRAW), rows[_KL].to_numpy()) if learned else None,
    )
