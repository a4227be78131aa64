"""Draw the demo's faces in CelebA's layout."""

from pathlib import Path
from typing import Any

from vaematrix.common.console import logged
from vaematrix.data.drawn import draw_faces


def main(snakemake: Any) -> None:
    with logged(snakemake.log[0]):
        folder = Path(snakemake.output.images).parent
        draw_faces(folder, snakemake.params.faces, snakemake.params.seed, processes=snakemake.threads)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
