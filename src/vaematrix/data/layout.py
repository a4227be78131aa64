"""CelebA's layout: where the images and their two lists lie.

Standard library only, because the Snakefile imports it each time it is parsed.
What the lists say is read by :mod:`vaematrix.data.index`.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vaematrix.common.errors import UserError, shown
from vaematrix.data.containers import DAMAGE, FolderImages, ZipImages, only_images
from vaematrix.data.regular_files import kind_of, opened

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

# Five times CelebA's list of attributes; reading one takes ten times its size in memory.
MAX_LIST_BYTES = 1 << 27

_HEAD_BYTES = 1 << 16  # of a list: more than its first two lines


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
        raise UserError(f"{shown(path)}: is {kind_of(path.stat().st_mode)}, and neither a folder nor a zip.")
    beside = (path.with_name(ATTRIBUTE_LIST), path.with_name(PARTITION_LIST))
    return Source(path, *(file if file.is_file() else None for file in beside))


def open_images(source: Source) -> "ZipImages | FolderImages":
    """Open the images for reading; close them by using the result in a `with` statement."""
    return FolderImages(source.images) if source.images.is_dir() else ZipImages(source.images)


def read_list(source: Source, name: str) -> tuple[bytes, str]:
    """The bytes of ATTRIBUTE_LIST or PARTITION_LIST, and what to call the file in messages."""
    path = source.attributes if name == ATTRIBUTE_LIST else source.partition
    if path is not None:
        with opened(path) as file:
            data = file.read(MAX_LIST_BYTES + 1)
        if len(data) > MAX_LIST_BYTES:
            raise _list_too_long(shown(path))
        return data, shown(path)
    with ZipImages(source.images) as images:
        return _read_list_inside(images, name)


def _read_list_inside(images: ZipImages, name: str) -> tuple[bytes, str]:
    found = [member for member in images.names() if PurePosixPath(member).name == name]
    if len(found) != 1:
        raise UserError(
            f"{shown(images.path)}: holds {len(found) or 'no'} {name}, and none lies beside it. "
            f"Put {ATTRIBUTE_LIST} and {PARTITION_LIST} beside the zip.{_kaggle_hint(images.names(), name)}"
        )
    label = images.where(found[0])
    try:
        data = images.unpack(found[0], MAX_LIST_BYTES)
    except DAMAGE as error:
        raise UserError(f"{label} is damaged ({error}). Copy or download the zip again.") from None
    if data is None:
        raise _list_too_long(label)
    return data, label


def attribute_names(source: Source) -> list[str]:
    """The attributes that the head of ATTRIBUTE_LIST names, before :mod:`vaematrix.data.index` checks the list."""
    head = read_list(source, ATTRIBUTE_LIST)[0][:_HEAD_BYTES].decode("utf-8-sig", errors="replace")
    lines = [line for line in head.splitlines() if line.strip()]
    return lines[1].split() if len(lines) > 1 else []


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
    return any(bool(only_images(names)) for _, _, names in os.walk(folder))


def _absent(path: Path) -> str:
    return "is a symbolic link that leads nowhere" if path.is_symlink() else "not found"
