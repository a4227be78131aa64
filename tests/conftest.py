"""What several tests need: real faces where they are, and drawn ones."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """A folder of real faces in CelebA's layout: $VAEMATRIX_FACES, or celeba8k beside the checkout."""
    folder = Path(os.environ.get("VAEMATRIX_FACES", ROOT.parent / "shared/data/celeba8k"))
    if not (folder / "img_align_celeba.zip").exists():
        pytest.skip(f"no faces at {folder}; set VAEMATRIX_FACES to a folder in CelebA's layout")
    return folder
