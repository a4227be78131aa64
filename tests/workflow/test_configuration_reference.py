"""What people and editors read about the configuration is made from the schema, and agrees with it."""

import json
import re
from types import ModuleType
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from workflow_runner import ROOT, module_of


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    return module_of("docs/configuration_reference.py")


def test_the_page_and_the_editors_schema_are_in_step(reference: ModuleType) -> None:
    page = (ROOT / "config/README.md").read_text(encoding="utf-8")
    assert reference.page(page) == page, "write it anew: make docs"
    schema = json.loads((ROOT / "config/schema.json").read_text(encoding="utf-8"))
    assert schema == reference.editors_schema(), "write it anew: make docs"


def test_every_key_is_explained_with_its_default() -> None:
    """An independent walk over config.yaml: each of its keys has a row with that default, and there is no other row."""

    def keys(value: Any, prefix: str = "") -> dict[str, Any]:
        if not isinstance(value, dict) or prefix == "models":
            return {prefix: value}
        return {name: leaf for key in value for name, leaf in keys(value[key], f"{prefix}.{key}".lstrip(".")).items()}

    config = keys(yaml.safe_load((ROOT / "config/config.yaml").read_text()))
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| (.*?) \| .+? \| .+ \|$", (ROOT / "config/README.md").read_text(), re.MULTILINE
    )
    table = {key: default.strip("`") for key, default in rows if key in config or "." in key}
    assert table.keys() == config.keys()
    shown = {key: yaml.safe_load(table[key]) for key in config if key != "models"}
    assert shown == {key: value for key, value in config.items() if key != "models"}


@pytest.mark.parametrize("overlay", [file.name for file in ROOT.glob("config/*.yaml") if file.name != "rubric.yaml"])
def test_editors_find_no_fault_with_our_files(reference: ModuleType, overlay: str) -> None:
    text = (ROOT / "config" / overlay).read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    Draft202012Validator(reference.editors_schema()).validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "overlay",
    [
        "training: {epoch: 5}",
        "training: {epochs: 0}",
        "models: {mine: {family: beta_vae, bta: 1}}",
        "models: {mine: {family: beta_vae, beta: [1, -1]}}",
    ],
)
def test_editors_find_faults(reference: ModuleType, overlay: str) -> None:
    assert not Draft202012Validator(reference.editors_schema()).is_valid(yaml.safe_load(overlay))


@pytest.mark.parametrize(
    "overlay", ["models: {vae: null}", "models: {beta_vae: {beta: [1, 2]}}", "evaluation: {split: valid}"]
)
def test_editors_accept_parts(reference: ModuleType, overlay: str) -> None:
    Draft202012Validator(reference.editors_schema()).validate(yaml.safe_load(overlay))
