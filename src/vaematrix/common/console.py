"""How a job speaks: to its log file, to the terminal, and when it fails."""

import contextlib
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vaematrix.common.errors import Interrupted, PassingError, UserError, shown

log = logging.getLogger("vaematrix")


@contextlib.contextmanager
def logged(path: str | Path | None) -> Iterator[None]:
    """Send `vaematrix` log records to standard error and to the file `path` (if one is given).

    A :class:`UserError` is printed as its message alone, and the process exits with status 1;
    any other exception keeps its traceback, in the log file too.

    A scheduler tries a failed job again, with more memory and time. An error that these cannot mend is remembered
    beside the log: another attempt of the same command repeats it and exits.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    handlers[0].setFormatter(_OneMessage("%(message)s"))
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
        handlers[1].setFormatter(_OneMessage("%(asctime)s %(message)s"))
    log.setLevel(logging.INFO)
    log.propagate = False
    for handler in handlers:
        log.addHandler(handler)
    try:
        with _remembered_refusal(path):
            yield
    except Interrupted as interruption:
        log.error("interrupted: %s", interruption)
        raise SystemExit(1) from None
    except UserError as error:
        log.error("error: %s", error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        log.error("interrupted: stopped by SIGINT")
        raise
    except Exception:
        # Python itself prints the traceback to standard error.
        for handler in handlers[1:]:
            handler.emit(log.makeRecord(log.name, logging.ERROR, "", 0, "failed", (), sys.exc_info()))
        raise
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


@contextlib.contextmanager
def _remembered_refusal(path: str | Path | None) -> Iterator[None]:
    """Remember a UserError that does not pass, beside the log `path`, and raise it again in each later attempt.

    $VAEMATRIX_COMMAND, which the Snakefile sets, tells an attempt from a new command. Snakemake removes the log itself
    before each attempt.
    """
    command = os.environ.get("VAEMATRIX_COMMAND")
    if not path or not command:
        yield
        return
    memory = Path(path).with_suffix(".refused")
    if memory.exists():
        of, _, message = memory.read_text(encoding="utf-8", errors="surrogateescape").partition("\n")
        if of == command:
            raise UserError(message)
        memory.unlink()
    try:
        yield
    except PassingError:
        raise
    except UserError as error:
        memory.write_text(f"{command}\n{error}", encoding="utf-8", errors="surrogateescape")
        raise


def printable(message: str) -> str:
    """A message that does to a terminal and to a log what it seems to do.

    Each line as :func:`shown`, and further lines indented, so that none begins with an `error:` of its own.
    """
    return "\n    ".join(map(shown, message.split("\n")))


def script_safe(value: Any) -> str:
    """JSON that may stand within a page's `<script>`: no text in it can end the script or begin a comment.

    Snakemake writes the params of reported results into its report.html, in a script and as they are.
    """
    return json.dumps(value, ensure_ascii=False).replace("<", r"\u003c")


def errors_in(text: str) -> list[str]:
    """What went wrong in the words of a log: the message of each `error:` and the last line of each traceback.

    Args:
        text: what :func:`logged` wrote, or what Snakemake copied of it.
    """
    errors = r"^(?:[\d-]+ [\d:,]+ )?(?:error|interrupted): (.*)"
    tracebacks = r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(.+)"
    return [one or other for one, other in re.findall(f"{errors}|{tracebacks}", text, flags=re.MULTILINE)]


def was_interrupted(text: str) -> bool:
    """Whether the job whose log is `text` says that it was asked to stop (by a signal: a walltime asks nobody)."""
    return bool(re.search(r"^[\d-]+ [\d:,]+ interrupted: stopped by SIG", text, flags=re.MULTILINE))


def killed_by(script: str, text: str) -> int | None:
    """The signal that ended the last process of `script` that Snakemake saw die; None where none was killed.

    Args:
        script: the name of the file without its suffix. text: Snakemake's log.
    """
    dead = rf"\.{script}\.py' (?:died with <Signals\.\w+: (\d+)>|returned non-zero exit status (\d+))"
    ends = [int(signal) if signal else int(status) - 128 for signal, status in re.findall(dead, text)]
    return ends[-1] if ends and ends[-1] > 0 else None


def state_in_slurm(job: int, text: str) -> str | None:
    """Slurm's word for how a job ended that failed, such as OUT_OF_MEMORY; None where Slurm did not run it.

    Args:
        job: Snakemake's number of the job. text: Snakemake's log.
    """
    failed = rf"message: SLURM-job '\d+' failed, SLURM status is: '(\w+)'.*\n\s+jobid: {job}\n"
    return next(reversed(re.findall(failed, text)), None)


class _OneMessage(logging.Formatter):
    """A record whose message is :func:`printable`; its traceback stays as Python writes it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        record.message = printable(record.message)
        return super().formatMessage(record)
