"""When a training saves its state and when it stops, without being stopped in the middle of a step."""

import math
import signal
import time
from types import FrameType, TracebackType
from typing import Any, Self


class Interruption:
    """Tells what a training is asked to do between two steps; use it in a `with` statement.

    While it is entered, SIGTERM and SIGINT are remembered instead of ending the process at once.
    """

    def __init__(self, checkpoint_seconds: float, stop_at: float | None) -> None:
        """Args: checkpoint_seconds: between two checkpoints. stop_at: seconds since the epoch; None for no end."""
        self.checkpoint_seconds = checkpoint_seconds
        self.stop_at = math.inf if stop_at is None else stop_at
        self.signals: list[int] = []
        self.saved_at = time.perf_counter()
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._handlers[number] = signal.signal(number, self._remember)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.signals.append(number)

    def reason_to_stop(self) -> str | None:
        """The signal that asks for it, or the walltime where it is nearly over."""
        if self.signals:
            return signal.Signals(self.signals[0]).name
        return "the walltime, which is nearly over," if time.time() >= self.stop_at else None

    def checkpoint_is_due(self) -> bool:
        """Whether the last checkpoint is old enough."""
        return time.perf_counter() - self.saved_at >= self.checkpoint_seconds

    def note_saved(self) -> None:
        """Count the time to the next checkpoint from now."""
        self.saved_at = time.perf_counter()
