"""The images in a zip or in a folder, read in place and one at a time.

Standard library only, because the Snakefile imports it each time it is parsed.
"""

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from vaematrix.common.errors import UserError, shown
from vaematrix.data.html import looks_like_html
from vaematrix.data.regular_files import open_regular, opened

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")

# Far above any face, far below what fills the memory: a member that unpacks to more is a bomb.
MAX_IMAGE_BYTES = 1 << 26

# Decompressed in pieces, so that what a zip's directory says of a member's size need not be believed.
_CHUNK_BYTES = 1 << 20
_COMPRESSIONS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}

# What zipfile raises for a member that is not what the zip's directory says.
DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


class BadImage(Exception):
    """One image that cannot be used; the message is the reason, without the file's name."""


class ZipImages:
    """The members of a zip, read in place and never unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            opened(path).close()  # zipfile would wait for a named pipe
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError) as error:
            raise UserError(_why_no_zip(path, error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self) -> list[str]:
        """The names of all that is inside the zip."""
        return self._zip.namelist()

    def members(self) -> list[str]:
        """The images' names inside the zip, sorted.

        Raises:
            UserError: a member's path leads out of the zip, or the zip is encrypted, damaged or packed in another way
                than stored or deflated.
        """
        for member in self._zip.infolist():
            _refuse_leaving(self.path, member.filename, stat.S_ISLNK(member.external_attr >> 16))
            if member.header_offset < 0:
                raise UserError(_why_no_zip(self.path, f"the bytes of {shown(member.filename)} are missing"))
            if member.flag_bits & 1:
                raise UserError(f"{self.where(member.filename)} is encrypted. Make the zip again without a password.")
            if member.compress_type not in _COMPRESSIONS:
                raise UserError(
                    f"{self.where(member.filename)} is packed by a method (number {member.compress_type}) that is not "
                    f"read here. Make the zip again with members {' or '.join(_COMPRESSIONS.values())}."
                )
        return only_images(self.names())

    def read(self, member: str) -> bytes:
        """The bytes of one member.

        Raises:
            BadImage: it is missing, damaged (its CRC-32 is checked) or unpacks to more than MAX_IMAGE_BYTES.
        """
        try:
            data = self.unpack(member, MAX_IMAGE_BYTES)
        except KeyError:
            raise BadImage("it is no longer in the zip") from None
        except (*DAMAGE, OSError) as error:
            raise BadImage(f"it is damaged inside the zip ({error})") from None
        if data is None:
            raise BadImage(f"it unpacks to more than the {MAX_IMAGE_BYTES:,} bytes allowed")
        return data

    def where(self, member: str) -> str:
        """How a message names a member."""
        return f"{shown(self.path)}: {shown(member)}"

    def unpack(self, member: str, at_most: int) -> bytes | None:
        """The bytes of a member, None where there are more than `at_most`, whatever the zip says of their number.

        Raises:
            KeyError: there is no such member. One of :data:`DAMAGE`: it is damaged.
        """
        info = self._zip.getinfo(member)
        if info.compress_type not in _COMPRESSIONS:
            raise zipfile.BadZipFile(f"packed by a method, number {info.compress_type}, that is not read here")
        data = bytearray()
        with self._zip.open(info) as stream:
            while len(data) <= at_most and (chunk := stream.read(_CHUNK_BYTES)):
                data += chunk
        return bytes(data) if len(data) <= at_most else None


class FolderImages:
    """The images of a folder and its sub-folders, with the methods of :class:`ZipImages`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def names(self) -> list[str]:
        """The paths of all files below the folder, with slashes.

        Raises:
            UserError: a symbolic link leads out of the folder, or a folder cannot be read.
        """
        return list(self._entries())

    def members(self) -> list[str]:
        """The images' paths below the folder, with slashes, sorted; UserError as :meth:`names`."""
        return only_images(self.names())

    def sizes(self) -> dict[str, int | None]:
        """The bytes of each of :meth:`members`; None where a link leads nowhere, which whoever reads it will say."""
        entries = self._entries()
        return {member: _size(entries[member]) for member in only_images(entries)}

    def _entries(self) -> dict[str, os.DirEntry[str]]:
        """All files below the folder, by their path there; links to folders are not followed."""
        files, folders = {}, [""]
        while folders:
            inside = folders.pop()
            try:
                entries = list(os.scandir(self.path / inside))  # knows what is a link without asking for each
            except OSError as error:
                raise _unreadable(error) from None
            for entry in entries:
                name = f"{inside}{entry.name}"
                if entry.is_symlink():
                    # Path.resolve() raises where links lead in a circle.
                    outside = not Path(os.path.realpath(entry)).is_relative_to(os.path.realpath(self.path))
                    _refuse_leaving(self.path, name, outside)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                elif not (entry.is_symlink() and Path(entry).is_dir()):
                    files[name] = entry
        return files

    def read(self, member: str) -> bytes:
        """The bytes of one image.

        Raises:
            BadImage: it is missing, unreadable or larger than MAX_IMAGE_BYTES.
        """
        try:
            with open_regular(self.path / member) as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
        except OSError as error:
            raise BadImage(f"it cannot be read ({error.strerror})") from None
        if len(data) > MAX_IMAGE_BYTES:
            raise BadImage(f"it has more than the {MAX_IMAGE_BYTES:,} bytes allowed")
        return data

    def where(self, member: str) -> str:
        """How a message names a member."""
        return shown(self.path / member)


def only_images(names: Iterable[str]) -> list[str]:
    """The names that are images, without what macOS puts into zips (`__MACOSX/._000001.jpg`)."""
    return sorted(
        name for name in names if name.lower().endswith(IMAGE_SUFFIXES) and not name.rpartition("/")[2].startswith("._")
    )


def _refuse_leaving(container: Path, member: str, link_outside: bool) -> None:
    if link_outside:
        raise UserError(
            f"{shown(container)}: {shown(member)} is a symbolic link that leads out. Put the image itself there."
        )
    if member.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member) or re.match(r"[A-Za-z]:", member):
        raise UserError(
            f"{shown(container)}: the member path {member!r} leads out of it. Take the images from a trusted source."
        )


def _size(file: os.DirEntry[str]) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _unreadable(error: OSError) -> UserError:
    return UserError(f"{shown(error.filename)}: cannot be read ({error.strerror}). Change its permissions.")


def _why_no_zip(path: Path, error: Exception | str) -> str:
    with opened(path) as file:
        start, size = file.read(512), os.fstat(file.fileno()).st_size
    name = shown(path)
    if looks_like_html(start):
        return (
            f"{name}: is an HTML page saved as a zip, most likely a notice that the download quota is used up. Delete "
            "it and download it again later or from another mirror, or set the dataset's path to a copy of your own."
        )
    if start.startswith(b"PK"):
        return f"{name}: the zip is cut short or damaged ({size:,} bytes; {error}). Copy or download it again."
    return f"{name}: is not a zip ({error}). Give a zip of images, or a folder of them."
