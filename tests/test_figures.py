"""Pictures: grids hold exactly the given pixels; the same input gives the same bytes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaematrix import figures
from vaematrix.figures import GAP, MARGIN, model_lines


def noise(*shape: int) -> np.ndarray:
    # Below 250, so that no pixel of an image is white.
    return np.random.default_rng(sum(shape)).integers(0, 250, size=(*shape, 3), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def from_corner(sheet: np.ndarray, row: int, column: int, side: int, gap: int = GAP) -> np.ndarray:
    """The image `row` rows above and `column` columns left of the lower right one, of `side` drawn pixels."""
    bottom = len(sheet) - MARGIN - row * (side + gap)
    right = sheet.shape[1] - MARGIN - column * (side + GAP)
    return sheet[bottom - side : bottom, right - side : right]


def test_save_image_enlarges_exactly(tmp_path: Path) -> None:
    image = noise(5, 7)
    figures.save_image(tmp_path / "a.png", image, enlargement=3)
    assert np.array_equal(read(tmp_path / "a.png"), np.kron(image, np.ones((3, 3, 1), np.uint8)))


def test_sample_grid_is_the_images_and_white(tmp_path: Path) -> None:
    samples = noise(7, 16, 16)
    figures.sample_grid(tmp_path / "a.png", samples, columns=3, rows=2, enlargement=1)
    sheet = read(tmp_path / "a.png")
    assert sheet.shape == (2 * MARGIN + 2 * 16 + GAP, 2 * MARGIN + 3 * 16 + 2 * GAP, 3)
    expected = np.full_like(sheet, 255)
    for place, image in enumerate(samples[:6]):
        y, x = MARGIN + place // 3 * (16 + GAP), MARGIN + place % 3 * (16 + GAP)
        expected[y : y + 16, x : x + 16] = image
    assert np.array_equal(sheet, expected)


def test_fewer_samples_than_places(tmp_path: Path) -> None:
    figures.sample_grid(tmp_path / "a.png", noise(4, 8, 8), columns=3, rows=5, enlargement=1)
    sheet = read(tmp_path / "a.png")
    assert sheet.shape[:2] == (2 * MARGIN + 2 * 8 + GAP, 2 * MARGIN + 3 * 8 + 2 * GAP)
    assert (from_corner(sheet, 0, 0, 8) == 255).all()


def test_reconstruction_grid_pairs_rows(tmp_path: Path) -> None:
    originals, reconstructions = noise(4, 32, 32), noise(4, 32, 32)[::-1]
    figures.reconstruction_grid(tmp_path / "a.png", originals, reconstructions, columns=2, rows=2, enlargement=2)
    sheet = read(tmp_path / "a.png")
    for column in (0, 1):  # counted from the right
        for row, images in ((0, reconstructions), (1, originals)):
            expected = images[3 - column].repeat(2, axis=0).repeat(2, axis=1)
            assert np.array_equal(from_corner(sheet, row, column, 64), expected)
    # The first pair stands further away from the second than an original from its reconstruction.
    assert sheet.shape[0] == 2 * MARGIN + 4 * 64 + 2 * GAP + 4 * GAP
    labels = sheet[:, : sheet.shape[1] - MARGIN - 2 * 64 - GAP]
    for top in (MARGIN, MARGIN + 64 + GAP, MARGIN + 2 * 64 + 5 * GAP, MARGIN + 3 * 64 + 6 * GAP):
        assert (labels[top : top + 64] < 128).any()  # each row has its label


def test_reconstruction_grid_wants_equal_shapes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        figures.reconstruction_grid(tmp_path / "a.png", noise(4, 8, 8), noise(3, 8, 8))


def test_conditional_grid_has_one_latent_a_row(tmp_path: Path) -> None:
    images = noise(3, 2, 64, 64)
    figures.conditional_grid(tmp_path / "a.png", images, ["as drawn", "Wearing_Hat"], enlargement=2)
    sheet = read(tmp_path / "a.png")
    for face in range(3):
        for setting in range(2):
            expected = images[face, setting].repeat(2, axis=0).repeat(2, axis=1)
            assert np.array_equal(from_corner(sheet, 2 - face, 1 - setting, 128), expected)
    header = sheet[: len(sheet) - MARGIN - 3 * 128 - 2 * GAP]
    assert (header[:, MARGIN : MARGIN + 128] < 128).any()
    assert (header[:, MARGIN + 128 + GAP :] < 128).any()


def test_long_headers_move_columns_apart(tmp_path: Path) -> None:
    figures.conditional_grid(tmp_path / "a.png", noise(1, 2, 8, 8), ["Extraordinarily", "x"], enlargement=1)
    sheet = read(tmp_path / "a.png")
    inked = (sheet[: len(sheet) - MARGIN - 8] < 200).any(axis=(0, 2))
    # Between the two headers there is a white gap, and nothing is cut off at the sides.
    columns = np.flatnonzero(inked)
    assert np.diff(columns).max() >= GAP
    assert columns[0] >= GAP
    assert columns[-1] < sheet.shape[1] - GAP


def test_traversal_grid(tmp_path: Path) -> None:
    images = noise(2, 3, 32, 32)
    figures.traversal_grid(tmp_path / "a.png", images, ["z17  (3.2 nats)", "z4  (1.0 nats)"], [-2, 0, 2], enlargement=2)
    sheet = read(tmp_path / "a.png")
    expected = images[1, 2].repeat(2, axis=0).repeat(2, axis=1)
    assert np.array_equal(from_corner(sheet, 0, 0, 64), expected)
    with pytest.raises(ValueError, match="dimension_labels: 1 for 2"):
        figures.traversal_grid(tmp_path / "b.png", images, ["z17"], [-2, 0, 2])
    with pytest.raises(ValueError, match="step_values: 2 for 3"):
        figures.traversal_grid(tmp_path / "b.png", images, ["z17", "z4"], [-2, 2])


def test_overview_stacks_strips(tmp_path: Path) -> None:
    strips = [("original", noise(5, 32, 32)), ("vae", noise(5, 32, 32) // 2), ("beta_vae", noise(5, 32, 32) // 3)]
    figures.overview(tmp_path / "a.png", strips, enlargement=1)
    sheet = read(tmp_path / "a.png")
    for row, (_, images) in enumerate(reversed(strips)):
        for column in range(5):
            assert np.array_equal(from_corner(sheet, row, column, 32), images[4 - column])


def test_grids_refuse_floats(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        figures.sample_grid(tmp_path / "a.png", np.zeros((2, 8, 8, 3)))


def test_colours_follow_the_order_of_the_configuration() -> None:
    lines = model_lines(["vae", "beta_vae", "info_vae"])
    assert list(lines) == ["vae", "beta_vae", "info_vae"]
    assert len({line["color"] for line in lines.values()}) == 3
    assert model_lines(["vae", "x"])["vae"] == lines["vae"]


def test_the_models_of_a_sweep_are_told_apart() -> None:
    lines = [tuple(line.values()) for line in model_lines([f"m{number}" for number in range(21)]).values()]
    assert len(set(lines)) == 21


def history(level: float, epochs: int = 4) -> list[dict]:
    return [
        {
            "epoch": epoch,
            "valid_loss": level - epoch,
            "valid_kl": level + epoch,
            "valid_mse": 0.1 / epoch,
            "beta_eff": 1.0,
        }
        for epoch in range(1, epochs + 1)
    ]


def test_training_curves_draw_each_model_in_its_colour(tmp_path: Path) -> None:
    histories = {"vae": [history(5), history(6)], "beta_vae": [history(8), history(9, epochs=3)]}
    figures.training_curves(tmp_path / "a.png", histories)
    sheet = read(tmp_path / "a.png")
    assert sheet.shape[1] == round(2 * 4.6 * 160)
    for line in model_lines(histories).values():
        wanted = np.array([int(line["color"][place : place + 2], 16) for place in (1, 3, 5)])
        assert (np.abs(sheet.astype(int) - wanted).max(axis=2) <= 2).sum() > 500


@pytest.mark.parametrize(
    "name", ["beta-{}", "info_vae-kernel-imq-lambda-1000-{}", "info_vae-alpha-0.25-lambda-1000-kernel-imq-{}"]
)
def test_the_legend_of_a_sweep_fits(tmp_path: Path, name: str) -> None:
    models = [name.format(number) for number in range(12)]
    figures.training_curves(tmp_path / "a.png", {model: [history(5)] for model in models})
    sheet = read(tmp_path / "a.png")
    frame = np.concatenate([sheet[:, :3].reshape(-1, 3), sheet[:, -3:].reshape(-1, 3), sheet[-3:].reshape(-1, 3)])
    assert (frame == 255).all(), "nothing is cut off at the sides or below"


def test_training_curves_leave_out_what_nobody_measured(tmp_path: Path) -> None:
    curves = (("valid_loss", "Validation loss"), ("mmd", "MMD"))
    figures.training_curves(tmp_path / "a.png", {"vae": [history(5, epochs=1)]}, curves)
    assert read(tmp_path / "a.png").shape[1] == round(4.6 * 160)


def test_same_input_same_bytes_whatever_matplotlibrc_says(tmp_path: Path) -> None:
    import matplotlib as mpl

    images = noise(2, 3, 16, 16)
    for name, settings in (("a", {}), ("b", {"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"})):
        with mpl.rc_context(settings):
            figures.training_curves(tmp_path / f"curves-{name}.png", {"vae": [history(5)]})
            figures.traversal_grid(tmp_path / f"grid-{name}.png", images, ["z1", "z2"], [-1, 0, 1])
    for kind in ("curves", "grid"):
        assert (tmp_path / f"{kind}-a.png").read_bytes() == (tmp_path / f"{kind}-b.png").read_bytes()
