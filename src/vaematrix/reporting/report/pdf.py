"""The report's PDF, made by pdflatex."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from vaematrix.common.errors import UserError
from vaematrix.common.files import write_text, written_whole

TEX_HINT = (
    "no PDF of the report: pdflatex was not found. Install it, on Debian and Ubuntu with "
    "`apt install texlive-latex-recommended texlive-fonts-recommended lmodern`, and run the same command again."
)
MOST_RUNS = 5  # of pdflatex: two settle the references, more a longtable


def compile_pdf(tex: str | Path) -> Path:
    """Make the PDF of a LaTeX document beside it, byte for byte the same each time; the log stays as `report.log`.

    SOURCE_DATE_EPOCH dates the PDF where it is set, else it bears no date of its own (1970).

    Raises:
        UserError: pdflatex is absent, or it stopped; then with TeX's own line of error.
    """
    tex = Path(tex).resolve()
    with tempfile.TemporaryDirectory() as build:
        for run in range(MOST_RUNS):
            log = _run_pdflatex(tex, Path(build))
            if run > 0 and not re.search(r"Rerun to get|Rerun LaTeX|run LaTeX again", log):
                break
        with written_whole(tex.with_suffix(".pdf")) as temporary:
            shutil.copyfile(Path(build) / f"{tex.stem}.pdf", temporary)
    return tex.with_suffix(".pdf")


def _run_pdflatex(tex: Path, build: Path) -> str:
    """Run pdflatex once; what it makes goes to the folder `build`, but its log beside the source. Returns the log."""
    program = shutil.which("pdflatex")
    if program is None:
        raise UserError(TEX_HINT)
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "0")
    outcome = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error",
         f"-output-directory={build}", tex.name],
        cwd=tex.parent,
        env={**os.environ, "SOURCE_DATE_EPOCH": epoch, "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"},
        capture_output=True,
        check=False,
    )  # fmt: skip
    log_file = build / f"{tex.stem}.log"
    log = log_file.read_text(encoding="utf-8", errors="replace") if log_file.exists() else ""
    write_text(tex.with_suffix(".log"), log)
    if outcome.returncode != 0:
        raise UserError(_tex_error(tex, log))
    return log


def _tex_error(tex: Path, log: str) -> str:
    missing = re.search(r"File `([^']+\.(?:sty|cls|def))' not found", log)
    if missing:
        return f"{tex}: LaTeX lacks {missing[1]}. {TEX_HINT.split('. ', 1)[1]}"
    line = re.search(r"^(?:\S+:\d+: .*|! .*)$", log, re.MULTILINE)
    reason = line[0] if line else "pdflatex stopped without saying why"
    return f"{tex}: {reason}\nThe whole log is in {tex.with_suffix('.log')}."
