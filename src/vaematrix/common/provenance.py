"""What made a result: versions, commit, device."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch", "torchvision", "pytorch-fid", "scikit-image", "scikit-learn", "scipy", "numpy", "pandas", "pyarrow",
    "simplejpeg", "pillow",
)  # fmt: skip


def versions() -> dict[str, str]:
    """The versions of Python and of every package that a number depends on or is held against."""
    installed = {}
    for package in PACKAGES:
        try:
            installed[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            installed[package] = "absent"
    return {"python": platform.python_version(), **installed}


def git_commit() -> str | None:
    """The commit of the code, with "+changes" where files differ from it; None outside a git checkout."""
    folder = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


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
