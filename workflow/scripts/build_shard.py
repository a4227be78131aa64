"""Decode, crop and resize one block of the faces."""

from typing import Any

from vaematrix.common.console import logged
from vaematrix.data.layout import locate
from vaematrix.data.shards import build_shard


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]):
        build_shard(
            snakemake.input.faces_index[0],
            locate(p.source),
            int(snakemake.wildcards.shard),
            p.shards,
            snakemake.output[0],
            crop=p.crop,
            size=p.size,
            filter=p.filter,
            image_size=p.image_size and tuple(p.image_size),
            on_bad_image=p.on_bad_image,
            progress=True,
        )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
