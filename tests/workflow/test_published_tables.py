"""The tables of results that the pages show are those of the records in docs/results."""

from types import ModuleType

import pytest

from workflow_runner import ROOT, module_of


@pytest.fixture(scope="module")
def published() -> ModuleType:
    return module_of("docs/published_tables.py")


@pytest.mark.parametrize("name", ["README.md", "docs/real-faces.md"])
def test_the_tables_of_a_page_are_those_of_the_records(name: str, published: ModuleType) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert published.page(name, text) == text, "run: python docs/published_tables.py"
    assert any(f"<!-- results: {config} -->" in text for shown_on, config, _ in published.TABLES if shown_on == name)
