"""What a training tells of its epochs: history.jsonl, a progress bar, and a line in the log."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from vaematrix.common.files import write_text

log = logging.getLogger("vaematrix.training.history")


def write_history(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write one JSON line an epoch; the whole file each time, whatever others did to it meanwhile."""
    write_text(path, "".join(json.dumps(record, allow_nan=False) + "\n" for record in records))


def progress_bar(images: int, seen: int, title: str) -> tqdm:
    """A progress bar over the images of all epochs, with an ETA; silent where nobody watches."""
    return tqdm(total=images, initial=seen, unit="image", unit_scale=True, disable=None, dynamic_ncols=True, desc=title)


def show(record: Mapping[str, Any], bar: tqdm) -> None:
    """Put an epoch's losses beside the bar, and a line in the log where there is no terminal to show the bar on."""
    bar.set_postfix_str(f"loss {record['loss']:.1f}, valid {record['valid_loss']:.1f}")
    if not sys.stderr.isatty():
        log.info(_line(record))


def _line(record: Mapping[str, Any]) -> str:
    left = record["seconds"] * (record["epochs"] - record["epoch"])
    return (
        f"epoch {record['epoch']}/{record['epochs']}: loss {record['loss']:.1f}, valid {record['valid_loss']:.1f}, "
        f"KL {record['kl']:.1f} nats, {record['images_per_second']:.0f} images/s, {left / 60:.0f} min left"
        + (f"; {duel_text(record)}" if "discriminator_loss" in record else "")
    )


def duel_text(record: Mapping[str, Any]) -> str:
    """How an epoch stood between a model and its discriminator, on a few words."""
    right = "/".join(f"{100 * record[f'{of}_accuracy']:.0f}" for of in ("real", "reconstruction", "sample"))
    return f"w {record['adversarial_weight']:.2f}, λ {record['gradient_ratio']:.0f}, right {right} %"
