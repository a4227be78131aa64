"""Where the weights of the FID network come from, and how they are recognised."""

import os
from pathlib import Path

from vaematrix.common.errors import UserError

NAME = "pt_inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{NAME}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
SIZE = 95_628_359  # bytes


def hub_path() -> Path:
    """Where torch.hub, and so the pytorch-fid program, keeps the file."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = Path(os.environ.get("TORCH_HOME", Path(cache) / "torch")).expanduser()
    return home / "hub" / "checkpoints" / NAME


def find_weights(path: str | Path | None = None) -> Path:
    """The weight file, its content not yet checked.

    Args:
        path: the user's own file; None looks into torch.hub's folder of checkpoints.

    Raises:
        UserError: there is no such file.
    """
    place = Path(path).expanduser() if path else hub_path()
    if not place.is_file():
        raise UserError(
            f"{place}: the weights of the FID network are not there. Put the file {NAME} at that path, or name its "
            "path: evaluation.features.weights in the config, or --weights of `vaematrix judge`.\n"
            f"It is {SIZE:,} bytes, SHA-256 {SHA256}, from {URL}"
        )
    return place
