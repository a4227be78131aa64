"""What changed between two folders of results: python workflow/scripts/compare.py results/old results/new."""

import argparse
import sys
from pathlib import Path

import yaml

from vaematrix.common.errors import UserError
from vaematrix.common.files import write_text
from vaematrix.reporting.comparison import compare, read_folder, refusal, rows, sections
from vaematrix.reporting.tables import csv_text
from vaematrix.reporting.tables.pages import page, titled

RUBRIC = Path(__file__).resolve().parents[2] / "config/rubric.yaml"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What changed between two folders of results.")
    parser.add_argument("a", metavar="A", help="the older results, e.g. results/paper")
    parser.add_argument("b", metavar="B", help="the newer results, of any experiment or revision")
    parser.add_argument("--output", type=Path, help="also write OUTPUT.csv and OUTPUT.html")
    parser.add_argument("--rubric", type=Path, default=RUBRIC, help="scores both folders (default: config/rubric.yaml)")
    parser.add_argument("--across-protocols", action="store_true", help="compare also what was not measured alike")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    rubric = yaml.safe_load(asked.rubric.read_text(encoding="utf-8"))
    found = compare(read_folder(asked.a), read_folder(asked.b), rubric, across_protocols=asked.across_protocols)
    title, refused = f"A = {asked.a}   B = {asked.b}", refusal(found)
    parts = sections(found)
    print(title)
    for heading, frame, note in parts:
        print("\n" + (titled(heading, frame, left=frame.shape[1]) if len(frame) else f"{heading}\n"), note, sep="")
    if asked.output:
        csv, html = (asked.output.with_name(f"{asked.output.name}.{kind}") for kind in ("csv", "html"))
        write_text(csv, csv_text(rows(found)))
        shown = [*parts[:-1], (*parts[-1][:2], " ".join(filter(None, [parts[-1][2], refused])))]
        write_text(html, page(title, shown))
        print(f"\nWritten: {csv} and {html}")
    if refused:
        raise UserError(refused)


if __name__ == "__main__":
    try:
        main()
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")
