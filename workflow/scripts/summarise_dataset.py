"""The dataset's counts, attribute frequencies, mean face, and what was skipped."""

from typing import Any

from vaematrix.common.console import log, logged
from vaematrix.common.errors import UserError, shown
from vaematrix.data.summary import summarise, write_frequencies, write_summary
from vaematrix.reporting.figures import save_image


def main(snakemake: Any) -> None:
    with logged(snakemake.log[0]):
        summary = summarise(list(snakemake.input))
        write_summary(snakemake.output.summary, summary)
        write_frequencies(snakemake.output.attributes, summary)
        if not summary.mean_faces:
            first = summary.about["skipped"][0]
            raise UserError(f"every image was skipped; the first, {shown(first['image_id'])}: {first['reason']}")
        mean_face = next(iter(summary.mean_faces.values()))  # of the training split, which comes first
        save_image(snakemake.output.mean_face, mean_face.round().astype("uint8"))
        if summary.about["skipped"]:
            log.warning(
                "%d images were skipped; %s lists them", len(summary.about["skipped"]), snakemake.output.summary
            )


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
