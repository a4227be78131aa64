"""What the distances of EfficientNet-Lite0's features say of distorted faces, beside what an eye says."""

import itertools

import pytest

from distortions import GRADED, HARMLESS, first_faces, seen
from vaematrix.metrics.features import load_network

COUNT = 512
STEPS = {**GRADED, "PCA, components": (64, 16)}  # 128 components of 256 faces show other faces no better than 64


@pytest.fixture(scope="module", params=["real", "drawn"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, float]]:
    if request.param == "real":
        folder = request.getfixturevalue("real_faces")
    else:
        from vaematrix.data.drawn import draw_faces

        draw_faces(folder := tmp_path_factory.mktemp("drawn"), COUNT, seed=0)
    return seen(load_network("efficientnet_lite0", None), first_faces(folder, COUNT))


@pytest.mark.parametrize("distance", ["frechet", "paired"])
def test_the_worse_the_further(found: dict[str, dict[str, float]], distance: str) -> None:
    of = found[distance]
    for kind, grades in STEPS.items():
        row = [of[f"{kind} {grade:g}"] for grade in grades]
        assert row[0] > 0.95 * of["as they are"], "the mildest may be too mild to be seen among 128 faces"
        assert all(milder < worse for milder, worse in itertools.pairwise(row)), f"{kind}: {row}"


@pytest.mark.parametrize("distance", ["frechet", "paired"])
def test_what_leaves_a_face_whole_is_nearer_than_what_does_not(
    found: dict[str, dict[str, float]], distance: str
) -> None:
    """Random features had upside-down faces as near as real ones, and brighter ones further than blurred ones."""
    of = found[distance]
    whole = max(of[name] for name in HARMLESS)
    for name in ("blur, σ in pixels 2", "noise, sd in levels 26", "PCA, components 64", "upside down", "mean face",
                 *(f"shuffled tiles, side {side}" for side in (32, 16, 8))):  # fmt: skip
        assert whole < of[name], name
    milder = [of[f"{kind} {grades[-2]:g}"] for kind, grades in GRADED.items() if kind != "shuffled tiles, side"]
    assert max(milder) < of["mean face"]


def test_another_face_is_no_reconstruction(found: dict[str, dict[str, float]]) -> None:
    of = found["paired"]
    assert of["as they are"] == pytest.approx(0, abs=1e-9)
    for name in ("blur, σ in pixels 1", "noise, sd in levels 5", "JPEG, quality 25", "PCA, components 64"):
        assert of[name] < of["another face"] < of["mean face"], name
