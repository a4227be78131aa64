"""The picture of all weightings shows the shares that the table prints."""

import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vaematrix.analysis.weight_space import Landscape, territories
from vaematrix.reporting.figures import model_lines
from vaematrix.reporting.figures.triangle import triangle

MODELS = ["a_b & 50%", "b$x$", "c"]
SETS = {
    "default": (Fraction("0.3"), Fraction("0.3"), Fraction("0.4")),
    "info_vae": (Fraction("0.3"), Fraction("0.35"), Fraction("0.35")),
}


def landscape(*scores: tuple[int, int, int]) -> Landscape:
    by_model = {model: tuple(map(Fraction, values)) for model, values in zip(MODELS, scores, strict=False)}
    return Landscape(by_model, territories(by_model), SETS)


def draw(path: Path, *, steps: Landscape, continuous: Landscape) -> np.ndarray:
    triangle(path, {"ten steps": steps, "continuous": continuous}, ["MSE", "SSIM", "FID"], MODELS)
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def coloured(sheet: np.ndarray, model: str) -> int:
    """Pixels of a model's colour above the legend."""
    colour = model_lines(MODELS)[model]["color"]
    wanted = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)])
    return int((np.abs(sheet[: int(0.8 * len(sheet))] - wanted).max(axis=2) <= 3).sum())


def test_areas_are_shares(tmp_path: Path) -> None:
    steps, smooth = landscape((7, 7, 3), (6, 6, 5), (1, 1, 1)), landscape((9, 0, 0), (0, 9, 0), (0, 0, 9))
    sheet = draw(tmp_path / "a.png", steps=steps, continuous=smooth)
    middle = sheet.shape[1] // 2
    for panel, shown in ((sheet[:, :middle], steps), (sheet[:, middle:], smooth)):
        pixels = {model: coloured(panel, model) for model in MODELS}
        for territory in shown.territories:
            (model,) = territory.models
            # Names and markers lie on some of it.
            assert pixels[model] / sum(pixels.values()) == pytest.approx(float(territory.share), abs=0.03)


def test_where_models_tie_both_colours_are_seen(tmp_path: Path) -> None:
    tied = landscape((6, 6, 6), (6, 6, 6), (5, 5, 5))
    sheet = draw(tmp_path / "a.png", steps=tied, continuous=tied)
    counts = [coloured(sheet, model) for model in MODELS]
    assert min(counts[:2]) > 0.2 * sum(counts)
    assert counts[2] == 0


def test_vectors_for_print_and_the_same_bytes_again(tmp_path: Path) -> None:
    shown = landscape((7, 7, 3), (6, 6, 5), (1, 1, 9))
    for name in ("a", "b"):
        draw(tmp_path / f"{name}.png", steps=shown, continuous=shown)
    for kind in ("png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    assert not re.search(rb"/Subtype\s*/Image", pdf), "no bitmap"


def test_without_any_model_the_triangle_is_empty(tmp_path: Path) -> None:
    sheet = draw(tmp_path / "a.png", steps=landscape(), continuous=landscape())
    assert sum(coloured(sheet, model) for model in MODELS) == 0


def test_only_three_weights_make_a_triangle(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="three rows, not of 2"):
        triangle(tmp_path / "a.png", {"ten steps": landscape()}, ["MSE", "SSIM"], MODELS)
