"""Epochs as TensorBoard's event files, for those who watch their trainings there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class EventLog:
    """Writes each epoch's record into `folder`; needs the package tensorboard, which the requirements do not hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer: Any = None  # a SummaryWriter, once there is something to write

    def __call__(self, record: Mapping[str, Any]) -> None:
        """Args: record: a line of history.jsonl."""
        from torch.utils.tensorboard import SummaryWriter

        if self.writer is None:
            # Epochs that are trained again after an interruption replace what was said of them.
            self.writer = SummaryWriter(self.folder, purge_step=record["epoch"])
        for name, value in record.items():
            if name not in ("epoch", "epochs"):
                self.writer.add_scalar(name, value, record["epoch"])
        self.writer.flush()
