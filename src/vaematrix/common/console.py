"""How a job speaks: to its log file, to the terminal, and when it fails."""

import contextlib
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from vaematrix.common.errors import UserError

log = logging.getLogger("vaematrix")


@contextlib.contextmanager
def logged(path: str | Path | None) -> Iterator[None]:
    """Send `vaematrix` log records to standard error and to the file `path` (if one is given).

    A :class:`UserError` is printed as its message alone, and the process exits with status 1;
    any other exception keeps its traceback, in the log file too.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
        handlers[1].setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.setLevel(logging.INFO)
    log.propagate = False
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    except UserError as error:
        log.error("error: %s", error)
        raise SystemExit(1) from None
    except Exception:
        # Python itself prints the traceback to standard error.
        for handler in handlers[1:]:
            handler.emit(log.makeRecord(log.name, logging.ERROR, "", 0, "failed", (), sys.exc_info()))
        raise
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def errors_in(text: str) -> list[str]:
    """What went wrong in the words of a log: the message of each `error:` and the last line of each traceback.

    Args:
        text: what :func:`logged` wrote, or what Snakemake copied of it.
    """
    errors = r"^(?:[\d-]+ [\d:,]+ )?error: (.*)"
    tracebacks = r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(.+)"
    return [one or other for one, other in re.findall(f"{errors}|{tracebacks}", text, flags=re.MULTILINE)]
