"""What made a result: versions, commit, device."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from vaematrix.common.files import sha256

PACKAGES = (
    "torch", "torchvision", "pytorch-fid", "scikit-image", "scikit-learn", "scipy", "numpy", "pandas", "pyarrow",
    "simplejpeg", "pillow", "zuko",
)  # fmt: skip


CODE = (":(top)workflow", ":(top)src")  # where the program's own files lie in its checkout


def versions() -> dict[str, str]:
    """The versions of Python and of every package that a number depends on or is held against."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            installed[package] = "absent"
    return {"python": platform.python_version(), **installed}


def code_state(folder: Path = Path(__file__).parent) -> dict[str, Any]:
    """What git says of the code in the checkout around `folder`.

    Returns:
        `git_commit`: the commit, with "+changes" where files differ from it or the code has files that it does not
        know; None outside a checkout. `untracked`: the SHA-256 of each such file of code, by its path in the checkout.
    """

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout

    try:
        commit, root = git("rev-parse", "HEAD", "--show-toplevel").splitlines()
        changes = git("status", "--porcelain", "-uno")
        names = git("ls-files", "-z", "--others", "--exclude-standard", "--full-name", *CODE).split("\0")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return {"git_commit": None, "untracked": {}}
    untracked = {name: sha256(Path(root, name)) for name in names if Path(root, name).is_file()}
    return {"git_commit": commit + ("+changes" if changes or untracked else ""), "untracked": untracked}


def device_name(device: Any) -> str:
    """A GPU's or a processor's name. Args: device: a torch.device."""
    if device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    return _cpu_name()


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]} ({len(names)} cores)" if names else platform.machine()
