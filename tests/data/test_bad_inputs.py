"""What is wrong with faces of one's own is either said, with the file and what to do, or left out and counted."""

import os
import re
import shutil
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layouts import picture, write_layout, write_zip
from vaematrix.common.errors import UserError
from vaematrix.data import containers
from vaematrix.data.fingerprint import fingerprint
from vaematrix.data.index import index_faces, write_index
from vaematrix.data.layout import ATTRIBUTE_LIST, PARTITION_LIST, locate
from vaematrix.data.shards import build_shard
from vaematrix.data.summary import summarise

ZIP, FOLDER = "img_align_celeba.zip", "img_align_celeba"


def prepared(path: Path | str, output: Path) -> list[dict[str, str]]:
    """Index the faces at `path` and build a shard of them, bad images left out; these, as the summary lists them."""
    source = locate(path)
    write_index(output / "index.parquet", index_faces(source), {"vaematrix.source": fingerprint(source)})
    shard = output / "shard.parquet"
    build_shard(
        output / "index.parquet", source, 0, 1, shard, crop=140, size=16, image_size=(178, 218), on_bad_image="skip"
    )
    return summarise([shard]).about["skipped"]


@pytest.fixture(params=["zip", "folder"])
def faces(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Nine faces in CelebA's layout, with the images in a zip or in a folder."""
    folder = write_layout(tmp_path / "faces", 9)
    if request.param == "folder":
        with zipfile.ZipFile(folder / ZIP) as archive:
            archive.extractall(folder)
        (folder / ZIP).unlink()
    return folder


def put(faces: Path, name: str, data: bytes) -> None:
    """Put a file among the images, in the place of one of the same name."""
    if (faces / FOLDER).exists():
        (faces / FOLDER / name).write_bytes(data)
        return
    with zipfile.ZipFile(faces / ZIP) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    write_zip(faces / ZIP, members | {f"{FOLDER}/{name}": data})


def rename(faces: Path, old: str, new: str) -> None:
    """Call an image by another name."""
    if (faces / FOLDER).exists():
        (faces / FOLDER / old).rename(faces / FOLDER / new)
        return
    with zipfile.ZipFile(faces / ZIP) as archive:
        members = {member.replace(old, new): archive.read(member) for member in archive.namelist()}
    write_zip(faces / ZIP, members)


def in_lists(faces: Path, old: str, new: str) -> None:
    for name in (ATTRIBUTE_LIST, PARTITION_LIST):
        (faces / name).write_text((faces / name).read_text().replace(old, new))


def partition(faces: Path, old: str, new: str) -> None:
    text = (faces / PARTITION_LIST).read_text()
    assert text.count(old) == 1
    (faces / PARTITION_LIST).write_text(text.replace(old, new))


def kaggle(faces: Path) -> None:
    for name in (ATTRIBUTE_LIST, PARTITION_LIST):
        (faces / name).rename((faces / name).with_suffix(".csv"))


NAMELESS = "\x1b[31mred\nerror: all is lost.jpg"

# What is done to the faces, and what is said. The first three of nine are train, the last three test.
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "one image in test": (
        lambda faces: partition(faces, "000008.jpg 2\n000009.jpg 2", "000008.jpg 0\n000009.jpg 0"),
        r"list_eval_partition\.txt: 1 image is in split 2 \(test\)\. Each .* needs 2 at least",
    ),
    "Kaggle's lists": (kaggle, r"list_attr_celeba\.csv there is Kaggle's form; the original \.txt is needed"),
    "suffix in capitals": (
        lambda faces: rename(faces, "000004.jpg", "000004.JPG"),
        r"list_attr_celeba\.txt, line 6: 000004\.jpg: no such image in .*There is 000004\.JPG: give it the list's name",
    ),
    "another format": (
        lambda faces: rename(faces, "000004.jpg", "000004.webp"),
        r"000004\.jpg: no such image in .*There is 000004\.webp: make it a JPEG or PNG",
    ),
    "an image more, with terminal codes and a line in its name": (
        lambda faces: put(faces, NAMELESS, picture(1)),
        r"\\x1b\[31mred\\nerror: all is lost\.jpg: no row in list_attr_celeba\.txt",
    ),
    "terminal codes in a list": (
        lambda faces: in_lists(faces, "000004.jpg", "\x1b[31m4.jpg"),
        r"list_attr_celeba\.txt, line 6: \\x1b\[31m4\.jpg: no such image",
    ),
    "two images of one name": (
        lambda faces: (
            (faces / FOLDER / "more").mkdir(parents=True) if (faces / FOLDER).exists() else None,
            put(faces, "more/000004.jpg", picture(1)),
        ),
        r"img_align_celeba/?(\.zip)?: .*000004\.jpg, .*000004\.jpg have the same file name",
    ),
    "no images": (
        lambda faces: [rename(faces, f"{n:06d}.jpg", f"{n:06d}.txt") for n in range(1, 10)],
        r"holds no image \(\.jpg, \.jpeg, \.png\)|neither img_align_celeba\.zip nor a folder",
    ),
    "a list that is a named pipe": (
        lambda faces: ((faces / ATTRIBUTE_LIST).unlink(), os.mkfifo(faces / ATTRIBUTE_LIST)),
        r"list_attr_celeba\.txt is missing",
    ),
}  # fmt: skip

SKIPPED = {
    "cut short": (picture(3)[:3000], "not a whole JPEG"),
    "empty": (b"", "not a whole JPEG or PNG"),
    "a web page": (b"<html>quota</html>", "an HTML page"),
    "of another size": (picture(3, 200, 218), "200x218 pixels instead of 178x218"),
    "terminal codes": (b"\x1b[31m" * 100, "not a whole JPEG or PNG"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_said_in_a_line_or_two(faces: Path, tmp_path: Path, case: str) -> None:
    spoil, said = REFUSED[case]
    spoil(faces)
    with pytest.raises(UserError) as caught:
        prepared(faces, tmp_path)
    message = str(caught.value)
    assert re.search(said, message), message
    assert message.isprintable(), "no line of its own, no terminal codes"
    assert str(faces) in message


@pytest.mark.parametrize("case", SKIPPED)
def test_a_bad_image_is_left_out_and_counted(faces: Path, tmp_path: Path, case: str) -> None:
    data, reason = SKIPPED[case]
    put(faces, "000004.jpg", data)
    ((one),) = prepared(faces, tmp_path)
    assert (one["image_id"], one["split"]) == ("000004.jpg", 1)
    assert reason in one["reason"]


IN_PLACE: dict[str, tuple[Callable[[Path], object], str]] = {
    "named pipe": (os.mkfifo, "it cannot be read (it is a named pipe, not a file)"),
    "link to itself": (lambda image: image.symlink_to(image.name), "Too many levels of symbolic links"),
    "link that leads nowhere": (lambda image: image.symlink_to("gone.jpg"), "No such file"),
}


@pytest.mark.parametrize("case", IN_PLACE)
def test_what_is_no_file_in_a_folder_is_left_out_and_counted(tmp_path: Path, case: str) -> None:
    make, reason = IN_PLACE[case]
    faces = write_layout(tmp_path / "faces", 9)
    with zipfile.ZipFile(faces / ZIP) as archive:
        archive.extractall(faces)
    (faces / ZIP).unlink()
    image = faces / FOLDER / "000004.jpg"
    image.unlink()
    make(image)
    (one,) = prepared(faces, tmp_path)
    assert one["image_id"] == "000004.jpg"
    assert reason in one["reason"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: os.mkfifo(path), "is a named pipe, and neither a folder nor a zip"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, and neither a folder nor a zip"),
        (lambda path: path.symlink_to(path.name), "is a symbolic link that leads nowhere"),
        (lambda path: path.symlink_to("gone"), "is a symbolic link that leads nowhere"),
        (lambda path: path.write_bytes(b""), "is not a zip"),
        (lambda path: None, "not found"),
    ],
    ids=["named pipe", "device", "link to itself", "link to nothing", "empty file", "nothing"],
)
def test_a_path_that_is_no_source(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    make(tmp_path / "mine")
    with pytest.raises(UserError) as caught:
        prepared(tmp_path / "mine", tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'mine'}: {said}")


def test_no_path_is_not_the_current_folder() -> None:
    with pytest.raises(UserError, match=r"dataset\.path is empty"):
        locate("")


def test_a_zip_that_is_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    faces = write_layout(tmp_path / "faces")
    (faces / ZIP).unlink()
    os.mkfifo(faces / "mine.zip")
    with pytest.raises(UserError, match=r"mine\.zip: cannot be read \(it is a named pipe, not a file\)"):
        prepared(faces, tmp_path)


def test_a_file_name_that_is_no_text(tmp_path: Path) -> None:
    faces = write_layout(tmp_path / "faces")
    with zipfile.ZipFile(faces / ZIP) as archive:
        archive.extractall(faces)
    (faces / ZIP).unlink()
    (faces / FOLDER / os.fsdecode(b"caf\xe9.jpg")).write_bytes(picture(1))
    with pytest.raises(UserError, match=r"img_align_celeba: the file name 'caf\\udce9\.jpg' is not UTF-8\. Rename it"):
        prepared(faces, tmp_path)


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its images would be missing without a word."""
    faces = write_layout(tmp_path / "faces")
    (faces / ZIP).unlink()
    (faces / FOLDER / "inner").mkdir(parents=True)

    scandir = os.scandir

    def denied(folder: Path) -> Iterator[os.DirEntry[str]]:
        if Path(folder).name == "inner":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(containers.os, "scandir", denied)
    with pytest.raises(UserError, match=r"inner: cannot be read \(Permission denied\)\. Change its permissions"):
        prepared(faces, tmp_path)


# In zips alone.
@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("../000004.jpg", "the member path '../000004.jpg' leads out of it"),
        ("/000004.jpg", "the member path '/000004.jpg' leads out of it"),
        (f"{FOLDER}/000004.jpg", "000004.jpg, img_align_celeba/000004.jpg have the same file name"),
        ("\x1b[31m/../x.jpg", r"the member path '\x1b[31m/../x.jpg' leads out of it"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_not_to_be_trusted(tmp_path: Path, member: str, said: str) -> None:
    faces = write_layout(tmp_path / "faces")
    with zipfile.ZipFile(faces / ZIP, "a") as archive:
        archive.writestr(member, picture(1))
    with pytest.raises(UserError) as caught:
        prepared(faces, tmp_path)
    assert said in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["faces"]


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    faces = write_layout(tmp_path / "faces")
    link = zipfile.ZipInfo(f"{FOLDER}/000010.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(faces / ZIP, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match=r"000010\.jpg is a symbolic link"):
        prepared(faces, tmp_path)


def test_kaggles_archive_in_one_zip(tmp_path: Path) -> None:
    faces = write_layout(tmp_path / "faces")
    kaggle(faces)
    with zipfile.ZipFile(faces / ZIP, "a") as archive:
        for name in (ATTRIBUTE_LIST, PARTITION_LIST):
            archive.write((faces / name).with_suffix(".csv"), Path(name).with_suffix(".csv"))
    shutil.move(faces / ZIP, tmp_path / "archive.zip")
    with pytest.raises(UserError, match=r"archive\.zip: holds no list_attr_celeba\.txt.* Kaggle's form"):
        prepared(tmp_path / "archive.zip", tmp_path)
