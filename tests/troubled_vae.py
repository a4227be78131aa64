"""VAE that gets into trouble when its environment says so; copied among the models by the tests of interruptions."""

import os
import time

import numpy as np
from torch import Tensor

from vaematrix.common.errors import UserError
from vaematrix.models.autoencoder import Autoencoder


class TroubledVAE(Autoencoder):
    hog: np.ndarray | None = None

    def regulariser(self, kl: Tensor, z: Tensor, prior: Tensor, progress: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        time.sleep(float(os.environ.get("TROUBLE_SECONDS_PER_STEP", "0")))
        if self.training and progress > float(os.environ.get("TROUBLE_FAILS_AT", "1")):
            raise UserError("this model cannot go on.")
        if self.training and self.hog is None:
            self.hog = np.ones(int(os.environ.get("TROUBLE_MEGABYTES", "0")) * 125_000)
        return kl, {}
