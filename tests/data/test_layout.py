"""Finding the images and their lists, reading them in place, and refusing what is wrong with them."""

import os
import shutil
import stat
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from layouts import NAMES, picture, write_layout, write_zip
from vaematrix.common.errors import UserError
from vaematrix.common.images import read_metadata
from vaematrix.data import containers, layout
from vaematrix.data import fingerprint as fingerprints
from vaematrix.data.containers import BadImage
from vaematrix.data.fingerprint import fingerprint
from vaematrix.data.index import index_faces, read_index, write_index
from vaematrix.data.layout import (
    ATTRIBUTE_LIST,
    ATTRIBUTES,
    PARTITION_LIST,
    locate,
    open_images,
)

QUOTA_PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"


@pytest.fixture
def folder(tmp_path) -> Path:
    return write_layout(tmp_path / "faces")


def edit(path: Path, old: str, new: str) -> Path:
    """Replace the one place where `old` stands."""
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return path


def unpack(folder: Path) -> Path:
    """Make a folder of images of the zip."""
    with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
        archive.extractall(folder)
    (folder / "img_align_celeba.zip").unlink()
    return folder / "img_align_celeba"


def refusal(path: Path) -> str:
    """The message with which the index of `path` is refused."""
    with pytest.raises(UserError) as caught:
        index_faces(locate(path))
    message = str(caught.value)
    assert len(message.splitlines()) <= 3
    return message


def test_index_says_what_the_lists_say(folder):
    table = index_faces(locate(folder))
    assert table.column_names == ["image_id", "split", "member", *NAMES]
    assert table["image_id"].to_pylist() == [f"{number:06d}.jpg" for number in range(1, 7)]
    assert table["split"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert table["member"].to_pylist() == [f"img_align_celeba/{number:06d}.jpg" for number in range(1, 7)]
    for column, name in enumerate(NAMES):
        assert table[name].to_pylist() == [(row + column) % 2 == 0 for row in range(6)]


def test_index_survives_its_file(folder, tmp_path):
    table = index_faces(locate(folder))
    write_index(tmp_path / "index.parquet", table, {"vaematrix.source": "abc"})
    assert read_index(tmp_path / "index.parquet").equals(table)
    assert read_metadata(tmp_path / "index.parquet") == {"vaematrix.source": "abc"}


def test_lists_in_another_order_than_the_images(folder):
    path = folder / PARTITION_LIST
    path.write_text("".join(reversed(path.read_text().splitlines(keepends=True))))
    assert index_faces(locate(folder))["split"].to_pylist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    "arrangement", ["zip", "folder", "nested", "other zip", "other folder", "authors", "one zip", "bare"]
)
def test_every_arrangement_gives_the_same_index(folder, arrangement):
    expected = index_faces(locate(folder)).drop_columns("member")
    path = folder
    if arrangement == "folder":
        unpack(folder)
    elif arrangement == "nested":  # as Kaggle's copy unpacks
        images = unpack(folder)
        images.rename(folder / "moved")
        (folder / "img_align_celeba").mkdir()
        (folder / "moved").rename(folder / "img_align_celeba/img_align_celeba")
    elif arrangement == "other zip":
        (folder / "img_align_celeba.zip").rename(folder / "mine.ZIP")
    elif arrangement == "other folder":
        unpack(folder).rename(folder / "mine")
    elif arrangement == "authors":  # the folders of the authors' own drive
        for place, name in (("Anno", ATTRIBUTE_LIST), ("Eval", PARTITION_LIST), ("Img", "img_align_celeba.zip")):
            (folder / place).mkdir()
            (folder / name).rename(folder / place / name)
    elif arrangement == "one zip":
        path = folder / "all.zip"
        with zipfile.ZipFile(folder / "img_align_celeba.zip") as archive:
            members = {f"celeba/{name}": archive.read(name) for name in archive.namelist()}
        for name in (ATTRIBUTE_LIST, PARTITION_LIST):
            members[f"celeba/{name}"] = (folder / name).read_bytes()
            (folder / name).unlink()
        write_zip(path, members)
    elif arrangement == "bare":
        path = folder / "img_align_celeba.zip"
    assert index_faces(locate(path)).drop_columns("member").equals(expected)


def test_upper_case_suffix_and_png(folder):
    images = unpack(folder)
    (images / "000001.jpg").rename(images / "000001.JPG")
    (images / "000002.jpg").rename(images / "000002.Png")
    for name in (ATTRIBUTE_LIST, PARTITION_LIST):
        edit(edit(folder / name, "000001.jpg", "000001.JPG"), "000002.jpg", "000002.Png")
    assert index_faces(locate(folder))["member"].to_pylist()[:2] == ["000001.JPG", "000002.Png"]


def test_the_png_edition_keeps_the_names_of_the_lists(folder):
    images = unpack(folder)
    for image in list(images.iterdir()):
        image.rename(image.with_suffix(".png"))
    table = index_faces(locate(folder))
    assert table["image_id"].to_pylist()[0] == "000001.jpg"
    assert table["member"].to_pylist()[0] == "000001.png"


def test_crlf_byte_order_mark_and_blank_lines(folder):
    expected = index_faces(locate(folder))
    for name in (ATTRIBUTE_LIST, PARTITION_LIST):
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n") + b"\r\n")
    assert index_faces(locate(folder)).equals(expected)


def test_what_mac_os_adds_is_no_image(folder):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        archive.writestr("__MACOSX/img_align_celeba/._000001.jpg", b"fork")
        archive.writestr("img_align_celeba/Thumbs.db", b"x")
    assert index_faces(locate(folder)).num_rows == 6


SPOILT_LISTS = {
    "count too high": (ATTRIBUTE_LIST, "6\nBald", "7\nBald", 1, "says 7 images, but 6 rows follow"),
    "count too low": (ATTRIBUTE_LIST, "6\nBald", "5\nBald", 1, "says 5 images, but 6 rows follow"),
    "count not a number": (ATTRIBUTE_LIST, "6\nBald", "six\nBald", 1, "'six'"),
    "attribute 0": (ATTRIBUTE_LIST, "000004.jpg -1  1", "000004.jpg -1  0", 6, "Smiling of 000004.jpg is '0'"),
    "attribute 1.0": (ATTRIBUTE_LIST, "000004.jpg -1  1", "000004.jpg -1  1.0", 6, "'1.0'"),
    "column too few": (ATTRIBUTE_LIST, "000004.jpg -1  1", "000004.jpg -1", 6, "3 columns instead of 4"),
    "column too many": (ATTRIBUTE_LIST, "000004.jpg -1  1", "000004.jpg -1  1 1", 6, "5 columns instead of 4"),
    "first row too long": (ATTRIBUTE_LIST, "000001.jpg  1", "000001.jpg  1 1", 3, "5 columns instead of 4"),
    "attribute row twice": (ATTRIBUTE_LIST, "000004.jpg", "000003.jpg", 6, "000003.jpg stands in line 5 already"),
    "attribute row without image": (ATTRIBUTE_LIST, "000004.jpg", "000009.jpg", 6, "000009.jpg: no such image in"),
    "attribute name twice": (ATTRIBUTE_LIST, "Bald Smiling", "Young Smiling", 2, "'young' stands there 2 times"),
    "attribute name of a column": (ATTRIBUTE_LIST, "Bald Smiling", "split Smiling", 2, "'split' cannot be"),
    "split 3": (PARTITION_LIST, "000004.jpg 1", "000004.jpg 3", 4, "the split of 000004.jpg is '3'"),
    "split train": (PARTITION_LIST, "000004.jpg 1", "000004.jpg train", 4, "'train'"),
    "split missing": (PARTITION_LIST, "000004.jpg 1", "000004.jpg", 4, "1 columns instead of 2"),
    "split row twice": (PARTITION_LIST, "000004.jpg", "000003.jpg", 4, "000003.jpg stands in line 3 already"),
    "split row without image": (PARTITION_LIST, "000004.jpg", "000009.jpg", 4, "000009.jpg: no such image in"),
    "not text": (PARTITION_LIST, "000004.jpg", "\udcff4.jpg", 4, "not UTF-8"),
}


@pytest.mark.parametrize("case", SPOILT_LISTS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spoilt_list_is_refused_with_file_and_line(folder, case, newline):
    name, old, new, line, says = SPOILT_LISTS[case]
    path = folder / name
    text = path.read_text()
    assert text.count(old) == 1
    path.write_bytes(text.replace(old, new).replace("\n", newline).encode(errors="surrogateescape"))
    message = refusal(folder)
    assert f"{path}, line {line}: " in message
    assert says in message


def test_lines_are_counted_with_the_blank_ones(folder):
    path = edit(folder / PARTITION_LIST, "000004.jpg 1", "\n \n000004.jpg 3")
    assert f"{path}, line 6: " in refusal(folder)


def test_image_without_attribute_row(folder):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        for number in range(7, 12):
            archive.writestr(f"img_align_celeba/{number:06d}.jpg", b"x")
    message = refusal(folder)
    assert "000007.jpg, 000008.jpg, 000009.jpg and 2 more: no row in list_attr_celeba.txt" in message
    assert str(folder / "img_align_celeba.zip") in message


def test_image_in_no_split(folder):
    edit(folder / PARTITION_LIST, "000004.jpg 1\n", "")
    assert "000004.jpg: no split in list_eval_partition.txt" in refusal(folder)


@pytest.mark.parametrize(("split", "name"), [(0, "train"), (1, "valid"), (2, "test")])
def test_empty_split(folder, split, name):
    path = folder / PARTITION_LIST
    path.write_text(path.read_text().replace(f" {split}\n", f" {(split + 1) % 3}\n"))
    message = refusal(folder)
    assert f"no image is in split {split} ({name})" in message
    assert str(path) in message


@pytest.mark.parametrize("size", [0, 100])
def test_list_cut_short(folder, size):
    path = folder / ATTRIBUTE_LIST
    path.write_bytes(path.read_bytes()[:size])
    assert str(path) in refusal(folder)


@pytest.mark.parametrize("name", [ATTRIBUTE_LIST, PARTITION_LIST])
def test_list_that_is_an_html_page(folder, name):
    (folder / name).write_bytes(QUOTA_PAGE)
    assert f"{folder / name}: is an HTML page" in refusal(folder)


@pytest.mark.parametrize("name", [ATTRIBUTE_LIST, PARTITION_LIST])
def test_missing_list(folder, name):
    (folder / name).unlink()
    assert f"{folder}: {name} is missing" in refusal(folder)
    assert f"holds no {name}" in refusal(folder / "img_align_celeba.zip")


def test_kaggles_csv_is_recognised(folder):
    (folder / ATTRIBUTE_LIST).rename(folder / "list_attr_celeba.csv")
    assert "Kaggle" in refusal(folder)


def test_zip_that_is_an_html_page(folder):
    (folder / "img_align_celeba.zip").write_bytes(b"\n" + QUOTA_PAGE)
    message = refusal(folder)
    assert "HTML page" in message
    assert "quota" in message
    assert "path" in message


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_zip_cut_short(folder, share):
    path = folder / "img_align_celeba.zip"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    message = refusal(folder)
    assert f"{path}: the zip is cut short" in message
    assert f"{int(len(data) * share):,} bytes" in message


def test_zip_whose_middle_is_missing(folder):
    path = folder / "img_align_celeba.zip"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 4] + data[len(data) // 2 :])
    assert f"{path}: the zip is cut short or damaged" in refusal(folder)


def test_file_that_is_no_zip(folder):
    (folder / "img_align_celeba.zip").write_bytes(b"Rar!" * 100)
    assert "is not a zip" in refusal(folder)


@pytest.mark.parametrize("member", ["../000007.jpg", "a/../../b.jpg", "/etc/000007.jpg", "..\\000007.jpg", "C:\\7.jpg"])
def test_member_path_that_leads_out(folder, member):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        archive.writestr(member, b"x")
    assert repr(member) in refusal(folder)


def test_symbolic_link_in_a_zip(folder):
    link = zipfile.ZipInfo("img_align_celeba/000007.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert "000007.jpg is a symbolic link" in refusal(folder)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_symbolic_link_out_of_a_folder(folder, tmp_path, what):
    images = unpack(folder)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"x")
    (images / "000007.jpg").symlink_to(outside / "secret.jpg" if what == "file" else outside)
    assert "000007.jpg is a symbolic link that leads out" in refusal(folder)


def test_symbolic_links_within_a_folder_are_fine(folder):
    images = unpack(folder)
    (images / "originals").mkdir()
    (images / "000001.jpg").rename(images / "originals/one.dat")
    (images / "000001.jpg").symlink_to("originals/one.dat")
    assert index_faces(locate(folder)).num_rows == 6


def test_the_folder_of_images_may_itself_be_a_link(folder, tmp_path):
    shutil.move(unpack(folder), tmp_path / "elsewhere")
    (folder / "img_align_celeba").symlink_to(tmp_path / "elsewhere")
    assert index_faces(locate(folder)).num_rows == 6


def test_two_members_with_one_file_name(folder):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
        archive.writestr("more/000002.jpg", b"x")
    assert "img_align_celeba/000002.jpg, more/000002.jpg have the same file name" in refusal(folder)


def test_zip_without_images(folder):
    write_zip(folder / "img_align_celeba.zip", {"readme.txt": b"x"})
    assert "holds no image" in refusal(folder)


def test_encrypted_zip(folder):
    path = folder / "img_align_celeba.zip"
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1  # the flag in the last member's directory entry
    path.write_bytes(data)
    assert "000006.jpg is encrypted" in refusal(folder)


def test_nothing_there_and_too_much_there(folder, tmp_path):
    with pytest.raises(UserError, match="not found"):
        locate(tmp_path / "nowhere")
    (folder / "img_align_celeba.zip").rename(folder / "a.zip")
    shutil.copy(folder / "a.zip", folder / "b.zip")
    with pytest.raises(UserError, match=r"several: a\.zip, b\.zip"):
        locate(folder)
    (folder / "a.zip").unlink()
    (folder / "b.zip").unlink()
    with pytest.raises(UserError, match="no others"):
        locate(folder)


def test_members_are_read_as_they_were_written(folder):
    expected = picture(2)
    with open_images(locate(folder)) as images:
        assert images.read("img_align_celeba/000003.jpg") == expected
        with pytest.raises(BadImage, match="no longer in the zip"):
            images.read("nothing.jpg")
    unpack(folder)
    with open_images(locate(folder)) as images:
        assert images.read("000003.jpg") == expected
        with pytest.raises(BadImage, match="cannot be read"):
            images.read("nothing.jpg")


def test_damaged_member_is_noticed(folder):
    path = folder / "img_align_celeba.zip"
    data = bytearray(path.read_bytes())
    data[data.index(picture(2)) + 1000] ^= 1
    path.write_bytes(data)
    with open_images(locate(folder)) as images:
        images.read("img_align_celeba/000002.jpg")
        with pytest.raises(BadImage, match="CRC"):
            images.read("img_align_celeba/000003.jpg")


def test_member_that_unpacks_to_too_much(folder, monkeypatch):
    monkeypatch.setattr(containers, "MAX_IMAGE_BYTES", 1 << 20)
    path = folder / "img_align_celeba.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.jpg", bytes((1 << 20) + 1))
    with open_images(locate(folder)) as images, pytest.raises(BadImage, match=r"more than the 1,048,576 bytes"):
        images.read("bomb.jpg")
    path.unlink()
    (folder / "img_align_celeba").mkdir()
    (folder / "img_align_celeba/bomb.jpg").write_bytes(bytes((1 << 20) + 1))
    with open_images(locate(folder)) as images, pytest.raises(BadImage, match=r"1,048,576 bytes"):
        images.read("bomb.jpg")


def lying_zip(path: Path, member: str, bytes_inside: int, said: int) -> None:
    """A zip of one deflated member, whose directory says that it unpacks to `said` bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, bytes(bytes_inside))
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = said.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize("said", [1, 1000, 1 << 30])
def test_a_member_whose_size_is_a_lie_needs_little_memory(folder, said):
    lying_zip(folder / "img_align_celeba.zip", "bomb.jpg", 300 << 20, said)
    tracemalloc.start()
    with open_images(locate(folder)) as images, pytest.raises(BadImage, match=r"damaged|more than"):
        images.read("bomb.jpg")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * containers.MAX_IMAGE_BYTES


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_packing_are_refused(folder, method):
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "a", method) as archive:
        archive.writestr("img_align_celeba/000007.jpg", picture(6))
    message = refusal(folder)
    assert "000007.jpg is packed by a method" in message
    assert "stored or deflated" in message
    with open_images(locate(folder)) as images, pytest.raises(BadImage, match="packed by a method"):
        images.read("img_align_celeba/000007.jpg")


@pytest.mark.parametrize("inside", [False, True])
def test_a_list_that_is_too_long(folder, monkeypatch, inside):
    if inside:
        for name in (ATTRIBUTE_LIST, PARTITION_LIST):
            with zipfile.ZipFile(folder / "img_align_celeba.zip", "a") as archive:
                archive.write(folder / name, name)
            (folder / name).unlink()
    monkeypatch.setattr(layout, "MAX_LIST_BYTES", 60)
    message = refusal(folder / "img_align_celeba.zip")
    assert f"{ATTRIBUTE_LIST}: has more than the 60 bytes" in message


@pytest.mark.parametrize("unpacked", [False, True])
def test_fingerprint_knows_content_and_neither_path_nor_time(folder, tmp_path, unpacked):
    if unpacked:
        unpack(folder)
    print_ = fingerprint(locate(folder))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    assert fingerprint(locate(copy)) == print_
    edit(copy / ATTRIBUTE_LIST, "000004.jpg -1  1", "000004.jpg -1 -1")
    assert fingerprint(locate(copy)) != print_


def test_fingerprint_notices_another_image_of_the_same_size_in_a_zip(folder, monkeypatch):
    path = folder / "img_align_celeba.zip"
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    monkeypatch.setattr(fingerprints, "_TAIL_BYTES", 4096)  # the changed byte lies far before the tail
    before = fingerprint(locate(folder))
    first = next(iter(members))
    members[first] = members[first][:-1] + b"\0"
    write_zip(path, members)
    assert fingerprint(locate(folder)) != before


def test_the_snakefile_can_import_the_layout_cheaply():
    code = "import sys, vaematrix.data.layout; print(*{'numpy', 'pyarrow', 'PIL', 'requests'} & set(sys.modules))"
    library = {"PYTHONPATH": str(Path(layout.__file__).parents[2])}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=library)
    assert answer.stdout.strip() == ""


def test_the_forty_attributes_are_celebas(real_faces):
    assert tuple((real_faces / ATTRIBUTE_LIST).read_text().splitlines()[1].split()) == ATTRIBUTES


def test_real_faces(real_faces):
    table = index_faces(locate(real_faces))
    rows = (real_faces / ATTRIBUTE_LIST).read_text().splitlines()[2:]
    assert table.num_rows == len(rows)
    for row in (0, 1234, len(rows) - 1):
        name, *values = rows[row].split()
        found = table.slice(row, 1).to_pylist()[0]
        assert found["image_id"] == name
        assert [found[attribute] for attribute in ATTRIBUTES] == [value == "1" for value in values]
