"""Python imports this by itself wherever its folder is on PYTHONPATH: a clock in every job of a workflow.

As a job ends, $JOB_CLOCK/<process id>.json says its rule, its threads, and the seconds of its life spent on imports
and on everything else. The interpreter's own start is in neither.
"""

import atexit
import builtins
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

started, importing, depth = time.perf_counter(), 0.0, 0
import_module = builtins.__import__


def timed_import(*arguments: Any, **keywords: Any) -> Any:
    """Import, and count the time of the outermost import of the main thread."""
    global importing, depth
    if depth or threading.current_thread() is not threading.main_thread():
        return import_module(*arguments, **keywords)
    depth, begun = 1, time.perf_counter()
    try:
        return import_module(*arguments, **keywords)
    finally:
        depth, importing = 0, importing + time.perf_counter() - begun


def write() -> None:
    """Tell what is known, if this process is a job: Snakemake gives its script an object of this name."""
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if hasattr(job, "rule"):
        useful = time.perf_counter() - started - importing
        record = {"rule": job.rule, "threads": job.threads, "useful": useful, "imports": importing}
        Path(os.environ["JOB_CLOCK"], f"{os.getpid()}.json").write_text(json.dumps(record))


if "JOB_CLOCK" in os.environ:
    builtins.__import__ = timed_import
    atexit.register(write)
