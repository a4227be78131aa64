"""Which device a job computes on, and how much memory it takes there."""

import contextlib
import logging
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow
import torch
from filelock import FileLock, Timeout

from vaematrix.common import provenance
from vaematrix.common.errors import PassingError, UserError

log = logging.getLogger("vaematrix.common.devices")

# In these a scheduler, or whoever divides a machine, names a job's GPUs, and with these values that it has none.
GRANTS = {
    "CUDA_VISIBLE_DEVICES": ("", "-1", "NoDevFiles"),
    "SLURM_JOB_GPUS": ("",),
    "SLURM_STEP_GPUS": ("",),
    "SLURM_GPUS_ON_NODE": ("", "0"),
}


@contextlib.contextmanager
def device(threads: int) -> Iterator[torch.device]:
    """Yield a GPU of this job's own where there is one, else the CPU with `threads` threads.

    On a machine without a scheduler nobody gives a job its GPU (Snakemake's `gpu` resource only counts), so each job
    locks one of those it sees. The operating system releases the lock when the process ends, however it ends.

    Raises:
        UserError: this job was given a GPU, and torch sees none; $VAEMATRIX_ALLOW_CPU=1 lets the CPU compute then.
    """
    torch.set_num_threads(threads)
    pyarrow.set_cpu_count(threads)
    if not torch.cuda.is_available():
        if os.environ.get("VAEMATRIX_ALLOW_CPU") != "1":
            _refuse_unseen_gpu()
        log.info("device: %s; threads: %d", provenance.device_name(torch.device("cpu")), threads)
        yield torch.device("cpu")
        return
    uuids = [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]
    with _locked_gpu(uuids) as index:
        torch.cuda.set_device(index)
        log.info("device: %s", provenance.device_name(torch.device("cuda", index)))
        yield torch.device("cuda", index)


def fastest() -> torch.device:
    """A GPU where torch sees one, else the CPU: for work at a desk, where no scheduler divides the machine."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _refuse_unseen_gpu() -> None:
    """Rather than to compute for days on the CPU, in a place that was reserved for its GPU."""
    for variable, none in GRANTS.items():
        if (given := os.environ.get(variable, "")) not in none:
            build = torch.version.cuda and f"built for CUDA {torch.version.cuda}"
            raise (PassingError if build else UserError)(  # the next attempt may run on a machine that is in order
                f"{variable}={given} gives this job a GPU, and torch sees none. torch {torch.__version__} is "
                f"{build or 'a CPU build'}; the NVIDIA driver here is {_driver_version() or 'not to be found'}. "
                "Install a torch that fits the driver (https://pytorch.org/get-started), or have the driver renewed; "
                "to compute on the CPU all the same, set VAEMATRIX_ALLOW_CPU=1."
            )


def _driver_version() -> str | None:
    """The version of the NVIDIA driver that runs, else of the one that nvidia-smi finds."""
    with contextlib.suppress(OSError):
        said = Path("/proc/driver/nvidia/version").read_text()
        if version := re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", said):
            return version[1]
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            run = subprocess.run(command, capture_output=True, text=True, timeout=20)
            if run.returncode == 0 and run.stdout.strip():
                return run.stdout.split()[0]
    return None


@contextlib.contextmanager
def _locked_gpu(uuids: Sequence[str]) -> Iterator[int]:
    """The index of a GPU that no other job of this user on this machine holds; waits while all are taken."""
    folder = _own_folder(Path(tempfile.gettempdir()) / f"vaematrix-gpus-{os.getuid()}")
    locks = [FileLock(folder / f"{uuid}.lock") for uuid in uuids]
    held = _first_free(locks)
    try:
        yield held
    finally:
        locks[held].release()


def _own_folder(folder: Path) -> Path:
    """Make a folder where anybody may make one, and see that it is nobody else's.

    Raises:
        UserError: it is a link, belongs to another user, or others may write there.
    """
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise UserError(
            f"{folder}: is a link, another user's, or open to others, so that GPUs cannot be told apart safely there. "
            "Remove it, or set TMPDIR to a folder of your own."
        )
    return folder


def _first_free(locks: Sequence[FileLock]) -> int:
    while True:
        for index, lock in enumerate(locks):
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0.2)
                return index


def peak_memory_mb(device: torch.device) -> float:
    """The most memory in use so far, in MB: the GPU's own on CUDA, else the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e6
    # The kernel counts in bytes on macOS, in KiB elsewhere.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
