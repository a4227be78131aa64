"""How the process asks the system for memory."""

import contextlib
import ctypes

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep what is freed for the next allocation instead of giving it back to the kernel.

    A step on the CPU allocates and frees the same large tensors again and again. As glibc comes, the kernel then has to
    find and clear their pages anew each time, which takes a seventh of the step. Does nothing under another C library.
    """
    with contextlib.suppress(AttributeError):
        malloc_option = ctypes.CDLL(None).mallopt
        malloc_option(M_MMAP_MAX, 0)
        malloc_option(M_TRIM_THRESHOLD, 2**31 - 1)
