"""The notebook of docs/ runs from its first cell to its last, and is checked in without outputs."""

import shutil
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from made_up_demo import pretend_demo

NOTEBOOK = Path(__file__).parents[1] / "docs/trained_model.ipynb"


def test_the_notebook_runs(tmp_path: Path) -> None:
    pretend_demo(tmp_path)
    (tmp_path / "docs").mkdir()
    shutil.copy(NOTEBOOK, tmp_path / "docs")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path / "docs"}}).execute()
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3
    *_, values, protocol = (cell.outputs[-1]["data"]["text/plain"] for cell in notebook.cells if cell.get("outputs"))
    assert "'SSIM'" in values
    assert "'Fréchet distance (EfficientNet-Lite0)'" in values
    assert "'versions'" in protocol


def test_the_notebook_is_checked_in_without_outputs() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert [cell.source for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []
