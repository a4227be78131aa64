"""What distances of features say of distorted faces: docs/features.json and docs/features.png.

    VAEMATRIX_FACES=/path/to/celeba8k .venv/bin/python benchmarks/features.py

Of the first 2,000 faces, 500 are the reference, and 500 others are distorted (tests/distortions.py) and measured as
samples and as reconstructions are. The pictures beside the bars are of a drawn face, since CelebA's are not ours to
show. The random features are no longer here: their distances stay in the file as they were measured, on the same
images, at the last revision that had them.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from distortions import Images, distorted, first_faces, seen  # noqa: E402
from vaematrix.common import provenance  # noqa: E402
from vaematrix.data.drawn import draw_faces  # noqa: E402
from vaematrix.metrics.features import load_network  # noqa: E402
from vaematrix.reporting.figures.style import GREY, PALETTE, WIDTH, styled  # noqa: E402

COUNT, SHOWN = 2000, 17  # faces, and which of the drawn ones is shown
PANELS = {
    "frechet": "Fréchet distance\n(EfficientNet-Lite0)",
    "paired": "feature distance\n(EfficientNet-Lite0)",
    "random": "Fréchet distance\n(random features, gone)",
}


def thumbnails() -> dict[str, Images]:
    """One drawn face in every version, by name."""
    with tempfile.TemporaryDirectory() as name:
        draw_faces(Path(name), 300, seed=0)
        faces = first_faces(Path(name), 300)
    return {version: images[SHOWN] for version, images in distorted(faces[:20], faces[20:]).items()}


def draw(path: Path, measured: dict[str, dict[str, float]]) -> None:
    with styled():
        pictures, rows = thumbnails(), list(measured["frechet"])
        figure = Figure(figsize=(WIDTH, 0.29 * len(rows) + 0.7), dpi=180, layout="constrained")
        panels = figure.subplots(1, 1 + len(PANELS), sharey=True, width_ratios=[0.2, *(1 for _ in PANELS)])
        for place, name in enumerate(rows):
            panels[0].imshow(pictures[name], extent=(0, 1, place + 0.47, place - 0.47), aspect="auto", zorder=2)
        panels[0].set(xlim=(0, 1), xticks=[], yticks=range(len(rows)), yticklabels=rows, ylim=(len(rows) - 0.4, -0.6))
        panels[0].spines[:].set_visible(False)
        panels[0].grid(visible=False)
        panels[0].tick_params(length=0)
        for axis, (key, title), colour in zip(panels[1:], PANELS.items(), PALETTE, strict=False):
            bars(axis, [measured[key][name] for name in rows], colour)
            axis.set_title(title)
        another = measured["paired"]["another face"]
        panels[2].axvline(another, color=GREY, linewidth=0.8, linestyle="--")
        panels[2].text(another, 0, " another face", color=GREY, va="center")
        figure.savefig(path, format="png", metadata={"Software": None})


def bars(axis: Axes, values: list[float], colour: str) -> None:
    """From top to bottom, with their values; the dashed line is at the first, of faces as they are."""
    axis.barh(range(len(values)), values, color=colour, height=0.7)
    axis.axvline(values[0], color=GREY, linewidth=0.8, linestyle="--")
    for place, value in enumerate(values):
        axis.text(value, place, f" {value:.0f}" if value >= 20 else f" {value:.2f}", va="center", fontsize=6)
    axis.set_xlim(0, 1.18 * max(values))
    axis.grid(visible=False, axis="y")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--redraw", action="store_true", help="from docs/features.json, without measuring")
    options = parser.parse_args()
    record = ROOT / "docs/features.json"
    document = json.loads(record.read_text())
    if not options.redraw:
        network = load_network("efficientnet_lite0", None)
        document["measured"] |= seen(network, first_faces(Path(os.environ["VAEMATRIX_FACES"]), COUNT))
        document |= {"features": network.identity, "versions": provenance.versions()}
        record.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    draw(record.with_suffix(".png"), document["measured"])


if __name__ == "__main__":
    main()
