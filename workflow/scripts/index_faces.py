"""Check the faces' lists against the images and write the index."""

from pathlib import Path
from typing import Any

from vaematrix.common.console import logged
from vaematrix.data.celeba import check_files
from vaematrix.data.fingerprint import fingerprint, unchanged
from vaematrix.data.index import index_faces, write_index
from vaematrix.data.layout import locate


def main(snakemake: Any) -> None:
    with logged(snakemake.log[0]):
        source = locate(snakemake.params.source)
        if snakemake.params.download:
            check_files(Path(snakemake.params.source))
        since = fingerprint(source)
        with unchanged(source, since):
            index = index_faces(source)
        write_index(snakemake.output[0], index, {"vaematrix.source": since})


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
