"""CelebA's layout: where the images and their two lists lie, and how single images are read in place.

Standard library only, because the Snakefile imports it each time it is parsed (:func:`fingerprint`).
What the lists say is read by :mod:`vaematrix.data.index`.
"""

import errno
import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Self

from vaematrix.common.errors import UserError, shown

ATTRIBUTES: tuple[str, ...] = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
"""The attributes of CelebA, in the order of `list_attr_celeba.txt`."""

SPLITS: dict[str, int] = {"train": 0, "valid": 1, "test": 2}
"""The numbers of `list_eval_partition.txt`."""

IMAGES = "img_align_celeba"
ATTRIBUTE_LIST = "list_attr_celeba.txt"
PARTITION_LIST = "list_eval_partition.txt"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")

# Far above any face, far below what fills the memory: a member that unpacks to more is a bomb.
MAX_IMAGE_BYTES = 1 << 26

# Five times CelebA's list of attributes; reading one takes ten times its size in memory.
MAX_LIST_BYTES = 1 << 27

# Decompressed in pieces, so that what a zip's directory says of a member's size need not be believed.
_CHUNK_BYTES = 1 << 20
_COMPRESSIONS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}

# CelebA's central directory has 15 MB: it and a good part of the images lie in the last 32 MiB.
_TAIL_BYTES = 1 << 25
_HEAD_BYTES = 1 << 16  # of a list: more than its first two lines


class BadImage(Exception):
    """One image that cannot be used; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Source:
    """Faces in CelebA's layout.

    Attributes:
        images: the zip, or the folder, that holds the images.
        attributes: `list_attr_celeba.txt`; None where it lies inside the zip.
        partition: `list_eval_partition.txt`; None where it lies inside the zip.
    """

    images: Path
    attributes: Path | None
    partition: Path | None


def locate(path: str | Path) -> Source:
    """Find the images and the two lists.

    Args:
        path: a folder with both lists beside `img_align_celeba.zip`, beside the folder `img_align_celeba`, or
            beside a single other zip or folder of images (CelebA's own sub-folders Anno, Eval and Img are looked
            into; the zip is taken where both exist); or a zip, with both lists beside it or inside.

    Raises:
        UserError: there is nothing at `path`, or the lists or the images are missing or not to be told apart.
    """
    if not str(path):
        raise UserError("dataset.path is empty. Give the folder or the zip that holds your faces.")
    path = Path(path)
    if path.is_dir():
        return Source(_find_images(path), _find_list(path, ATTRIBUTE_LIST), _find_list(path, PARTITION_LIST))
    if not path.exists():
        raise UserError(
            f"{shown(path)}: {_absent(path)}. Give a folder that holds {IMAGES}.zip (or the folder {IMAGES}), "
            f"{ATTRIBUTE_LIST} and {PARTITION_LIST}, or one zip with all of them."
        )
    if not path.is_file():
        raise UserError(f"{shown(path)}: is {_kind(path.stat().st_mode)}, and neither a folder nor a zip.")
    beside = (path.with_name(ATTRIBUTE_LIST), path.with_name(PARTITION_LIST))
    return Source(path, *(file if file.is_file() else None for file in beside))


def open_images(source: Source) -> "ZipImages | FolderImages":
    """Open the images for reading; close them by using the result in a `with` statement."""
    return FolderImages(source.images) if source.images.is_dir() else ZipImages(source.images)


class ZipImages:
    """The members of a zip, read in place and never unpacked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            _opened(path).close()  # zipfile would wait for a named pipe
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
        return _only_images(self.names())

    def read(self, member: str) -> bytes:
        """The bytes of one member.

        Raises:
            BadImage: it is missing, damaged (its CRC-32 is checked) or unpacks to more than MAX_IMAGE_BYTES.
        """
        try:
            data = self._unpack(member, MAX_IMAGE_BYTES)
        except KeyError:
            raise BadImage("it is no longer in the zip") from None
        except (*_DAMAGE, OSError) as error:
            raise BadImage(f"it is damaged inside the zip ({error})") from None
        if data is None:
            raise BadImage(f"it unpacks to more than the {MAX_IMAGE_BYTES:,} bytes allowed")
        return data

    def read_list(self, name: str) -> tuple[bytes, str]:
        """The bytes of the list called `name` anywhere in the zip, and what to call it in messages."""
        found = [member for member in self._zip.namelist() if PurePosixPath(member).name == name]
        if len(found) != 1:
            raise UserError(
                f"{shown(self.path)}: holds {len(found) or 'no'} {name}, and none lies beside it. "
                f"Put {ATTRIBUTE_LIST} and {PARTITION_LIST} beside the zip.{_kaggle_hint(self.names(), name)}"
            )
        try:
            data = self._unpack(found[0], MAX_LIST_BYTES)
        except _DAMAGE as error:
            raise UserError(f"{self.where(found[0])} is damaged ({error}). Copy or download the zip again.") from None
        if data is None:
            raise _list_too_long(self.where(found[0]))
        return data, self.where(found[0])

    def where(self, member: str) -> str:
        """How a message names a member."""
        return f"{shown(self.path)}: {shown(member)}"

    def _unpack(self, member: str, at_most: int) -> bytes | None:
        """The bytes of a member, None where there are more than `at_most`, whatever the zip says of their number."""
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
        return _only_images(self.names())

    def sizes(self) -> dict[str, int | None]:
        """The bytes of each of :meth:`members`; None where a link leads nowhere, which whoever reads it will say."""
        entries = self._entries()
        return {member: _size(entries[member]) for member in _only_images(entries)}

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
            with _open_file(self.path / member) as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
        except OSError as error:
            raise BadImage(f"it cannot be read ({error.strerror})") from None
        if len(data) > MAX_IMAGE_BYTES:
            raise BadImage(f"it has more than the {MAX_IMAGE_BYTES:,} bytes allowed")
        return data

    def where(self, member: str) -> str:
        """How a message names a member."""
        return shown(self.path / member)


# What zipfile raises for a member that is not what the zip's directory says.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)


def read_list(source: Source, name: str) -> tuple[bytes, str]:
    """The bytes of ATTRIBUTE_LIST or PARTITION_LIST, and what to call the file in messages."""
    path = source.attributes if name == ATTRIBUTE_LIST else source.partition
    if path is not None:
        with _opened(path) as file:
            data = file.read(MAX_LIST_BYTES + 1)
        if len(data) > MAX_LIST_BYTES:
            raise _list_too_long(shown(path))
        return data, shown(path)
    with ZipImages(source.images) as images:
        return images.read_list(name)


def attribute_names(source: Source) -> list[str]:
    """The attributes that the head of ATTRIBUTE_LIST names, before :mod:`vaematrix.data.index` checks the list."""
    head = read_list(source, ATTRIBUTE_LIST)[0][:_HEAD_BYTES].decode("utf-8-sig", errors="replace")
    lines = [line for line in head.splitlines() if line.strip()]
    return lines[1].split() if len(lines) > 1 else []


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
        with _opened(file) as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    if source.images.is_dir():
        for member, size in FolderImages(source.images).sizes().items():
            digest.update(f"{member}\0{size}\0".encode(errors="surrogateescape"))
    else:
        size = source.images.stat().st_size
        digest.update(str(size).encode())
        with _opened(source.images) as stream:
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


def looks_like_html(data: bytes) -> bool:
    """Whether a file that should hold data begins like a web page."""
    return bool(re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", data[:512], re.IGNORECASE))


def _find_list(folder: Path, name: str) -> Path:
    for place in (folder, folder / "Anno", folder / "Eval"):
        if (place / name).is_file():
            return place / name
    hint = _kaggle_hint([entry.name for entry in folder.iterdir()], name)
    raise UserError(f"{shown(folder)}: {name} is missing. It belongs beside the images.{hint}")


def _kaggle_hint(names: Iterable[str], missing: str) -> str:
    csv = missing.replace(".txt", ".csv")
    if csv not in {name.rpartition("/")[2] for name in names}:
        return ""
    return f" (The {csv} there is Kaggle's form; the original .txt is needed, from CelebA's own page.)"


def _list_too_long(label: str) -> UserError:
    return UserError(
        f"{label}: has more than the {MAX_LIST_BYTES:,} bytes that are read of a list. Is it the right file?"
    )


def _find_images(folder: Path) -> Path:
    for place in (folder, folder / "Img"):
        if (place / f"{IMAGES}.zip").is_file():
            return place / f"{IMAGES}.zip"
        if (place / IMAGES).is_dir():
            return place / IMAGES
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    others = [entry for entry in entries if entry.suffix.lower() == ".zip" or (entry.is_dir() and _has_images(entry))]
    if len(others) == 1:
        return others[0]
    if not others and _has_images(folder):
        return folder
    found = (
        f"there are several: {', '.join(shown(entry.name) for entry in others)}"
        if others
        else "there are no others either"
    )
    raise UserError(
        f"{shown(folder)}: neither {IMAGES}.zip nor a folder {IMAGES}, and {found}. Keep one zip or folder of images."
    )


def _has_images(folder: Path) -> bool:
    return any(bool(_only_images(names)) for _, _, names in os.walk(folder))


def _only_images(names: Iterable[str]) -> list[str]:
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


def _open_file(path: Path) -> BufferedReader:
    """A regular file, open for reading; an OSError where it is none, since a pipe or a device may never end."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # else a pipe without a writer would wait
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is {_kind(mode)}, not a file", str(path))
    return os.fdopen(descriptor, "rb")


def _opened(path: Path) -> BufferedReader:
    """As :func:`_open_file`, with a UserError."""
    try:
        return _open_file(path)
    except OSError as error:
        raise UserError(f"{shown(path)}: cannot be read ({error.strerror}).") from None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFDIR: "a folder"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _absent(path: Path) -> str:
    return "is a symbolic link that leads nowhere" if path.is_symlink() else "not found"


def _size(file: os.DirEntry[str]) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None


def _unreadable(error: OSError) -> UserError:
    return UserError(f"{shown(error.filename)}: cannot be read ({error.strerror}). Change its permissions.")


def _why_no_zip(path: Path, error: Exception | str) -> str:
    with _opened(path) as file:
        start, size = file.read(512), os.fstat(file.fileno()).st_size
    name = shown(path)
    if looks_like_html(start):
        return (
            f"{name}: is an HTML page saved as a zip, most likely a notice that the download quota is used up. Delete "
            "it and download it again later or from another mirror, or set the dataset's path to a copy of your own."
        )
    if start.startswith(b"PK"):
        return f"{name}: the zip is cut short or damaged ({size:,} bytes; {error}). Copy or download it again."
    return f"{name}: is not a zip ({error}). Give {IMAGES}.zip or a folder of images."
