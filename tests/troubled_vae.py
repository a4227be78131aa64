"""VAE that gets into trouble when its environment says so; copied among the families by the tests of interruptions."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vaematrix.common.errors import UserError
from vaematrix.models.family import Family

if TYPE_CHECKING:
    from torch import Tensor

hog: list[np.ndarray] = []


@dataclass(frozen=True)
class TroubledVAE(Family):
    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        training = kl.requires_grad
        time.sleep(float(os.environ.get("TROUBLE_SECONDS_PER_STEP", "0")))
        if training and progress > float(os.environ.get("TROUBLE_FAILS_AT", "1")):
            raise UserError("this model cannot go on.")
        if training and not hog:
            hog.append(np.ones(int(os.environ.get("TROUBLE_MEGABYTES", "0")) * 125_000))
        return kl, {}
