"""Which device a job computes on."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow
import torch
from filelock import FileLock, Timeout


@contextlib.contextmanager
def device(threads: int) -> Iterator[torch.device]:
    """Yield a GPU of this job's own where there is one, else the CPU with `threads` threads.

    On a machine without a scheduler nobody gives a job its GPU (Snakemake's `gpu` resource only counts), so each job
    locks one of those it sees. The operating system releases the lock when the process ends, however it ends.
    """
    torch.set_num_threads(threads)
    pyarrow.set_cpu_count(threads)
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    uuids = [str(torch.cuda.get_device_properties(index).uuid) for index in range(torch.cuda.device_count())]
    with _locked_gpu(uuids) as index:
        torch.cuda.set_device(index)
        yield torch.device("cuda", index)


@contextlib.contextmanager
def _locked_gpu(uuids: Sequence[str]) -> Iterator[int]:
    """The index of a GPU that no other job of this user on this machine holds; waits while all are taken."""
    folder = Path(tempfile.gettempdir()) / f"vaematrix-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = [FileLock(folder / f"{uuid}.lock") for uuid in uuids]
    held = _first_free(locks)
    try:
        yield held
    finally:
        locks[held].release()


def _first_free(locks: Sequence[FileLock]) -> int:
    while True:
        for index, lock in enumerate(locks):
            with contextlib.suppress(Timeout):
                lock.acquire(timeout=0.2)
                return index
