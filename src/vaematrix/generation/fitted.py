"""A sampler with what it learnt, as safetensors that say what it is and how well it knows codes that it never saw."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vaematrix.common.errors import UserError
from vaematrix.common.files import written_whole
from vaematrix.common.options import chosen_options
from vaematrix.generation import samplers
from vaematrix.generation.posteriors import Posteriors, State
from vaematrix.generation.sampler import Fit, HeldOut, Place, Sampler


@dataclass(frozen=True)
class FittedSampler:
    """A sampler that can draw.

    Attributes:
        kind: the file in samplers/. sampler: its options. state: what it learnt.
        about: what a protocol says of the fit. held_out: how well it knows codes that it never saw.
        weights_sha256: of the model whose codes they are.
    """

    kind: str
    sampler: Sampler
    state: State
    about: Mapping[str, Any]
    held_out: HeldOut
    weights_sha256: str

    def draw(self, labels: np.ndarray, seed: int) -> np.ndarray:
        """One code for each row of labels, bool [n, k], float32 [n, latent]; k is 0 where the model is told none."""
        return self.sampler.draw(self.state, labels, seed)

    @property
    def protocol(self) -> Mapping[str, Any]:
        """What a protocol says of it."""
        return {"kind": self.kind, **chosen_options(self.sampler), **self.about}

    def save(self, path: str | Path, key: str) -> None:
        """Write it. Args: key: by which it was made."""
        about = {
            "kind": self.kind,
            "options": chosen_options(self.sampler),
            "about": self.about,
            "held_out": asdict(self.held_out),
            "weights_sha256": self.weights_sha256,
            "key": key,
        }
        arrays = {name: np.ascontiguousarray(array) for name, array in self.state.items()}
        # One entry: safetensors writes several in an order that changes with the process.
        with written_whole(path) as temporary:
            save_file(arrays, temporary, metadata={"vaematrix": json.dumps(about, sort_keys=True)})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the file is absent, damaged, or no such file.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {})["vaematrix"])
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            sampler = samplers.create(about["kind"], about["options"], str(path))
            held_out = HeldOut(**about["held_out"])
            return cls(about["kind"], sampler, state, about["about"], held_out, about["weights_sha256"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise UserError(f"{path}: no fitted sampler ({error}). Delete it, and it is made anew.") from None


def fit_sampler(
    kind: str, sampler: Sampler, train: Posteriors, valid: Posteriors, place: Place, weights_sha256: str
) -> FittedSampler:
    """Fit a sampler to the codes of the training split, and say how likely it finds those of the validation split.

    Raises:
        UserError, Interrupted: as :meth:`Sampler.fit`.
    """
    fit: Fit = sampler.fit(train, place)
    found = sampler.log_density(fit.state, valid.draw(0), valid.labels)
    held_out = HeldOut(float(found.mean()), len(found), sampler.density)
    about = {**fit.about, "fitted_on": len(train)}
    return FittedSampler(kind, sampler, fit.state, about, held_out, weights_sha256)
