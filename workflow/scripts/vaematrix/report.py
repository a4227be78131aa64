"""The report: a short article that \\inputs the tables, and its PDF."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaematrix import latex
from vaematrix.errors import UserError
from vaematrix.files import write_text, written_whole
from vaematrix.tables import TEMPLATES, Results, floor_word, leaders

TEX_HINT = (
    "no PDF of the report: pdflatex was not found. Install it, on Debian and Ubuntu with "
    "`apt install texlive-latex-recommended texlive-fonts-recommended lmodern`, and run the same command again."
)

# What to see in a figure, by its kind; the order is that of the report.
CAPTIONS = {
    "overview": "The same faces in {of}: originals, reconstructions, samples.",
    "curves": "The training of {of}, epoch by epoch. A validation loss that turns upwards means overfitting; "
    "a KL divergence near zero means that the decoder ignores the latent. Losses are comparable between models only "
    "where their objectives are the same.",
    "reconstructions": "Faces of the evaluation split over their reconstructions from the posterior mean by {of}. "
    "Look at what is lost first: hair, teeth, glasses, backgrounds.",
    "samples": "Samples of {of}, the first ones drawn, none chosen. Look for whole faces, and for variety.",
    "traversal": "One face's code in {of}, moved along one latent dimension per row. "
    "A disentangled dimension changes one thing along its row.",
    "attributes": "Faces with one attribute after the other switched by {of}: a conditional model is told another "
    "label and keeps its latent code, any other model's code is moved along the attribute's mean direction. "
    "The person and the pose should stay, the attribute should change.",
}


@dataclass(frozen=True)
class Figure:
    """A picture (PNG, JPEG or PDF) for the report.

    Attributes:
        kind: one of CAPTIONS, or any other word with a caption of its own.
        model: the model it shows, if it shows one.
        caption: plain text in place of the kind's caption.
    """

    path: Path
    kind: str
    model: str | None = None
    seed: int | None = None
    caption: str | None = None


def write_report(
    folder: str | Path,
    tables: str | Path,
    results: Results,
    *,
    records: Sequence[Mapping[str, Any]] = (),
    settings: Mapping[str, Any] | None = None,
    figures: Sequence[Figure] = (),
    skipped: Sequence[Mapping[str, str]] = (),
) -> Path:
    r"""Write `report.tex` into `folder`.

    Args:
        folder: where the report goes; the tables and figures are named relative to it.
        tables: the folder that `tables.write_tables` filled from the same results.
        results: what `tables.collect` worked out.
        records: run.json of the runs, for cost and provenance; a missing field is printed as a dash.
        settings: shared settings to print with the protocol, such as the config's `network` and `training`.
        figures: the pictures, in any order; they are grouped by kind.
        skipped: images that were skipped while the faces were prepared (`image_id`, `reason`).

    Returns:
        The path of report.tex.
    """
    import jinja2

    folder = Path(folder)
    shutil.rmtree(folder / "figures", ignore_errors=True)  # of an earlier report, which may have shown others
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<<",
        variable_end_string=">>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # LaTeX: every text goes through the filter `tex`
    )
    environment.filters["tex"] = latex.escape
    # In narrow columns a long name may break after an underscore.
    environment.filters["breakable"] = lambda escaped: escaped.replace(r"\_", r"\_\allowbreak{}")
    text = environment.get_template("report.tex.jinja").render(
        results=results,
        tables=_relative(tables, folder),
        macro=lambda name, of="": f"\\vm{name}{latex.macro_word(of) if of else ''}{{}}",
        matrix_file=latex.matrix_file,
        floor_word=floor_word,
        published={table.key: latex.published_file(table.key) for table in results.published},
        protocol=protocol_rows(results, settings or {}),
        random_features="frechet_random" in results.keys.values(),
        judged_by=[results.label(key) for key in results.keys.values()],
        figures=_figure_groups(figures, folder),
        costs=cost_rows(records),
        provenance=provenance_rows(results, records),
        versions=_versions(results, records),
        skipped=skipped,
        claim_fails=leaders(results.published, "printed") != leaders(results.published, "recomputed"),
        several_seeds=any(judged.total.n > 1 for judged in results.matrices.values()),
    )
    write_text(folder / "report.tex", text)
    return folder / "report.tex"


def compile_pdf(tex: str | Path) -> Path:
    """Make the PDF of a LaTeX document beside it, byte for byte the same each time; the log stays as `report.log`.

    SOURCE_DATE_EPOCH dates the PDF where it is set, else it bears no date of its own (1970).

    Raises:
        UserError: pdflatex is absent, or it stopped; then with TeX's own line of error.
    """
    tex = Path(tex).resolve()
    program = shutil.which("pdflatex")
    if program is None:
        raise UserError(TEX_HINT)
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "0")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch, "FORCE_SOURCE_DATE": "1", "max_print_line": "1000"}
    options = ["-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "-file-line-error"]
    with tempfile.TemporaryDirectory() as build:
        log = Path(build) / f"{tex.stem}.log"
        for _ in range(5):  # twice for references; more where a longtable is still settling
            outcome = subprocess.run(
                [program, *options, f"-output-directory={build}", tex.name],
                cwd=tex.parent,
                env=environment,
                capture_output=True,
                check=False,
            )
            text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
            write_text(tex.with_suffix(".log"), text)
            if outcome.returncode != 0:
                raise UserError(_tex_error(tex, text))
            if _ > 0 and not re.search(r"Rerun to get|Rerun LaTeX|run LaTeX again", text):
                break
        with written_whole(tex.with_suffix(".pdf")) as temporary:
            shutil.copyfile(Path(build) / f"{tex.stem}.pdf", temporary)
    return tex.with_suffix(".pdf")


def _tex_error(tex: Path, log: str) -> str:
    missing = re.search(r"File `([^']+\.(?:sty|cls|def))' not found", log)
    if missing:
        return f"{tex}: LaTeX lacks {missing[1]}. {TEX_HINT.split('. ', 1)[1]}"
    line = re.search(r"^(?:\S+:\d+: .*|! .*)$", log, re.MULTILINE)
    reason = line[0] if line else "pdflatex stopped without saying why"
    return f"{tex}: {reason}\nThe whole log is in {tex.with_suffix('.log')}."


# --- what the template is filled with ---------------------------------------------------------------------------------


def protocol_rows(results: Results, settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How the numbers were made, as (what, plain text)."""
    protocol = results.runs[0].get("protocol", {}) if results.runs else {}
    known = {key: value for key, value in protocol.items() if value is not None}
    features = known.get("features") or {}
    rows = [
        ("Faces", "{dataset}", {"dataset"}),
        ("Evaluated on", "the {split} split, {images} images", {"split", "images"}),
        ("Images", "centre crop {crop}, resized to {size} × {size} ({filter}), 8 bits a channel",
         {"crop", "size", "filter"}),
        ("Reconstructions", "from the posterior mean, each compared with its original", set()),
        ("Samples", "{sample_count} from the sampler “{sampler}”", {"sample_count", "sampler"}),
        ("Intervals", "bootstrap over images, confidence {confidence}, {resamples} resamples",
         {"confidence", "resamples"}),
    ]  # fmt: skip
    filled = [(name, text.format_map(known)) for name, text, needed in rows if needed <= known.keys()]
    if features:
        sha = features.get("weights_sha256")
        parts = [f"{features.get('network')}, {features.get('dims')} dimensions"]
        filled.append(("Features", ", ".join(parts + ([f"weights SHA-256 {sha[:16]}…"] if sha else []))))
    return filled + [(name.capitalize(), _flat(value)) for name, value in settings.items() if value not in (None, {})]


def cost_rows(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Model, seed, device, minutes, peak memory in GB and images per second of each run, as text."""

    def number(record: Mapping[str, Any], key: str, divisor: float, places: int) -> str:
        value = record.get(key)
        return "–" if value is None else f"{value / divisor:,.{places}f}"

    return [
        [
            str(record.get("model", "–")),
            str(record.get("seed", "–")),
            str(record.get("device", "–")),
            number(record, "epochs", 1, 0),
            number(record, "seconds", 60, 1),
            number(record, "peak_memory_mb", 1000, 2),
            number(record, "images_per_second", 1, 0),
        ]
        for record in records
    ]


def provenance_rows(results: Results, records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Model, seed, and the beginnings of the hashes of weights, code and data and of the git commit."""

    def short(value: Any) -> str:
        text = str(value) if value else "–"
        mark = "+" if text.endswith("+changes") else ""
        return text if len(text) <= 12 else text[:12] + mark

    sources = records or [{**run.get("protocol", {}), **run["run"]} for run in results.runs]
    keys = ("weights_sha256", "code", "data", "git_commit")
    return [
        [str(of.get("model", "–")), str(of.get("seed", "–")), *(short(of.get(key)) for key in keys)] for of in sources
    ]


def _versions(results: Results, records: Sequence[Mapping[str, Any]]) -> str:
    """The versions of the software; where runs differ, all that were seen."""
    seen: dict[str, dict[str, None]] = {}
    for source in (*records, *(run.get("protocol", {}) for run in results.runs)):
        for package, version in (source.get("versions") or {}).items():
            if version != "absent":
                seen.setdefault(package, {})[str(version)] = None
    return ", ".join(f"{package} {' / '.join(versions)}" for package, versions in seen.items())


def _figure_groups(figures: Sequence[Figure], folder: Path) -> list[tuple[str, list[dict[str, str]]]]:
    """(kind, [path and caption]) in the order of CAPTIONS; kinds it does not know come last."""
    kinds = list(dict.fromkeys([*CAPTIONS, *(figure.kind for figure in figures)]))
    groups = [
        (kind, [_placed(figure, index, folder) for index, figure in enumerate(figures) if figure.kind == kind])
        for kind in kinds
    ]
    return [(kind, placed) for kind, placed in groups if placed]


def _placed(figure: Figure, index: int, folder: Path) -> dict[str, str]:
    path = _relative(figure.path, folder)
    if not re.fullmatch(r"[A-Za-z0-9_+=./-]+", path):
        # TeX cannot open every name (a % begins a comment), so such a picture gets a plain one beside the report.
        plain = folder / "figures" / f"{index:03}-{latex.file_word(figure.path.stem)}{figure.path.suffix}"
        with written_whole(plain) as temporary:
            shutil.copyfile(figure.path, temporary)
        path = _relative(plain, folder)
    of = "all models" if figure.model is None else figure.model
    of += "" if figure.seed is None else f" (seed {figure.seed})"
    caption = figure.caption or CAPTIONS.get(figure.kind, figure.kind.capitalize() + " of {of}.").replace("{of}", of)
    return {"path": path, "caption": latex.escape(caption)}


def _relative(path: str | Path, folder: Path) -> str:
    return Path(os.path.relpath(Path(path).resolve(), folder.resolve())).as_posix()


def _flat(value: Any) -> str:
    """A setting in words: `widths 128, 256; latent 64`, and `vae (family vae); beta_vae (family beta_vae, beta 4)`."""
    if not isinstance(value, Mapping):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    parts = [
        f"{key} ({_flat(part).replace('; ', ', ')})" if isinstance(part, Mapping) else f"{_words(key)} {_flat(part)}"
        for key, part in value.items()
    ]
    return "; ".join(parts)


def _words(key: str) -> str:
    return key.replace("_", " ")
