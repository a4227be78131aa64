"""Where CelebA's own files are, and how they are recognised."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256


@dataclass(frozen=True)
class Remote:
    """A file to be downloaded: its addresses in the order of trial, its size in bytes and its SHA-256."""

    urls: tuple[str, ...]
    size: int
    sha256: str


# The Drive files are the authors' own (the ids as in torchvision's `datasets/celeba.py`). The other two are copies
# that others made; the hash decides whether they are the same file.
_HUGGING_FACE = "https://huggingface.co/datasets/Yuehao/celeba/resolve/main/"
_UCSD = "https://cseweb.ucsd.edu/~weijian/static/datasets/celeba/"
_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="

CELEBA: dict[str, Remote] = {
    "img_align_celeba.zip": Remote(
        (
            _HUGGING_FACE + "img_align_celeba.zip",
            _UCSD + "img_align_celeba.zip",
            _DRIVE + "0B7EVK8r0v71pZjFTYXZWM3FlRnM",
        ),
        1_443_490_838,
        "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
    ),
    "list_attr_celeba.txt": Remote(
        (_HUGGING_FACE + "list_attr_celeba.txt", _DRIVE + "0B7EVK8r0v71pblRyaVFSWGxPY0U"),
        26_721_026,
        "f0e5da289d5ccf75ffe8811132694922b60f2af59256ed362afa03fefba324d0",
    ),
    "list_eval_partition.txt": Remote(
        (_HUGGING_FACE + "list_eval_partition.txt", _DRIVE + "0B7EVK8r0v71pY0NSMzRuSXJEVkk"),
        2_836_386,
        "fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
    ),
}


def celeba_urls(name: str, mirrors: Iterable[str] = ()) -> list[str]:
    """The addresses of one of CelebA's files: below the user's own `mirrors` first, then the known ones."""
    return [f"{mirror.rstrip('/')}/{name}" for mirror in mirrors] + list(CELEBA[name].urls)


def check_files(folder: Path) -> None:
    """Hold the files in `folder` against their hashes: they may have been put there by hand.

    Raises:
        UserError: a file is not CelebA's.
    """
    for name, remote in CELEBA.items():
        if (found := sha256(folder / name)) != remote.sha256:
            raise UserError(
                f"{folder / name}: SHA-256 {found} is not that of CelebA's file, {remote.sha256}. Delete it to have it "
                "downloaded again, or set dataset.source: path for faces of your own."
            )
