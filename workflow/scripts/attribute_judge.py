"""A classifier of the attributes, learnt from the training split and tried on the evaluation split."""

from typing import Any

from vaematrix.common.console import logged
from vaematrix.data.shards import read_faces
from vaematrix.data.subsets import MOST_FACES, at_most
from vaematrix.metrics.attribute_judge import save_judge, train_judge


def main(snakemake: Any) -> None:
    p = snakemake.params
    with logged(snakemake.log[0]):
        train, faces = (read_faces(snakemake.input.shards, split) for split in ("train", p.split))
        chosen = at_most(MOST_FACES, len(train.images), seed=0)
        judge = train_judge(
            train.images[chosen],
            train.attributes[chosen],
            faces.images,
            faces.attributes,
            faces.attribute_names,
            seed=0,
        )
        save_judge(snakemake.output.judge, judge, {"vaematrix.split": p.split, "vaematrix.key": p.key})


if __name__ == "__main__":
    main(snakemake)  # noqa: F821 - given by Snakemake
