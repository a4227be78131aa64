"""CelebA's layout: where the images and their two lists lie, and how single images are read in place.

Standard library only, because the Snakefile imports it each time it is parsed (:func:`fingerprint`).
What the lists say is read by :mod:`vaematrix.data.index`.
"""

import hashlib
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import Self

from vaematrix.common.errors import UserError

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

# CelebA's central directory has 15 MB: it and a good part of the images lie in the last 32 MiB.
_TAIL_BYTES = 1 << 25


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
    path = Path(path)
    if path.is_dir():
        return Source(_find_images(path), _find_list(path, ATTRIBUTE_LIST), _find_list(path, PARTITION_LIST))
    if not path.exists():
        raise UserError(
            f"{path}: not found. Give a folder that holds {IMAGES}.zip (or the folder {IMAGES}), {ATTRIBUTE_LIST} and "
            f"{PARTITION_LIST}, or one zip with all of them."
        )
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
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, ValueError, EOFError, struct.error, NotImplementedError) as error:
            raise UserError(_why_no_zip(path, error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def members(self) -> list[str]:
        """The images' names inside the zip, sorted.

        Raises:
            UserError: a member's path leads out of the zip, or the zip is encrypted or damaged.
        """
        images = []
        for member in self._zip.infolist():
            _refuse_leaving(self.path, member.filename, stat.S_ISLNK(member.external_attr >> 16))
            if member.header_offset < 0:
                raise UserError(_why_no_zip(self.path, f"the bytes of {member.filename} are missing"))
            if member.flag_bits & 1:
                raise UserError(f"{self.path}: {member.filename} is encrypted. Make the zip again without a password.")
            images.append(member.filename)
        return _only_images(images)

    def read(self, member: str) -> bytes:
        """The bytes of one member.

        Raises:
            BadImage: it is missing, damaged (its CRC-32 is checked) or unpacks to more than MAX_IMAGE_BYTES.
        """
        try:
            info = self._zip.getinfo(member)
            if info.file_size > MAX_IMAGE_BYTES:
                raise BadImage(f"it unpacks to {info.file_size:,} bytes, more than the {MAX_IMAGE_BYTES:,} allowed")
            return self._zip.read(info)
        except KeyError:
            raise BadImage("it is no longer in the zip") from None
        except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, RuntimeError) as error:
            raise BadImage(f"it is damaged inside the zip ({error})") from None

    def read_list(self, name: str) -> tuple[bytes, str]:
        """The bytes of the list called `name` anywhere in the zip, and what to call it in messages."""
        found = [member for member in self._zip.namelist() if PurePosixPath(member).name == name]
        if len(found) != 1:
            raise UserError(
                f"{self.path}: holds {len(found) or 'no'} {name}, and none lies beside it. "
                f"Put {ATTRIBUTE_LIST} and {PARTITION_LIST} beside the zip."
            )
        try:
            return self._zip.read(found[0]), self.where(found[0])
        except (zipfile.BadZipFile, zlib.error, LZMAError, EOFError, RuntimeError) as error:
            raise UserError(f"{self.where(found[0])} is damaged ({error}). Copy or download the zip again.") from None

    def where(self, member: str) -> str:
        """How a message names a member."""
        return f"{self.path}: {member}"


class FolderImages:
    """The images of a folder and its sub-folders, with the methods of :class:`ZipImages`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def members(self) -> list[str]:
        """The images' paths below the folder, with slashes, sorted.

        Raises:
            UserError: a symbolic link leads out of the folder.
        """
        root, files = self.path.resolve(), []
        for folder, folders, names in os.walk(self.path):
            for name in [*folders, *names]:
                entry = Path(folder, name)
                if entry.is_symlink():
                    outside = not entry.resolve().is_relative_to(root)
                    _refuse_leaving(self.path, entry.relative_to(self.path).as_posix(), outside)
            prefix = os.path.relpath(folder, self.path).replace(os.sep, "/") + "/"
            files += [(prefix + name).removeprefix("./") for name in names]
        return _only_images(files)

    def read(self, member: str) -> bytes:
        """The bytes of one image.

        Raises:
            BadImage: it is missing, unreadable or larger than MAX_IMAGE_BYTES.
        """
        try:
            with (self.path / member).open("rb") as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
        except OSError as error:
            raise BadImage(f"it cannot be read ({error.strerror})") from None
        if len(data) > MAX_IMAGE_BYTES:
            raise BadImage(f"it has more than the {MAX_IMAGE_BYTES:,} bytes allowed")
        return data

    def where(self, member: str) -> str:
        """How a message names a member."""
        return str(self.path / member)


def read_list(source: Source, name: str) -> tuple[bytes, str]:
    """The bytes of ATTRIBUTE_LIST or PARTITION_LIST, and what to call the file in messages."""
    path = source.attributes if name == ATTRIBUTE_LIST else source.partition
    if path is not None:
        return path.read_bytes(), str(path)
    with ZipImages(source.images) as images:
        return images.read_list(name)


def fingerprint(source: Source) -> str:
    """What the source's content is, at little cost: 0.1 s for CelebA.

    A SHA-256 over both lists and, of a zip, its size and its last 32 MiB (the directory with each member's CRC-32
    stands at the end of a zip); of a folder, the images' names and sizes. Neither path nor mtime is in it.
    An image of a folder that is replaced by another of exactly the same size goes unnoticed.
    """
    digest = hashlib.sha256()
    for file in filter(None, (source.attributes, source.partition)):
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    if source.images.is_dir():
        for member in FolderImages(source.images).members():
            digest.update(f"{member}\0{(source.images / member).stat().st_size}\0".encode(errors="surrogateescape"))
    else:
        size = source.images.stat().st_size
        digest.update(str(size).encode())
        with source.images.open("rb") as stream:
            stream.seek(max(0, size - _TAIL_BYTES))
            digest.update(stream.read())
    return digest.hexdigest()


def looks_like_html(data: bytes) -> bool:
    """Whether a file that should hold data begins like a web page."""
    return bool(re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html|head|body|\?xml|!--)", data[:512], re.IGNORECASE))


def _find_list(folder: Path, name: str) -> Path:
    for place in (folder, folder / "Anno", folder / "Eval"):
        if (place / name).is_file():
            return place / name
    hint = ""
    if (folder / name).with_suffix(".csv").exists():
        hint = " (The .csv beside it is Kaggle's form; the original .txt is needed.)"
    raise UserError(f"{folder}: {name} is missing. It belongs beside the images.{hint}")


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
        f"there are several: {', '.join(entry.name for entry in others)}" if others else "there are no others either"
    )
    raise UserError(
        f"{folder}: neither {IMAGES}.zip nor a folder {IMAGES}, and {found}. Keep one zip or folder of images."
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
        raise UserError(f"{container}: {member} is a symbolic link that leads out. Put the image itself there.")
    if member.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", member) or re.match(r"[A-Za-z]:", member):
        raise UserError(
            f"{container}: the member path {member!r} leads out of it. Take the images from a trusted source."
        )


def _why_no_zip(path: Path, error: Exception | str) -> str:
    with path.open("rb") as file:
        start = file.read(512)
    if looks_like_html(start):
        return (
            f"{path}: is an HTML page saved as a zip, most likely a notice that the download quota is used up. Delete "
            "it and download it again later or from another mirror, or set the dataset's path to a copy of your own."
        )
    if start.startswith(b"PK"):
        size = path.stat().st_size
        return f"{path}: the zip is cut short or damaged ({size:,} bytes; {error}). Copy or download it again."
    return f"{path}: is not a zip ({error}). Give {IMAGES}.zip or a folder of images."
