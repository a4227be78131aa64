"""What a `snakemake` command tells its jobs through the environment, which every job gets, also on a cluster."""

import os
import socket
import sys
import time
from pathlib import Path

from vaematrix.data.fingerprint import fingerprint
from vaematrix.data.layout import Source

_COMMAND, _FACES = "VAEMATRIX_COMMAND", "VAEMATRIX_FACES_ARE"


def prepare(source: str | None, main_process: bool) -> None:
    """Set what all jobs of this command are to find.

    Args:
        source: the folder of the checkout's library; None where the installed one is used.
        main_process: whether this is the command itself and not one of its jobs.
    """
    # OpenMP's threads wait by spinning. Where two jobs share cores, the spinning of one starves the other: two
    # trainings side by side ran at 2 % of their speed with the default of 300,000 rounds, and at 45 % each with 500.
    os.environ.setdefault("GOMP_SPINCOUNT", "500")
    # torch.compile's cache: in the project's own folder, which every job sees and nobody else can write to.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path("resources/compiled").absolute()))
    # Jobs run the library of the checkout whose Snakefile was read, as this process does.
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if source and source in sys.path and source not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [source, *paths]))
    # The jobs of one command know by this that they are another attempt: what no attempt can mend is not tried again.
    if main_process:
        os.environ[_COMMAND] = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}"


def told_fingerprint() -> str:
    """The fingerprint of the images that the command has told its jobs; empty where it has not."""
    return os.environ.get(_FACES, "")


def tell_fingerprint(source: Source) -> str:
    """The fingerprint of a path of the user's own, from now on told to jobs: it takes a look at each file."""
    os.environ[_FACES] = fingerprint(source)
    return os.environ[_FACES]
