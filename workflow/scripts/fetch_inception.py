"""Bring FID's weight file to where all jobs find it."""

import shutil
from typing import Any

from vaematrix.common.console import log, logged
from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256, written_whole
from vaematrix.data.download import download
from vaematrix.metrics.inception_weights import SHA256, SIZE, URL, find_weights, hub_path


def main(snakemake: Any) -> None:
    configured, output = snakemake.config["evaluation"]["features"]["weights"], snakemake.output[0]
    with logged(snakemake.log[0]):
        if not configured and not hub_path().exists():
            log.info("no weights at %s and none named by evaluation.features.weights: downloading", hub_path())
            download([URL], output, SHA256, SIZE)
            return
        source = find_weights(configured)
        if (found := sha256(source)) != SHA256:
            raise UserError(
                f"{source}: SHA-256 {found} is not that of FID's weights, {SHA256}. Replace it by the one at {URL} "
                f"({SIZE:,} bytes), or set evaluation.features.network: efficientnet_lite0 for another distance."
            )
        log.info("taking FID's weights from %s", source)
        with written_whole(output) as temporary:
            shutil.copyfile(source, temporary)


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
