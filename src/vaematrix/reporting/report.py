"""The report: a short article that \\inputs the tables, and its PDF."""

import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaematrix.analysis.decimals import rounded
from vaematrix.common.errors import UserError
from vaematrix.common.files import write_text, written_whole
from vaematrix.reporting import latex
from vaematrix.reporting.pages import TEMPLATES
from vaematrix.reporting.run_index import cost_text, short_hash
from vaematrix.reporting.tables import Results, floor_word, leaders

if TYPE_CHECKING:
    import jinja2

TEX_HINT = (
    "no PDF of the report: pdflatex was not found. Install it, on Debian and Ubuntu with "
    "`apt install texlive-latex-recommended texlive-fonts-recommended lmodern`, and run the same command again."
)

# What to see in a figure, by its kind; the order is that of the report.
CAPTIONS = {
    "overview": "The same faces of the evaluation split, and their reconstructions by the first run of each model. "
    "Compare down a column.",
    "prior_samples": "What the first run of each model makes of the same latent codes, drawn from N(0, I): a column is "
    "one code. Look for whole faces, and for variety along a row; a code means the same face to two models by chance "
    "only.",
    "distributions": "Error and structural similarity of each reconstruction, all images of all seeds of a model: the "
    "middle half (thick), the range from 5 to 95 % (thin), and each seed's median (marker). Where violins overlap "
    "widely, a difference of means says little about a single face.",
    "rate_distortion": "Each run as a point, on the validation split after the last epoch: how much its codes say "
    "about a face (KL) against how far its reconstructions from sampled codes are (MSE). Nearer to the lower left "
    "corner is better; along a falling line, one is bought with the other.",
    "latent_units": "How much of the code each model uses: the KL of each latent unit, and the variance of its "
    "posterior mean over the evaluation split, in falling order; a thin line is a seed. A unit below the dashed line "
    "is inactive: it says nothing about the face.",
    "distance_by_count": "The Fréchet distance at several numbers of samples, drawn over 1/N, and the line through the "
    "two largest, which meets endless samples against these images on the left, with its interval; the bias that comes "
    "from so many reference images is not in the interval. The distance falls with N, and not alike "
    "for all models: compare at one N, or at the left edge.",
    "weights": "All ways to divide the weight among the three metrics: a corner gives one metric all of it. The colour "
    "is the model with the highest mean total there, stripes a tie; the markers are the weights in use. Left, the "
    "scores in ten steps that the tables use; right, the same breakpoints joined by straight lines, which go on beyond "
    "the last. A marker far from every border is an order of these means that does not hang on its weights; whether "
    "the models differ by more than chance is not seen here.",
    "training": "The training of {of}, epoch by epoch; a thin line is a seed, the thick one their mean, which ends in "
    "the model's marker. A validation loss that turns upwards means overfitting; a KL divergence near zero means that "
    "the decoder ignores the latent. Losses are comparable between models only where their objectives are the same.",
    "reconstructions": "The faces of the evaluation split that {of} reconstructs best, middling and worst by SSIM: "
    "originals above, reconstructions from the posterior mean below. Look at what is lost first: hair, teeth, glasses, "
    "backgrounds.",
    "samples": "Samples of {of}, the first ones drawn, none chosen. Look for whole faces, and for variety.",
    "attributes": "Two faces without (above) and with (below) one attribute after the other, by {of}. One of each "
    "pair is the reconstruction, the other has the attribute switched: a conditional model is told another label and "
    "keeps its latent code, any other model's code is moved along the attribute's mean direction. The person and the "
    "pose should stay, the attribute should change.",
    "traversal": "One face's code in {of}, moved along the latent dimensions that carry most information, sorted by "
    "their KL; columns are values in standard deviations of the prior. A disentangled dimension changes one thing "
    "along its row.",
    "interpolations": "Pairs of faces, and what {of} decodes on the straight line between their posterior means; a "
    "conditional model's labels go along. Every picture on the way should be a face, and the steps should be even.",
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
    r"""Write `report.tex` into `folder`, and beside it `macros.tex` with what its prose says of cost and rank.

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
    folder = Path(folder)
    shutil.rmtree(folder / "figures", ignore_errors=True)  # of an earlier report, which may have shown others
    text = (
        _latex_environment()
        .get_template("report.tex.jinja")
        .render(
            results=results,
            tables=_relative(tables, folder),
            macro=lambda name, of="": f"\\vm{name}{latex.macro_word(of) if of else ''}{{}}",
            matrix_file=latex.matrix_file,
            floor_word=floor_word,
            published={table.key: latex.published_file(table.key) for table in results.published},
            protocol=protocol_rows(results, settings or {}),
            other_distance=other_distance(results),
            few=few_for_a_covariance(results),
            judged_by=[results.label(key) for key in results.keys.values()],
            **_figures(figures, folder),
            best=[
                (latex.metric_word(key), results.label(key), results.rubric["metrics"][key]["better"])
                for key, _ in best_of(results)
            ],
            breakpoints=breakpoint_rows(results),
            costs=cost_rows(records),
            devices=device_rows(records),
            provenance=provenance_rows(results, records),
            versions=_versions(results, records),
            skipped=skipped,
            warnings=[
                (run["run"]["model"], run["run"]["seed"], text)
                for run in results.runs
                for text in run.get("warnings", ())
            ],
            counted=any(key.endswith("_infinity") for run in results.runs for key in run["metrics"]),
            claim_fails=leaders(results.published, "printed") != leaders(results.published, "recomputed"),
            several_seeds=any(judged.total.n > 1 for judged in results.matrices.values()),
        )
    )
    macros = prose_numbers(results, records)
    write_text(folder / "macros.tex", "".join(f"\\newcommand{{\\{name}}}{{{v}}}\n" for name, v in macros.items()))
    write_text(folder / "report.tex", text)
    return folder / "report.tex"


def _latex_environment() -> "jinja2.Environment":
    """Templates whose signs do not clash with LaTeX's braces."""
    import jinja2

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
    return environment


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


def other_distance(results: Results) -> str | None:
    """The name of the distance in FID's row where it is not FID, whatever it is."""
    key = results.keys.get("fid", "fid")
    return None if key == "fid" else results.label(key)


def few_for_a_covariance(results: Results) -> dict[str, int] | None:
    """Samples, faces of the reference and dimensions of the features, where images are fewer than dimensions."""
    protocol = results.runs[0].get("protocol", {}) if results.runs else {}
    samples, faces, dims = (
        protocol.get("sample_count"), protocol.get("reference_count"), protocol.get("features", {}).get("dims"),
    )  # fmt: skip
    if None in (samples, faces, dims) or min(samples, faces) > dims:
        return None
    return {"samples": samples, "faces": faces, "dims": dims}


def cost_rows(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Model, seed, device, minutes, peak memory in GB and images per second of each run, as text."""
    return [
        [
            str(record.get("model", "–")),
            str(record.get("seed", "–")),
            str(record.get("device", "–")),
            cost_text(record, "epochs", 1, 0),
            cost_text(record, "seconds", 60, 1),
            cost_text(record, "peak_memory_mb", 1000, 2),
            cost_text(record, "images_per_second", 1, 0),
        ]
        for record in records
    ]


def device_rows(records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Device, runs, hours, largest peak of memory in GB and range of images per second, as text, one row a device."""
    rows = []
    for device in dict.fromkeys(str(record.get("device", "–")) for record in records):
        there = [record for record in records if str(record.get("device", "–")) == device]
        hours = f"{sum(_known(there, 'seconds')) / 3600:.2f}"
        memory = f"{max(_known(there, 'peak_memory_mb'), default=0) / 1000:.2f}"
        speeds = [f"{speed:,.0f}" for speed in sorted(_known(there, "images_per_second"))]
        rows.append([device, str(len(there)), hours, memory, "–".join(dict.fromkeys(speeds[:1] + speeds[-1:]))])
    return rows


def breakpoint_rows(results: Results) -> list[list[str]]:
    """The value that earns each score, from 10 to 2, for every metric of the matrix; the first row is the header."""
    rows = [["", *map(str, range(10, 1, -1))]]
    for key in results.keys.values():
        rule = results.rubric["metrics"][key]
        sign = "≤" if rule["better"] == "lower" else "≥"
        rows.append([f"{results.heading(key).rstrip(' ↓↑')} {sign}", *(f"{value:g}" for value in rule["scores"])])
    return rows


def best_of(results: Results) -> list[tuple[str, str]]:
    """For each metric of the matrix its key, and the best mean over seeds as printed."""
    found = []
    for key in results.keys.values():
        means = [spread.mean for model in results.matrices if (spread := results.spread(model, key))]
        if means:
            best = (min if results.rubric["metrics"][key]["better"] == "lower" else max)(means)
            found.append((key, rounded(best, results.decimals(key))))
    return found


def prose_numbers(results: Results, records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the prose says beyond `tables.numbers`, by the name of its macro: the best values, and the cost."""
    macros = {f"vmBest{latex.metric_word(key)}": value for key, value in best_of(results)}
    if records:
        seconds, speeds = sum(_known(records, "seconds")), sorted(_known(records, "images_per_second")) or [0.0]
        macros["vmTrainingTime"] = f"{seconds / 3600:.1f} hours" if seconds >= 3600 else f"{seconds / 60:.1f} minutes"
        macros["vmTrainedRuns"] = str(len(records))
        macros["vmPeakMemory"] = f"{max(_known(records, 'peak_memory_mb'), default=0) / 1000:.2f} GB"
        macros |= {"vmSlowest": f"{speeds[0]:,.0f}", "vmFastest": f"{speeds[-1]:,.0f}"}
    return {name: latex.escape(value) for name, value in macros.items()}


def _known(records: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [record[key] for record in records if record.get(key) is not None]


def provenance_rows(results: Results, records: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Model, seed, and the beginnings of the hashes of weights, code and data and of the git commit."""
    sources = records or [{**run.get("protocol", {}), **run["run"]} for run in results.runs]
    keys = ("weights_sha256", "code", "data", "git_commit")
    return [
        [str(of.get("model", "–")), str(of.get("seed", "–")), *(short_hash(of.get(name)) for name in keys)]
        for of in sources
    ]


def _versions(results: Results, records: Sequence[Mapping[str, Any]]) -> str:
    """The versions of the software; where runs differ, all that were seen."""
    seen: dict[str, dict[str, None]] = {}
    for source in (*records, *(run.get("protocol", {}) for run in results.runs)):
        for package, version in (source.get("versions") or {}).items():
            if version != "absent":
                seen.setdefault(package, {})[str(version)] = None
    return ", ".join(f"{package} {' / '.join(versions)}" for package, versions in seen.items())


def _figures(figures: Sequence[Figure], folder: Path) -> dict[str, Any]:
    """Figures of all models together (`shared`: kind -> [path and caption]) and of one each (`own`: the same as pairs).

    Kinds are in the order of CAPTIONS; those that it does not know come last.
    """
    kinds = list(dict.fromkeys([*CAPTIONS, *(figure.kind for figure in figures)]))
    placed = [(figure, _placed(figure, index, folder)) for index, figure in enumerate(figures)]

    def of(kind: str, owned: bool) -> list[dict[str, str]]:
        return [place for figure, place in placed if figure.kind == kind and (figure.model is not None) == owned]

    shared = defaultdict(list, {kind: of(kind, owned=False) for kind in kinds})
    return {"shared": shared, "own": [(kind, of(kind, owned=True)) for kind in kinds if of(kind, owned=True)]}


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
