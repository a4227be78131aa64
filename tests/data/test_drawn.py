"""The drawn faces: CelebA's layout to the byte, and labels that tell what the picture shows."""

import io
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaematrix.common.errors import UserError
from vaematrix.data.drawn import draw_faces
from vaematrix.data.layout import ATTRIBUTES
from vaematrix.portraits.painting import paint
from vaematrix.portraits.parameters import Portrait, attributes, sample_parameters

FILES = ("img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt")
# Line 2 of CelebA's own list_attr_celeba.txt.
OFFICIAL_NAMES = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair Blond_Hair "
    "Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup High_Cheekbones Male "
    "Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks "
    "Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace "
    "Wearing_Necktie Young "
)
WOMAN = Portrait()
MAN = Portrait(male=True, hair="short", jaw=0.8)
BROWS, EYES, NOSE, MOUTH = (50, 88, 128, 104), (52, 97, 126, 124), (76, 104, 102, 143), (68, 138, 110, 167)
CHEEKS, CHIN, TOP, HEAD = (43, 112, 135, 150), (44, 108, 134, 176), (30, 25, 148, 106), (30, 25, 148, 218)
# Attribute, who has not got it, what gives it to them, and the box (left, top, right, bottom) that it may touch.
TOGGLES = [
    ("5_o_Clock_Shadow", MAN, {"beard": "stubble"}, CHIN),
    ("Arched_Eyebrows", WOMAN, {"arched_eyebrows": True}, BROWS),
    ("Bags_Under_Eyes", WOMAN, {"bags_under_eyes": True}, EYES),
    ("Bald", MAN, {"hair": "bald"}, (30, 25, 148, 135)),
    ("Bangs", WOMAN, {"bangs": True}, TOP),
    ("Big_Lips", WOMAN, {"big_lips": True}, MOUTH),
    ("Big_Nose", MAN, {"big_nose": True}, NOSE),
    ("Black_Hair", WOMAN, {"hair_colour": "black"}, HEAD),
    ("Blond_Hair", WOMAN, {"hair_colour": "blond"}, HEAD),
    ("Gray_Hair", WOMAN, {"hair_colour": "gray"}, HEAD),
    ("Brown_Hair", replace(WOMAN, hair_colour="red"), {"hair_colour": "brown"}, HEAD),
    ("Bushy_Eyebrows", MAN, {"bushy_eyebrows": True}, BROWS),
    ("Eyeglasses", WOMAN, {"glasses": "round"}, (44, 94, 134, 130)),
    ("Eyeglasses", WOMAN, {"glasses": "square"}, (44, 94, 134, 130)),
    ("Eyeglasses", WOMAN, {"glasses": "cat"}, (44, 94, 134, 130)),
    ("Goatee", MAN, {"beard": "goatee"}, (70, 150, 108, 178)),
    ("Heavy_Makeup", WOMAN, {"heavy_makeup": True}, EYES),
    ("Mouth_Slightly_Open", WOMAN, {"mouth_open": True}, MOUTH),
    ("Mouth_Slightly_Open", replace(WOMAN, smiling=True), {"mouth_open": True}, MOUTH),
    ("Mustache", MAN, {"mustache": True}, (66, 132, 112, 155)),
    ("Narrow_Eyes", WOMAN, {"narrow_eyes": True}, (50, 90, 128, 124)),
    ("No_Beard", replace(MAN, beard="full"), {"beard": "none"}, CHIN),
    ("Receding_Hairline", MAN, {"receding": True}, TOP),
    ("Rosy_Cheeks", WOMAN, {"rosy_cheeks": True}, CHEEKS),
    ("Sideburns", MAN, {"sideburns": True}, (44, 45, 134, 140)),
    ("Smiling", WOMAN, {"smiling": True}, (44, 90, 134, 164)),
    ("Wavy_Hair", WOMAN, {"wavy": True}, HEAD),
    ("Straight_Hair", replace(WOMAN, wavy=True), {"wavy": False}, HEAD),
    ("Wearing_Earrings", WOMAN, {"earrings": True}, (38, 125, 140, 146)),
    ("Wearing_Hat", WOMAN, {"hat": "beanie"}, TOP),
    ("Wearing_Hat", WOMAN, {"hat": "cap"}, TOP),
    ("Wearing_Hat", WOMAN, {"hat": "brim"}, (15, 25, 163, 104)),
    ("Wearing_Lipstick", WOMAN, {"lipstick": True}, MOUTH),
    ("Wearing_Necklace", WOMAN, {"necklace": True}, (60, 178, 118, 208)),
    ("Wearing_Necktie", MAN, {"necktie": True}, (50, 170, 128, 218)),
    ("Pale_Skin", WOMAN, {"pale": True}, (40, 50, 138, 218)),
    ("Male", WOMAN, {"male": True}, (0, 80, 178, 218)),
    ("Young", replace(WOMAN, young=False), {"young": True}, (44, 76, 134, 150)),
]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 faces."""
    folder = tmp_path_factory.mktemp("drawn")
    draw_faces(folder, 40, seed=7)
    return folder


def sampled(count: int) -> list[Portrait]:
    return [sample_parameters(np.random.default_rng([11, number])) for number in range(count)]


@pytest.mark.parametrize("processes", [1, 2])
def test_same_seed_same_bytes(drawn: Path, tmp_path: Path, processes: int) -> None:
    draw_faces(tmp_path, 40, seed=7, processes=processes)
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (drawn / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_other_seed_other_faces_and_a_face_does_not_depend_on_the_count(drawn: Path, tmp_path: Path) -> None:
    draw_faces(tmp_path / "few", 10, seed=7)
    draw_faces(tmp_path / "other", 10, seed=8)
    member = "img_align_celeba/000004.jpg"
    many, few, other = (
        zipfile.ZipFile(folder / FILES[0]).read(member) for folder in (drawn, tmp_path / "few", tmp_path / "other")
    )
    assert few == many
    assert other != many


def test_images_are_stored_as_in_celeba(drawn: Path) -> None:
    with zipfile.ZipFile(drawn / FILES[0]) as archive:
        members = archive.infolist()
        assert [member.filename for member in members] == [f"img_align_celeba/{n:06d}.jpg" for n in range(1, 41)]
        assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
        assert len({member.date_time for member in members}) == 1
        for member in members[:3]:
            image = Image.open(io.BytesIO(archive.read(member)))
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (178, 218))


def test_attribute_list_is_celebas(drawn: Path) -> None:
    lines = (drawn / FILES[1]).read_bytes().decode("ascii").split("\n")
    assert lines[0] == "40"
    assert lines[1] == OFFICIAL_NAMES
    assert lines[-1] == ""
    for number, row in enumerate(lines[2:-1], start=1):
        assert re.fullmatch(rf"{number:06d}\.jpg( -1|  1){{40}}", row)
    assert number == 40


@pytest.mark.parametrize(("count", "expected"), [(10, (6, 2, 2)), (100, (70, 15, 15)), (101, (71, 15, 15))])
def test_partition_is_contiguous(tmp_path: Path, count: int, expected: tuple[int, int, int]) -> None:
    draw_faces(tmp_path, count, seed=0)
    rows = [line.split(" ") for line in (tmp_path / FILES[2]).read_text().splitlines()]
    assert [name for name, _ in rows] == [f"{n:06d}.jpg" for n in range(1, count + 1)]
    assert [split for _, split in rows] == ["0"] * expected[0] + ["1"] * expected[1] + ["2"] * expected[2]


@pytest.mark.parametrize("count", [0, 9, 1_000_000])
def test_impossible_count_is_refused(tmp_path: Path, count: int) -> None:
    with pytest.raises(UserError, match="from 10 to 999,999"):
        draw_faces(tmp_path / "none", count, seed=0)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("name", "without", "change", "box"), TOGGLES)
def test_attribute_is_drawn_where_it_belongs(
    name: str, without: Portrait, change: dict, box: tuple[int, int, int, int]
) -> None:
    having = replace(without, **change)
    assert (attributes(without)[name], attributes(having)[name]) == (False, True)
    difference = np.abs(paint(having).astype(int) - paint(without)).max(axis=2)
    left, top, right, bottom = box
    assert (difference[top:bottom, left:right] > 25).sum() >= 20  # seen by anyone
    difference[top:bottom, left:right] = 0
    assert difference.max() <= 8  # a soft shade may reach a little further


def test_every_drawn_attribute_is_tried() -> None:
    assert {name for name, *_ in TOGGLES} == set(attributes(WOMAN))


def test_hair_colours_are_what_they_are_called() -> None:
    def hair(colour: str) -> np.ndarray:
        return paint(Portrait(hair_colour=colour, backdrop=0.0))[150:170, 46:50].reshape(-1, 3).mean(axis=0)

    black, brown, blond, gray = (hair(colour) for colour in ("black", "brown", "blond", "gray"))
    assert black.mean() < brown.mean() < blond.mean()
    assert blond[0] - blond[2] > 40
    assert brown[0] - brown[2] > 25
    assert np.ptp(gray) < 15
    assert gray.mean() > 100


def test_eyes_are_where_celeba_has_them() -> None:
    picture = paint(WOMAN).astype(int).sum(axis=2)
    for x in (69, 109):
        assert picture[109:113, x - 1 : x + 2].mean() < 150  # the pupil
        assert picture[111, x - 7] > 450  # the white of the eye
        assert picture[111, x + 7] > 450


def test_labels_do_not_contradict_each_other() -> None:
    for face in sampled(2000):
        is_ = attributes(face)
        colours = [is_[name] for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")]
        assert sum(colours) <= 1
        assert not (is_["Straight_Hair"] and is_["Wavy_Hair"])
        if is_["Bald"]:
            hairy = ("Bangs", "Straight_Hair", "Wavy_Hair", "Receding_Hairline", "Sideburns", "Wearing_Hat")
            assert not any(colours) and not any(is_[name] for name in hairy)  # noqa: PT018
        if not is_["Male"]:
            manly = ("Goatee", "Mustache", "Sideburns", "5_o_Clock_Shadow", "Bald", "Receding_Hairline")
            assert not any(is_[name] for name in manly)
            assert is_["No_Beard"]
        assert not (is_["No_Beard"] and (is_["Goatee"] or is_["5_o_Clock_Shadow"]))
        assert not (is_["Goatee"] and is_["5_o_Clock_Shadow"])
        assert not (is_["Wearing_Hat"] and (is_["Bangs"] or is_["Receding_Hairline"]))
        assert is_["Wearing_Lipstick"] or not is_["Heavy_Makeup"]


def test_attributes_vary() -> None:
    assert set(attributes(WOMAN)) <= set(ATTRIBUTES)
    labels = np.array([list(attributes(face).values()) for face in sampled(200)])
    both = labels.any(axis=0) & ~labels.all(axis=0)
    assert both.all(), np.array(list(attributes(WOMAN)))[~both]
    common = (labels.mean(axis=0) >= 0.1) & (labels.mean(axis=0) <= 0.9)
    assert common.sum() >= 12
