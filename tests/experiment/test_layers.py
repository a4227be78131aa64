"""Which layer of the configuration says what."""

from pathlib import Path

import pytest

from vaematrix.common.errors import UserError
from vaematrix.experiment.layers import Layers


def layers(folder: Path, *texts: str, arguments: tuple[str, ...] = ()) -> Layers:
    files = [folder / f"{number}.yaml" for number in range(len(texts))]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    return Layers(tuple(files), arguments)


def test_the_command_line_is_yaml(tmp_path: Path) -> None:
    said = layers(tmp_path, arguments=("training={epochs: 5, seeds: [0, 1]}", "models={a: null}", "training={x: '7'}"))
    assert said.command_line == {"training": {"epochs": 5, "seeds": [0, 1], "x": "7"}, "models": {"a": None}}
    with pytest.raises(UserError, match=r"^--config training: 'a' stands in line 1 and again in line 1"):
        _ = layers(tmp_path, arguments=("training={a: 1, a: 2}",)).command_line


def test_a_mistake_is_of_the_layer_that_has_the_last_word(tmp_path: Path) -> None:
    texts = (
        "training: {epochs: 1, seeds: [0, 1]}\nmodels: {a: {family: vae}}",
        "training: {seeds: [0]}\nmodels: {b: {}}",
    )
    said = layers(tmp_path, *texts, "# nothing", arguments=("training={epochs: 5}",))
    origins = {
        ("training", "epochs"): "--config",
        ("training", "seeds", 0): "1.yaml",
        ("models", "a", "family"): "0.yaml",
        ("models", "b", "family"): "1.yaml",  # which it lacks
    }
    for path, file in origins.items():
        assert Path(said.origin(path)).name == file, path


@pytest.mark.parametrize(
    ("overlay", "arguments", "fine"),
    [
        ("dataset: {name: drawn, source: drawn}", (), True),
        ("dataset: {source: drawn}", (), False),
        ("dataset: {source: download}", (), True),
        ("dataset: {name: drawn, source: drawn}", ("dataset={source: download}",), False),
        ("dataset: {name: drawn, source: drawn}", ("dataset={source: download, name: celeba}",), True),
        ("dataset: {name: other}", (), True),
    ],
)
def test_a_name_belongs_to_one_source(tmp_path: Path, overlay: str, arguments: tuple[str, ...], fine: bool) -> None:
    said = layers(tmp_path, "dataset: {name: celeba, source: download}", overlay, arguments=arguments)
    if fine:
        said.check_name()
    else:
        with pytest.raises(UserError, match=r"dataset\.source is .* dataset\.name is still .*Set dataset\.name"):
            said.check_name()
