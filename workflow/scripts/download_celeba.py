"""Fetch one of CelebA's files."""

from typing import Any

from vaematrix.common.console import logged
from vaematrix.data.celeba import CELEBA, celeba_urls
from vaematrix.data.download import download


def main(snakemake: Any) -> None:
    name = snakemake.wildcards.file
    with logged(snakemake.log[0]):
        remote = CELEBA[name]
        urls = celeba_urls(name, snakemake.config["dataset"]["mirrors"])
        download(urls, snakemake.output[0], remote.sha256, remote.size)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
