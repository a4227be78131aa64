"""What several tests need: real faces where they are, and an experiment that has run."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from slurm_cluster import Cluster, refuse_a_foreign_slurm
from workflow_runner import copy_project, snakemake

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


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A copy of the project in which the tiny experiment has run, once for all processes of pytest: to be read only."""
    ours = tmp_path_factory.getbasetemp()
    shared = ours if worker_id == "master" else ours.parent
    folder, said = shared / "finished/vaematrix", shared / "finished/output"
    with FileLock(shared / "finished.lock"):
        if not said.exists():
            run = snakemake(copy_project(folder))
            said.write_text(run.stdout)
        assert "(100%) done" in said.read_text(), said.read_text()
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished project to be edited, with its modification times."""
    return Path(shutil.copytree(finished, tmp_path / "project", symlinks=True))
