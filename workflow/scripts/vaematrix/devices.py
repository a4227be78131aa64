"""Which device a job computes on."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import torch
from filelock import FileLock, Timeout


@contextlib.contextmanager
def device(threads: int) -> Iterator[torch.device]:
    """Yield a GPU of this job's own where there is one, else the CPU with `threads` threads.

    A scheduler such as Slurm gives each job its GPU in CUDA_VISIBLE_DEVICES. On a machine without one nobody does
    (Snakemake's `gpu` resource only counts), so each job locks one GPU for itself; the operating system releases
    the lock when the process ends, however it ends.
    """
    torch.set_num_threads(threads)
    pyarrow.set_cpu_count(threads)
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    if "SLURM_JOB_ID" in os.environ:
        yield torch.device("cuda", 0)
        return
    with _locked_gpu(torch.cuda.device_count()) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextlib.contextmanager
def _locked_gpu(count: int) -> Iterator[int]:
    """The index of a GPU that no other job of this user holds; waits while all are taken."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(count)))).split(",")
    folder = Path(tempfile.gettempdir()) / f"vaematrix-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = [FileLock(folder / f"{name}.lock") for name in visible[:count]]
    while True:
        for index, lock in enumerate(locks):
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0.2)
                try:
                    yield index
                finally:
                    lock.release()
                return
