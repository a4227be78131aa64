"""Files that are opened only where they are files: a pipe or a device may never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from vaematrix.common.errors import UserError, shown


def open_regular(path: Path) -> BufferedReader:
    """A regular file, open for reading; an OSError where it is none, since a pipe or a device may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else a pipe without a writer would wait
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {kind_of(mode)}, not a file", str(path))
    return os.fdopen(descriptor, "rb")


def opened(path: Path) -> BufferedReader:
    """As :func:`open_regular`, with a UserError where it cannot be opened."""
    try:
        return open_regular(path)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read ({error.strerror}).") from None


def kind_of(mode: int) -> str:
    """What stands at a path that is no regular file, by its `st_mode`."""
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device")
