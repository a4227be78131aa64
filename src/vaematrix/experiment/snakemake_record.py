"""What Snakemake remembers of a file that it made."""

import base64
from pathlib import Path

_MOST = 254  # a file's name has 255 bytes, one of which is the @ of a folder


def snakemake_record(path: str) -> Path:
    """Where Snakemake keeps its record of an output: a long name becomes folders (snakemake/persistence/file.py)."""
    name = base64.urlsafe_b64encode(path.encode()).decode()
    parts = [name[start : start + _MOST] for start in range(0, len(name), _MOST)]
    return Path(".snakemake/metadata", *(f"@{part}" for part in parts[:-1]), parts[-1])
