"""The paper's experiment, seconds end to end: three models x 50 epochs x 162,770 images, all metrics, tables, report.

Snakemake runs all of it with config/config.yaml, one seed, from faces in a zip of CelebA's size and layout: those in
$VAEMATRIX_FACES, a folder in CelebA's layout, else drawn ones, repeated up to 202,599. The features are
EfficientNet-Lite0's, whose weights need no download; Inception's take three to five times as long an image. The table
of rules says where the seconds went.

Limits: "training at the matrix rate", the trainings' FLOPs alone at the fastest rate measured for a large matrix
product; "useful work" as in demo.py.
"""

import itertools
import os
import tempfile
import zipfile
from pathlib import Path

import demo
import harness
import numpy as np
import yaml
from harness import Case, Row, Target

from training import NARROW, WIDE, flops_per_image
from vaematrix.data.layout import ATTRIBUTES, locate, open_images
from vaematrix.models.architecture import Network

SPLITS = (162_770, 19_867, 19_962)


def main() -> None:
    options = harness.options(__doc__)
    splits, widths = ((256, 32, 64), NARROW) if options.quick else (SPLITS, WIDE)
    with tempfile.TemporaryDirectory() as name:
        faces = Path(name) / "faces"
        lay_out(Path(os.environ.get("VAEMATRIX_FACES") or harness.face_files(1)[0].parents[1]), faces, splits)
        config = Path(name) / "config.yaml"
        changes = settings(faces, widths, epochs=1 if options.quick else 50, quick=options.quick)
        config.write_text(yaml.safe_dump(changes))
        whole, jobs = demo.run(str(config))
    print(demo.rules(jobs))
    sizes = f"3 models, {changes['training']['epochs']} epochs, {' + '.join(map(str, splits))} images, one seed"
    row = Row("paper", "s", "lower", sizes, options)
    images = 3 * changes["training"]["epochs"] * splits[0]
    sides = {
        "ours": [whole],
        "useful work": [sum(job["useful"] for job in jobs)],
        "training at the matrix rate": [
            images * flops_per_image(Network(64, widths, 64, 40)) / harness.matrix_rate(harness.device(options.gpu))
        ],
        "ten minutes": [600.0],
    }
    row.cases.append(Case("end to end", sides, [Target("ours / ten minutes", "<=", 1)]))
    harness.write(row)


def settings(faces: Path, widths: tuple[int, ...], epochs: int, quick: bool) -> dict:
    """What differs from config/config.yaml."""
    return {
        "experiment": "timing",
        "dataset": {"name": "timing", "source": "path", "path": str(faces), "shards": 2 if quick else 16},
        "network": {"widths": list(widths)},
        "training": {"epochs": epochs, "seeds": [0], "threads": harness.CORES},
        "sampling": {"count": 32 if quick else 10_000},
        "evaluation": {"features": {"network": "efficientnet_lite0"}},
    }


def lay_out(source: Path, faces: Path, splits: tuple[int, int, int]) -> None:
    """The faces of `source`, repeated, as a zip with the two lists of CelebA that are read."""
    with open_images(locate(source)) as images:
        jpegs = [images.read(member) for member in images.members()]
    count = sum(splits)
    names = [f"{number:06d}.jpg" for number in range(1, count + 1)]
    faces.mkdir()
    with zipfile.ZipFile(faces / "img_align_celeba.zip", "w") as archive:
        for name, jpeg in zip(names, itertools.cycle(jpegs)):
            archive.writestr(f"img_align_celeba/{name}", jpeg)
    split_of = np.repeat([0, 1, 2], splits)
    lines = "".join(f"{name} {split}\n" for name, split in zip(names, split_of, strict=True))
    (faces / "list_eval_partition.txt").write_text(lines)
    signs = np.where(np.random.default_rng(0).random((count, len(ATTRIBUTES))) < 0.5, "1", "-1")
    rows = "".join(f"{name} {' '.join(row)}\n" for name, row in zip(names, signs, strict=True))
    (faces / "list_attr_celeba.txt").write_text(f"{count}\n{' '.join(ATTRIBUTES)}\n{rows}")


if __name__ == "__main__":
    main()
