"""What a source of faces is, as a hash: known before its images are read, and held while they are.

Standard library only, because the Snakefile imports it each time it is parsed.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from vaematrix.common.errors import UserError, shown
from vaematrix.data.containers import FolderImages
from vaematrix.data.layout import Source
from vaematrix.data.regular_files import opened

# CelebA's central directory has 15 MB: it and a good part of the images lie in the last 32 MiB.
_TAIL_BYTES = 1 << 25


def fingerprint(source: Source) -> str:
    """What the source's content is, at little cost: 0.1 s for CelebA.

    A SHA-256 over both lists and, of a zip, its size and its last 32 MiB (the directory with each member's CRC-32
    stands at the end of a zip); of a folder, the images' names and sizes. Neither path nor mtime is in it.
    An image of a folder that is replaced by another of exactly the same size goes unnoticed.

    Raises:
        UserError: the source cannot be read, or a symbolic link leads out of it.
    """
    digest = hashlib.sha256()
    for file in filter(None, (source.attributes, source.partition)):
        with opened(file) as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    if source.images.is_dir():
        for member, size in FolderImages(source.images).sizes().items():
            digest.update(f"{member}\0{size}\0".encode(errors="surrogateescape"))
    else:
        size = source.images.stat().st_size
        digest.update(str(size).encode())
        with opened(source.images) as stream:
            stream.seek(max(0, size - _TAIL_BYTES))
            digest.update(stream.read())
    return digest.hexdigest()


@contextmanager
def unchanged(source: Source, since: str) -> Iterator[None]:
    """Hold that the source is what it was, when a block of work on it begins and when it ends.

    Args:
        since: the :func:`fingerprint` that it must have.

    Raises:
        UserError: it is another.
    """
    _refuse_changed(source, since)
    try:
        yield
    finally:  # what went wrong meanwhile went wrong because of that
        _refuse_changed(source, since)


def _refuse_changed(source: Source, since: str) -> None:
    if fingerprint(source) != since:
        raise UserError(
            f"{shown(source.images)}: it or its lists changed while faces were read from it, so nothing was made of "
            "them. Run the same command again when it stays as it is: everything is then made of what it holds."
        )
