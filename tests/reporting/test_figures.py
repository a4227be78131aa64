"""Figures: grids hold exactly the given pixels; the same input gives the same bytes; print gets vectors."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from made_up_runs import need_programs
from vaematrix.common.records import Entry
from vaematrix.reporting import figures
from vaematrix.reporting.figures import charts, model_lines, model_markers
from vaematrix.reporting.figures.grids import GAP, MARGIN, Row, write_grid
from vaematrix.reporting.figures.style import WIDTH, width_of


def noise(*shape: int) -> np.ndarray:
    # Below 250, so that no pixel of an image is white.
    return np.random.default_rng(sum(shape)).integers(0, 250, size=(*shape, 3), dtype=np.uint8)


def read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def drawn_side(sheet: np.ndarray) -> int:
    """How many dots wide the images are drawn, seen from the last one: noise without a white dot."""
    white = (sheet[-MARGIN - 1, :-MARGIN] == 255).all(axis=1)
    return int(np.argmax(white[::-1]))


def assert_images(path: Path, rows: list[np.ndarray], apart: int = GAP, rows_together: int = 1) -> None:
    """Check every dot to the right of the labels and below the headers.

    Args:
        rows: the images of each row, all rows of one length.
        apart: the white dots between groups of `rows_together` rows.
    """
    sheet, side = read(path), rows[0].shape[1]
    enlargement, rest = divmod(drawn_side(sheet), side)
    assert enlargement >= 1
    assert rest == 0
    strips = []
    for number, images in enumerate(rows):
        cells = np.kron(images, np.ones((1, enlargement, enlargement, 1), np.uint8))
        strip = np.concatenate(np.pad(cells, ((0, 0), (0, 0), (0, GAP), (0, 0)), constant_values=255), axis=1)[:, :-GAP]
        gap = 0 if number == 0 else apart if number % rows_together == 0 else GAP
        strips.append(np.pad(strip, ((gap, 0), (0, MARGIN), (0, 0)), constant_values=255))
    expected = np.pad(np.concatenate(strips), ((0, MARGIN), (0, 0), (0, 0)), constant_values=255)
    assert np.array_equal(sheet[-len(expected) :, -expected.shape[1] :], expected)


def test_save_image_keeps_every_pixel(tmp_path: Path) -> None:
    image = noise(5, 7)
    figures.save_image(tmp_path / "a.png", image)
    assert np.array_equal(read(tmp_path / "a.png"), image)


@pytest.mark.parametrize("side", [16, 60, 64, 100])
@pytest.mark.parametrize("columns", [1, 3, 8, 11])
def test_every_pixel_is_as_it_was(tmp_path: Path, side: int, columns: int) -> None:
    samples = noise(2 * columns, side, side)
    figures.sample_grid(tmp_path / "a.png", samples, columns=columns, rows=2)
    assert_images(tmp_path / "a.png", [samples[:columns], samples[columns:]])
    sheet = read(tmp_path / "a.png")
    pixels = 2 * MARGIN + columns * drawn_side(sheet) + (columns - 1) * GAP
    assert sheet.shape[1] == pixels
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["dpi"][0] >= 240
        assert pixels / picture.info["dpi"][0] <= WIDTH + 0.01


def test_fewer_samples_than_places(tmp_path: Path) -> None:
    samples = noise(4, 32, 32)
    figures.sample_grid(tmp_path / "a.png", samples, columns=3, rows=5)
    sheet = read(tmp_path / "a.png")
    drawn = (sheet.shape[1] - 2 * MARGIN - 2 * GAP) // 3
    assert sheet.shape[0] == 2 * MARGIN + 2 * drawn + GAP
    assert (sheet[MARGIN + drawn + GAP :, MARGIN + drawn + GAP :] == 255).all()


def test_print_gets_the_pixels_and_text_that_can_be_searched(tmp_path: Path) -> None:
    need_programs("pdfimages")
    images = noise(2, 3, 32, 32)
    figures.traversal_grid(tmp_path / "a.png", images, ["z17  (3.2 nats)", "z4  (1.0 nats)"], [-2, 0, 2])
    assert "z17 (3.2 nats)" in text_of(tmp_path / "a.pdf")
    subprocess.run(["pdfimages", "-png", tmp_path / "a.pdf", tmp_path / "in"], check=True)
    found = {read(path).tobytes() for path in tmp_path.glob("in-*.png")}
    # A PDF counts upwards, so that matplotlib stores images upside down.
    assert found == {image[::-1].tobytes() for row in images for image in row}


def test_charts_are_vectors_in_print(tmp_path: Path) -> None:
    need_programs("pdfimages", "pdffonts")
    figures.rate_distortion(tmp_path / "a.png", {"vae": [(3.0, 0.1)]}, ["vae"])
    for command, lines in ((["pdfimages", "-list"], 2), (["pdffonts"], 3)):  # both begin with two lines of headings
        said = subprocess.run([*command, tmp_path / "a.pdf"], capture_output=True, text=True, check=True).stdout
        assert len(said.splitlines()) == lines
    assert "TrueType" in said, "Type 3 fonts are refused by publishers"


def test_reconstructions_are_the_best_the_median_and_the_worst(tmp_path: Path) -> None:
    originals, reconstructions, ssim = noise(9, 32, 32), noise(9, 32, 32)[::-1], np.array(range(9)) / 10
    figures.reconstruction_grid(tmp_path / "a.png", originals, reconstructions, ssim, columns=2)
    rows = [images[[i, i - 1]] for i in (8, 5, 1) for images in (originals, reconstructions)]
    assert_images(tmp_path / "a.png", rows, apart=5 * GAP, rows_together=2)
    spans = re.findall(r"SSIM (\S+) to (\S+)", text_of(tmp_path / "a.pdf"))
    assert spans == [("0.70", "0.80"), ("0.40", "0.50"), ("0.00", "0.10")]


@pytest.mark.parametrize("n", [3, 4, 5, 8, 24, 25])
def test_no_face_is_both_best_and_worst(n: int) -> None:
    scores = np.random.default_rng(n).permutation(n)
    groups = [scores[places].tolist() for places in figures.best_median_worst(scores, 8).values()]
    count = min(8, n // 3)
    assert groups[0] == sorted(range(n), reverse=True)[:count]
    assert groups[2] == sorted(range(n), reverse=True)[-count:]
    assert len({*groups[0], *groups[1], *groups[2]}) == 3 * count
    above, below = n - 1 - groups[1][0], groups[1][-1]
    assert abs(above - below) <= 1, "as many are better as are worse"


def test_two_faces_are_no_groups() -> None:
    assert figures.best_median_worst(np.array([0.1, 0.2]), 8)["best"].tolist() == [1, 0]


def test_reconstruction_grid_wants_equal_shapes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        figures.reconstruction_grid(tmp_path / "a.png", noise(4, 8, 8), noise(3, 8, 8), np.zeros(4))


def test_conditional_grid_has_without_above_with(tmp_path: Path) -> None:
    faces, absent, present = noise(2, 2, 64, 64), noise(2, 3, 64, 64), noise(2, 3, 64, 64) // 2
    figures.conditional_grid(tmp_path / "a.png", faces, absent, present, ["Smiling", "Wearing Hat", "Young"])
    rows = [
        np.concatenate([faces[face, [side]], images[face]])
        for face in range(2)
        for side, images in enumerate((absent, present))
    ]
    assert_images(tmp_path / "a.png", rows, apart=5 * GAP, rows_together=2)
    with pytest.raises(ValueError, match="attributes: 1 for 3"):
        figures.conditional_grid(tmp_path / "b.png", faces, absent, present, ["Smiling"])


def test_interpolations_stand_between_their_originals(tmp_path: Path) -> None:
    first, between, last = noise(2, 32, 32), noise(2, 4, 32, 32), noise(2, 32, 32) // 2
    figures.interpolation_grid(tmp_path / "a.png", first, between, last)
    assert_images(tmp_path / "a.png", [np.stack([first[i], *between[i], last[i]]) for i in range(2)])


def test_long_headers_shrink(tmp_path: Path) -> None:
    images = noise(10, 32, 32)
    write_grid(tmp_path / "a.png", [Row(images)], ["Extraordinarily"] * 10)
    sheet = read(tmp_path / "a.png")
    head = len(sheet) - MARGIN - (sheet.shape[1] - 2 * MARGIN - 9 * GAP) // 10
    columns = np.flatnonzero((sheet[:head] < 200).any(axis=(0, 2)))
    # Between two headers there is a white gap, and nothing is cut off at the sides.
    assert (np.diff(columns) >= GAP).sum() >= 9
    assert columns[0] >= GAP
    assert columns[-1] < sheet.shape[1] - GAP


def test_long_labels_break(tmp_path: Path) -> None:
    name = "info_vae-alpha-0.25-lambda-1000-kernel-imq-12"
    figures.overview(tmp_path / "a.png", {name: noise(10, 32, 32)}, [name])
    sheet = read(tmp_path / "a.png")
    assert (sheet[:, :3] == 255).all()
    with Image.open(tmp_path / "a.png") as picture:
        assert sheet.shape[1] / picture.info["dpi"][0] <= WIDTH + 0.01
    assert width_of(name) > 2


def test_traversal_grid(tmp_path: Path) -> None:
    images = noise(2, 3, 32, 32)
    figures.traversal_grid(tmp_path / "a.png", images, ["z17  (3.2 nats)", "z4  (1.0 nats)"], [-2, 0, 2])
    assert_images(tmp_path / "a.png", list(images))
    with pytest.raises(ValueError, match="dimension_labels: 1 for 2"):
        figures.traversal_grid(tmp_path / "b.png", images, ["z17"], [-2, 0, 2])
    with pytest.raises(ValueError, match="step_values: 2 for 3"):
        figures.traversal_grid(tmp_path / "b.png", images, ["z17", "z4"], [-2, 2])


def test_overview_stacks_strips_and_marks_models(tmp_path: Path) -> None:
    strips = {"originals": noise(5, 32, 32), "vae": noise(5, 32, 32) // 2, "beta_vae": noise(5, 32, 32) // 3}
    figures.overview(tmp_path / "a.png", strips, ["vae", "beta_vae"])
    assert_images(tmp_path / "a.png", list(strips.values()))
    sheet = read(tmp_path / "a.png")
    drawn = drawn_side(sheet)
    labels = sheet[:, : -MARGIN - 5 * drawn - 4 * GAP]
    for row, model in enumerate(["vae", "beta_vae"], start=1):
        top = MARGIN + row * (drawn + GAP)
        assert has_colour(labels[top : top + drawn], model_markers(["vae", "beta_vae"])[model]["color"])
        assert not has_colour(labels[:top], model_markers(["vae", "beta_vae"])[model]["color"])


def has_colour(sheet: np.ndarray, colour: str) -> bool:
    """Whether a hundred dots at least are of this colour."""
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return bool((np.abs(sheet.astype(int) - wanted).max(axis=2) <= 2).sum() >= 100)


def test_without_any_run_the_figures_are_empty_but_there(tmp_path: Path) -> None:
    figures.overview(tmp_path / "grid.png", {}, ["vae"])
    figures.training_curves(tmp_path / "curves.png", {}, ["vae"])
    figures.rate_distortion(tmp_path / "plane.png", {}, ["vae"])
    figures.distributions(tmp_path / "violins.png", {"MSE": {}, "SSIM": {}}, ["vae"])
    figures.latent_units(tmp_path / "units.png", {}, ["vae"], 0.01)
    figures.distance_by_count(tmp_path / "counts.png", {}, ["vae"], "FID")
    assert len(list(tmp_path.glob("*.p[nd][gf]"))) == 12
    assert (read(tmp_path / "grid.png") == 255).all()


def test_grids_refuse_floats(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        figures.sample_grid(tmp_path / "a.png", np.zeros((2, 8, 8, 3)))


def test_colours_follow_the_order_of_the_configuration() -> None:
    names = ["vae", "beta_vae", "info_vae"]
    lines, marks = model_lines(names), model_markers(names)
    assert list(lines) == list(marks) == names
    assert len({line["color"] for line in lines.values()}) == 3
    assert len({mark["marker"] for mark in marks.values()}) == 3
    assert [lines[name]["color"] for name in names] == [marks[name]["color"] for name in names]
    assert model_lines(["vae", "x"])["vae"] == lines["vae"]


def test_the_models_of_a_sweep_are_told_apart() -> None:
    for looks, count in ((model_lines, 21), (model_markers, 56)):
        assert len({tuple(look.values()) for look in looks([f"m{n}" for n in range(count)]).values()}) == count


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2, in [0, 1]."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_every_colour_stands_out_from_white() -> None:
    from vaematrix.reporting.figures.style import PALETTE

    assert all(1.05 / (luminance(colour) + 0.05) > 2 for colour in PALETTE)


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
    names = ["vae", "info_vae", "beta_vae"]  # the second has no results, and keeps its colour
    figures.training_curves(tmp_path / "a.png", histories, names)
    sheet = read(tmp_path / "a.png")
    for name, line in model_lines(names).items():
        assert has_colour(sheet, line["color"]) == (name in histories)


@pytest.mark.parametrize(
    "name", ["beta-{}", "info_vae-kernel-imq-lambda-1000-{}", "info_vae-alpha-0.25-lambda-1000-kernel-imq-{}"]
)
def test_the_legend_of_a_sweep_fits(tmp_path: Path, name: str) -> None:
    models = [name.format(number) for number in range(12)]
    figures.training_curves(tmp_path / "a.png", {model: [history(5)] for model in models}, models)
    sheet = read(tmp_path / "a.png")
    frame = np.concatenate([sheet[:, :3].reshape(-1, 3), sheet[:, -3:].reshape(-1, 3), sheet[-3:].reshape(-1, 3)])
    assert (frame == 255).all(), "nothing is cut off at the sides or below"


def test_training_curves_show_a_discriminator_where_there_was_one(tmp_path: Path) -> None:
    names = ["vae", "adversarial"]
    duel = dict.fromkeys(("discriminator_loss", "gradient_ratio", "real_accuracy", "sample_accuracy"), 0.5)
    heights = []
    for further in ({}, duel):
        histories = {"vae": [history(5)], "adversarial": [[epoch | further for epoch in history(6)]]}
        figures.training_curves(tmp_path / "a.png", histories, names)
        heights.append(len(read(tmp_path / "a.png")))
    assert heights[1] > 1.8 * heights[0], "four panels more"


def test_training_curves_leave_out_what_nobody_measured(tmp_path: Path) -> None:
    curves = (("valid_loss", "Validation loss"), ("mmd", "MMD"))
    figures.training_curves(tmp_path / "a.png", {"vae": [history(5, epochs=1)]}, ["vae"], curves)
    assert "MMD" not in text_of(tmp_path / "a.pdf")


def test_a_model_without_beta_eff_is_missing_from_its_panel_alone(tmp_path: Path) -> None:
    without = [{key: value for key, value in epoch.items() if key != "beta_eff"} for epoch in history(8)]
    names = ["vae", "capacity"]
    figures.training_curves(tmp_path / "a.png", {"vae": [history(5)], "capacity": [without]}, names)
    assert "Effective" in text_of(tmp_path / "a.pdf")
    assert has_colour(read(tmp_path / "a.png"), model_lines(names)["capacity"]["color"])


def text_of(pdf: Path) -> str:
    need_programs("pdftotext")
    return " ".join(subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout.split())


def test_distributions_draw_every_model_and_each_seeds_median(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    panels = {
        "MSE": {"vae": [rng.random(50), rng.random(50)], "b$t$a_vae": [rng.random(50) + 1]},
        "SSIM": {"vae": [np.full(5, 0.5)], "b$t$a_vae": [np.array([0.25])]},  # no spread at all
    }
    figures.distributions(tmp_path / "a.png", panels, ["vae", "b$t$a_vae"])
    assert {"MSE", "SSIM", "vae", "b$t$a_vae"} <= set(text_of(tmp_path / "a.pdf").split())
    assert has_colour(read(tmp_path / "a.png"), model_markers(["vae", "b$t$a_vae"])["b$t$a_vae"]["color"])


@pytest.mark.parametrize("runs", [1, 3])
def test_the_plane_has_a_point_a_run(tmp_path: Path, runs: int) -> None:
    """One run more adds as much of its colour as the first."""
    counts = []
    for count in (0, runs):
        points = {"vae": [(1.0, 1.0)], "beta_vae": [(2.0 + 2 * run, 3.0) for run in range(count)]}
        figures.rate_distortion(tmp_path / "a.png", {name: at for name, at in points.items() if at}, list(points))
        wanted = np.array([0xD5, 0x5E, 0x00])
        counts.append((np.abs(read(tmp_path / "a.png").astype(int) - wanted).max(axis=2) <= 2).sum())
    assert counts[0] == 0
    # The legend has one more; a square of 5.5 points and its edge of one are 21 x 21 dots.
    assert counts[1] / 21**2 == pytest.approx(runs + 1, abs=0.1)


def test_same_input_same_bytes_whatever_matplotlibrc_says(tmp_path: Path) -> None:
    import matplotlib as mpl

    images = noise(2, 3, 16, 16)
    for name, settings in (("a", {}), ("b", {"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"})):
        with mpl.rc_context(settings):
            figures.training_curves(tmp_path / f"curves-{name}.png", {"vae": [history(5)]}, ["vae"])
            figures.traversal_grid(tmp_path / f"grid-{name}.png", images, ["z1", "z2"], [-1, 0, 1])
    for kind in ("curves-{}.png", "curves-{}.pdf", "grid-{}.png", "grid-{}.pdf"):
        assert (tmp_path / kind.format("a")).read_bytes() == (tmp_path / kind.format("b")).read_bytes()


def test_units_are_drawn_from_the_largest_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(charts, "_draw_curves", lambda axis, runs, look: drawn.append(runs))
    units = [{"kl": kl, "variance_of_mean": variance} for kl, variance in ((0.5, 0.02), (2.0, 0.9), (1.0, 0.001))]
    figures.latent_units(tmp_path / "a.png", {"vae": [units]}, ["vae"], 0.01)
    assert drawn == [[{1: 2.0, 2: 1.0, 3: 0.5}], [{1: 0.9, 2: 0.02, 3: 0.001}]]


def test_the_line_through_the_largest_counts_meets_endless_samples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need_programs("pdftotext")
    plotted = []
    plot = Axes.plot
    monkeypatch.setattr(Axes, "plot", lambda axis, x, y, **look: (plotted.append((x, y)), plot(axis, x, y, **look))[1])
    points = [{"count": count, "distance": 3 + 400 / count} for count in (100, 500, 1000)]
    figures.distance_by_count(
        tmp_path / "a.png", {"vae": [(Entry(value=3.0, low=2.8, high=3.1), points)]}, ["vae"], "FID"
    )
    (x, y), (line_x, line_y) = plotted[0], plotted[1]
    assert (x, y) == ([0.01, 0.002, 0.001], [7.0, 3.8, 3.4])
    assert (line_x, line_y) == ([0.002, 0], [3.8, 3.0])
    text = text_of(tmp_path / "a.pdf")
    assert all(word in text for word in ("FID", "∞", "100", "500", "1,000", "vae"))
