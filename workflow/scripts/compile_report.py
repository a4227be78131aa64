"""The report as PDF."""

from typing import Any

from vaematrix.common.console import logged
from vaematrix.reporting.report.pdf import compile_pdf


def main(snakemake: Any) -> None:
    with logged(snakemake.log[0]):
        compile_pdf(snakemake.input[0])


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
