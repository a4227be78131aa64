"""The command line: vaematrix judge, vaematrix compare, vaematrix watch."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from vaematrix import __version__
from vaematrix.analysis.rubric import read_rubric, rubric_file
from vaematrix.common.console import printable
from vaematrix.common.errors import UserError


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; what the user can mend is told in one line, with exit status 1."""
    asked = parser().parse_args(arguments)
    try:
        asked.run(asked)
    except (UserError, OSError) as error:
        sys.exit(f"error: {printable(str(error))}")


def parser() -> argparse.ArgumentParser:
    """The commands and their options; each sets `run` to the function that does it."""
    whole = argparse.ArgumentParser(prog="vaematrix", description="Judge images, compare results, watch trainings.")
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    judge = commands.add_parser("judge", help="the metrics of a set of images against a reference")
    judge.description = (
        "Measure a set of images against a reference: Fréchet and kernel distance, precision, recall, density, "
        "coverage; with --paired MSE, SSIM and PSNR. A set is a folder or zip of JPEG and PNG, parquet that vaematrix "
        "wrote (a file or a folder of shards), or a .npy file of uint8 [n, height, width, 3]."
    )
    judge.add_argument("images", metavar="IMAGES", help="folder, .zip, .parquet or .npy")
    judge.add_argument("--reference", required=True, help="real images that no model was trained on, in the same forms")
    judge.add_argument("--split", choices=("train", "valid", "test"), help="of a reference of shards")
    judge.add_argument(
        "--features", default="efficientnet_lite0", help="efficientnet_lite0 (default), or inception for FID and KID"
    )
    judge.add_argument("--weights", type=Path, help="Inception's weight file (default: torch.hub's folder)")
    judge.add_argument(
        "--paired", action="store_true", help="the images are reconstructions of the reference, in order"
    )
    judge.add_argument("--device", help="such as cpu or cuda:1 (default: a GPU where there is one)")
    judge.add_argument("--json", action="store_true", help="print JSON with the protocol instead of a table")
    judge.set_defaults(run=_judge)

    compare = commands.add_parser("compare", help="what changed between two folders of results")
    compare.description = "What changed between two folders of results: first how they were measured, then the numbers."
    compare.add_argument("a", metavar="A", help="the older results, e.g. results/paper")
    compare.add_argument("b", metavar="B", help="the newer results, of any experiment or revision")
    compare.add_argument("--output", type=Path, help="also write OUTPUT.csv and OUTPUT.html")
    compare.add_argument(
        "--rubric", type=Path, default=rubric_file(), help="scores both folders (default: config/rubric.yaml)"
    )
    compare.add_argument("--across-protocols", action="store_true", help="compare also what was not measured alike")
    compare.set_defaults(run=_compare)

    watch = commands.add_parser("watch", help="the running trainings, live")
    watch.description = "The running trainings, live: epoch, loss, images/s, time left. Ctrl-C ends the watching only."
    watch.add_argument("folders", nargs="*", type=Path, default=[Path("results")], help="default: results")
    watch.add_argument("--once", action="store_true", help="print the table once, e.g. for a log")
    watch.set_defaults(run=_watch)
    return whole


def _judge(asked: argparse.Namespace) -> None:
    import json

    from vaematrix.judging import as_text, judge

    found = judge(
        asked.images,
        asked.reference,
        asked.features,
        weights=asked.weights,
        split=asked.split,
        paired=asked.paired,
        device=asked.device,
    )
    print(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) if asked.json else as_text(found))


def _compare(asked: argparse.Namespace) -> None:
    from vaematrix.common.files import write_text
    from vaematrix.reporting.comparison import compare, csv_rows, read_folder, refusal, sections
    from vaematrix.reporting.frames import aligned_text, csv_text, html_page

    rubric = read_rubric(asked.rubric)
    found = compare(read_folder(asked.a), read_folder(asked.b), rubric, across_protocols=asked.across_protocols)
    title, refused = f"A = {asked.a}   B = {asked.b}", refusal(found)
    parts = sections(found)
    print(title)
    for heading, frame, note in parts:
        table = aligned_text(heading, frame, left=frame.shape[1]) if len(frame) else f"{heading}\n"
        print(f"\n{table}{note}")
    if asked.output:
        csv, html = (asked.output.with_name(f"{asked.output.name}.{kind}") for kind in ("csv", "html"))
        write_text(csv, csv_text(csv_rows(found)))
        shown = [*parts[:-1], (*parts[-1][:2], " ".join(filter(None, [parts[-1][2], refused])))]
        write_text(html, html_page(title, shown))
        print(f"\nWritten: {csv} and {html}")
    if refused:
        raise UserError(refused)


def _watch(asked: argparse.Namespace) -> None:
    from vaematrix.training.watch import watch

    watch(asked.folders, once=asked.once)


if __name__ == "__main__":
    main()
