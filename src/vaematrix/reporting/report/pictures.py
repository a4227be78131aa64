"""The report's pictures, with their captions."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from vaematrix.common.files import written_whole
from vaematrix.reporting import latex
from vaematrix.reporting.names import file_word
from vaematrix.reporting.templating import TEMPLATES


@dataclass(frozen=True)
class Figure:
    """A picture (PNG, JPEG or PDF) for the report.

    Attributes:
        kind: one of :func:`captions`, or any other word.
        model: the model it shows, if it shows one.
        seed: of the run it shows, if it shows one.
        caption: plain text in place of the kind's caption.
    """

    path: Path
    kind: str
    model: str | None = None
    seed: int | None = None
    caption: str | None = None


@cache
def captions() -> dict[str, str]:
    """What to look for in a figure, by its kind; in the order of the report."""
    return yaml.safe_load((TEMPLATES / "captions.yaml").read_text(encoding="utf-8"))


def placed_figures(figures: Sequence[Figure], folder: Path) -> dict[str, Any]:
    """The figures as the template needs them: each its `path` relative to `folder` and its `caption` in LaTeX.

    Kinds are in the order of :func:`captions`; those that it does not know come last.

    Returns:
        `shared`: kind -> figures of all models together. `own`: (kind, figures of one model each) of each such kind.
    """
    kinds = dict.fromkeys([*captions(), *(figure.kind for figure in figures)])
    shared: dict[str, list[dict[str, str]]] = defaultdict(list, {kind: [] for kind in kinds})
    own: dict[str, list[dict[str, str]]] = {kind: [] for kind in kinds}
    for index, figure in enumerate(figures):
        placed = {"path": _path_for_tex(figure.path, index, folder), "caption": latex.escape(_caption(figure))}
        (shared if figure.model is None else own)[figure.kind].append(placed)
    return {"shared": shared, "own": [(kind, placed) for kind, placed in own.items() if placed]}


def _path_for_tex(picture: Path, index: int, folder: Path) -> str:
    """A path that TeX can open, relative to `folder`: the picture's own, or that of a copy with a plain name."""
    path = relative_path(picture, folder)
    if re.fullmatch(r"[A-Za-z0-9_+=./-]+", path):
        return path
    plain = folder / "figures" / f"{index:03}-{file_word(picture.stem)}{picture.suffix}"
    with written_whole(plain) as temporary:
        shutil.copyfile(picture, temporary)
    return relative_path(plain, folder)


def _caption(figure: Figure) -> str:
    models = "all models" if figure.model is None else figure.model
    models += "" if figure.seed is None else f" (seed {figure.seed})"
    of_kind = captions().get(figure.kind, figure.kind.capitalize() + " of {models}.")
    return figure.caption or of_kind.replace("{models}", models)


def relative_path(path: str | Path, folder: Path) -> str:
    """`path` relative to `folder`, with slashes."""
    return Path(os.path.relpath(Path(path).resolve(), folder.resolve())).as_posix()
