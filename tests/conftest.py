"""What several tests need: real faces where they are, and drawn ones."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from slurm_cluster import Cluster, refuse_a_foreign_slurm

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """A folder of real faces in CelebA's layout: $VAEMATRIX_FACES, or celeba8k beside the checkout."""
    folder = Path(os.environ.get("VAEMATRIX_FACES", ROOT.parent / "shared/data/celeba8k"))
    if not (folder / "img_align_celeba.zip").exists():
        pytest.skip(f"no faces at {folder}; set VAEMATRIX_FACES to a folder in CelebA's layout")
    return folder


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """Brings up a Slurm with the settings of a Cluster. CI must have it; elsewhere, where it is absent, tests skip."""
    with ExitStack() as stack:

        def bring_up(**settings: Any) -> Cluster:
            cluster = Cluster(tmp_path_factory.mktemp("slurm"), **settings)
            try:
                refuse_a_foreign_slurm(cluster.accounting)
            except RuntimeError as reason:
                if "CI" in os.environ:
                    raise
                pytest.skip(str(reason))
            stack.callback(cluster.down)
            cluster.up()
            return cluster

        yield bring_up
