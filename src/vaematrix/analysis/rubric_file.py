"""Which file holds the rubric: the one that lies where people work, else the paper's, which comes with the library."""

from pathlib import Path

DEFAULT = Path("config/rubric.yaml")

_LIBRARY = Path(__file__).parents[1]
_COPIES = (
    _LIBRARY / "analysis/rubric.yaml",  # in an installed package
    _LIBRARY.parents[1] / DEFAULT,  # in a checkout
)


def rubric_file(asked_for: str | Path = DEFAULT) -> Path:
    """The rubric's file; where `asked_for` is the default and absent from the working folder, the library's copy."""
    path = Path(asked_for)
    if path != DEFAULT or path.exists():
        return path
    return next((copy for copy in _COPIES if copy.is_file()), path)
