"""One file a family. A family's name in the config is the name of its file; its options are the keyword-only
arguments of its class, which :func:`vaematrix.experiment.configuration.model_options` reads without importing torch.
"""

from pathlib import Path

SHARED = frozenset({"__init__", "networks", "losses", "autoencoder", "weights"})


def families() -> list[str]:
    """The names of all families."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in SHARED)
