"""The report compiles, says what it must, and fails with TeX's own words."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from made_up_runs import ORDER, experiment, floor, need_programs, rubric, run
from vaematrix.analysis.remedies import Remedy
from vaematrix.common.errors import UserError
from vaematrix.common.records import Entry, RunMetrics, RunRecord
from vaematrix.experiment.files import FIGURES, PICTURES
from vaematrix.reporting.report import contents
from vaematrix.reporting.report.article import write_report
from vaematrix.reporting.report.pdf import compile_pdf
from vaematrix.reporting.report.pictures import Figure, captions
from vaematrix.reporting.tables import collect, findings, numbers, write_tables
from vaematrix.reporting.tables.samplers import write_sampler_tables
from vaematrix.reporting.templating import TEMPLATES


def make(folder: Path, runs: list, order: list[str], floors=(), missing=None, remedies=(), **context) -> Path:
    """Tables and report of made-up runs, with a mixture's samples beside the prior's; the path of report.tex."""
    write_tables(folder / "tables", runs, rubric(), order, floors, missing, remedies=remedies)
    results = collect(runs, rubric(), order, floors, missing)
    nats = {"codes_log_likelihood": Entry(value=-105.0, count=80, label="Log-likelihood", better="higher")}
    sampled = [
        replace(made, metrics={**made.metrics, **nats}, protocol=replace(made.protocol, sampler="gmm")) for made in runs
    ]
    write_sampler_tables(folder / "tables", results, sampled, ["gmm"])
    return write_report(folder / "report", folder / "tables", results, remedies=bool(remedies), **context)


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 20), "#cde").save(path)
    return path


def record(made: RunMetrics) -> RunRecord:
    hashes = {"weights_sha256": "ab" * 32, "code": "cd" * 32, "data": "ef" * 32, "git_commit": "12" * 20 + "+changes"}
    cost = {"device": "GPU_1 & co", "seconds": 90.0, "peak_memory_mb": 512, "images_per_second": 1234.5, "epochs": 5}
    versions = {"python": "3.11.7", "scipy": "absent"}
    cost["trained_parameter_count"] = 1_234_567
    return RunRecord(model=made.model, seed=made.seed, versions=versions, **hashes, **cost)


SHARED = set(captions()) - {"reconstructions", "samples", "attributes", "traversal", "interpolations"}


def full(folder: Path) -> Path:
    runs = [made for made in experiment() if (made.model, made.seed) != ("vae", 2)]
    runs[0].metrics["fid_infinity"] = replace(
        runs[0].metrics["fid"], value=40.0, label="FID, endless samples against these 800 images"
    )
    runs[1] = replace(runs[1], warnings=["the codes lie far from the prior: their |mean| is 0.50 a unit (0)."])
    return make(
        folder,
        runs,
        ORDER,
        [floor("mean face", 0.28, 0.31)],
        remedies=[Remedy("adversary and flow prior", "info_vae", "vae")],
        missing={("vae", 2): "the loss was NaN", ("vae", 3): f"train failed, logs/{'an_experiment/' * 9}seed-3.log"},
        records=[record(made) for made in runs],
        settings={
            "network": {"widths": [32, 64], "latent": 64},
            "models": {"vae": {"family": "vae"}, "b_v": {"family": "beta_vae", "beta": 4.0}},
        },
        figures=[
            *(Figure(picture(folder / f"figures/{kind}.png"), kind) for kind in SHARED),
            *(Figure(picture(folder / f"vae/{kind}.png"), kind, "vae", 0) for kind in captions().keys() - SHARED),
        ],
        skipped=[{"image_id": "000012.jpg", "reason": "truncated & lost"}],
    )


def text_of(pdf: Path) -> str:
    """The PDF's text on one line, without hyphenation."""
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout
    return " ".join(text.split())


def test_the_report_compiles_without_overfull_lines(tmp_path: Path) -> None:
    need_programs("pdflatex")
    pdf = compile_pdf(full(tmp_path))
    assert pdf.read_bytes().startswith(b"%PDF")
    log = (tmp_path / "report/report.log").read_text()
    assert "Overfull" not in log
    assert "undefined" not in log
    assert not [path.name for path in pdf.parent.iterdir() if path.suffix not in (".tex", ".pdf", ".log")]


def test_the_report_says_what_it_must(tmp_path: Path) -> None:
    source = full(tmp_path).read_text()
    assert (
        r"total of \vmPublishedTotalOfConditionalVae{}, but its rows add up to \vmPublishedSumOfConditionalVae{}"
        in source
    )
    assert "the loss was NaN" in (tmp_path / "tables/missing.tex").read_text()
    for words in (
        r"000012.jpg: truncated \& lost",
        r"GPU\_\allowbreak{}1 \& co",
        "1.5 & 0.51 & 1,234",
        "32, 64; latent 64",
    ):
        assert words in source
    for name in ("matrix_vae.tex", "published_info_vae.tex", "summary.tex", "cross_weights.tex", "published.tex"):
        assert rf"\vmtable{{{name}}}" in source
    for kind in captions():
        assert rf"{{../{'figures' if kind in SHARED else 'vae'}/{kind}.png}}" in source
        assert (rf"\label{{fig:{kind}}}" in source) == (kind in SHARED)
    assert "scipy" not in source
    assert "no FID" not in source
    assert source.count("the codes lie far from the prior") == 1
    assert "seed 1: the codes" in source
    assert source.count("told the attributes of each image") == 1, "beside the conditional model's matrix alone"


def test_every_figure_has_a_caption() -> None:
    assert captions().keys() == {*FIGURES, *PICTURES, "weights", "samplers"}


def test_distances_that_were_not_extrapolated_have_no_figure(tmp_path: Path) -> None:
    shown = Figure(picture(tmp_path / "figures/distance_by_count.png"), "distance_by_count")
    assert "distance_by_count" not in make(tmp_path, experiment(), ORDER, figures=[shown]).read_text()


def test_prose_has_no_numbers_of_its_own(tmp_path: Path) -> None:
    """Every \\vm macro used is defined, and no result is typed into the template."""
    source = full(tmp_path).read_text()
    files = (tmp_path / "tables/numbers.tex", tmp_path / "report/macros.tex", tmp_path / "report/report.tex")
    defined = {name for file in files for name in re.findall(r"\\newcommand\{\\(\w+)\}", file.read_text())}
    used = set(re.findall(r"\\(vm[A-Z]\w*)", source))
    assert {"vmTrainingTime", "vmBestFid", "vmRunCount"} <= used
    assert used <= defined
    template = (TEMPLATES / "report.tex.jinja").read_text().split(r"\begin{document}")[1]
    prose = re.sub(
        r"<%.*?%>|<<.*?>>|\\begin\{(tabular|longtable)\}.*|\{[\d.]+\\(line|text)(width|height)\}|\{0pt\}", "", template
    )
    assert re.findall(r"\d+", prose.replace("$[-1, 1]$", "").replace("$n-1$", "").replace("SHA-256", "")) == []


def test_the_best_values_and_the_cost_are_worked_out(tmp_path: Path) -> None:
    full(tmp_path)
    defined = dict(re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", (tmp_path / "report/macros.tex").read_text()))
    # The lowest mean distance of experiment(): 47.3, 48.6 and 49.9 of info_vae.
    assert (defined["vmBestFid"], defined["vmBestSsim"]) == ("48.60", "0.712")
    # Eleven runs of 90 s, each with a peak of 512 MB.
    assert (defined["vmTrainingTime"], defined["vmTrainedRuns"], defined["vmPeakMemory"]) == (
        "16.5 minutes", "11", "0.51 GB",
    )  # fmt: skip


def test_the_cost_of_a_run_has_all_that_was_trained() -> None:
    """A discriminator's parameters are in no weights file, and were trained nevertheless."""
    cost = {"epochs": 5, "seconds": 90.0, "peak_memory_mb": 512, "images_per_second": 1234.5}
    (row,) = contents.cost_rows([RunRecord(model="vae", seed=0, trained_parameter_count=1_234_567, **cost)])
    assert row == ["vae", "0", "–", "5", "1.5", "0.51", "1,234", "1.23"]


def test_cost_is_told_by_device() -> None:
    runs = [("A", 1800.0, 2000.0, 90.0), ("B", 900.0, 100.0, 1234.5), ("A", 1800.0, 3000.0, 110.4)]
    names = ("device", "seconds", "peak_memory_mb", "images_per_second")
    rows = contents.device_rows([RunRecord(**dict(zip(names, values, strict=True))) for values in runs])
    assert rows == [["A", "2", "1.00", "3.00", "90–110"], ["B", "1", "0.25", "0.10", "1,234"]]


def test_the_pdf_holds_the_numbers(tmp_path: Path) -> None:
    need_programs("pdflatex", "pdftotext")
    tex = make(tmp_path, experiment(), ORDER)
    text = text_of(compile_pdf(tex))
    results = collect(experiment(), rubric(), ORDER)
    values = numbers(results, findings(results, {}))
    standing = "no model is distinguishable from all others"
    assert f"The lowest mean FID is 48.60; {standing}." in text
    assert f"the highest mean total is {values['vmHighestTotalUnderInfoVae']}; {standing}." in text
    assert "mean total of these models, and its rank" in text
    assert "prints a total of 2.95, but its rows add up to 3.00" in text
    assert "62.50 ± 1.30" in text


def test_one_seed_names_no_winner_in_print(tmp_path: Path) -> None:
    need_programs("pdflatex", "pdftotext")
    runs = [made for made in experiment() if made.seed == 0]
    text = text_of(compile_pdf(make(tmp_path, runs, ORDER)))
    claims, published = text.split("The published totals", 1)
    assert "these networks" in claims
    assert "the models cannot be judged with fewer than 3 seeds in common" in claims.split("The question")[0]
    assert not re.search(
        r"\b(better|wins?|winner|leads|leader|best)\b", claims.replace("score of the best breakpoint", "")
    )
    assert published


def test_the_same_report_is_the_same_pdf(tmp_path: Path) -> None:
    need_programs("pdflatex")
    assert compile_pdf(full(tmp_path / "a")).read_bytes() == compile_pdf(full(tmp_path / "b c")).read_bytes()


def test_hostile_names_and_paths_compile(tmp_path: Path) -> None:
    need_programs("pdflatex", "pdftotext")
    names = ["a_b & 50%", r"x#y$z^~\{}", "[β] 模型 --"]
    counts = {"reference_count": 300, "features": {"network": "EfficientNet-Lite0", "dims": 1280}}
    runs = [run(name, 0, 0.03, 0.7, 1.2, kind="frechet_efficientnet_lite0", **counts) for name in names]
    runs = [replace(made, run=replace(made.run, experiment="50% of #1 & _")) for made in runs]
    figures = [Figure(picture(tmp_path / f"{name} {i}/s.png"), "samples", name, 0) for i, name in enumerate(names)]
    tex = make(tmp_path, runs, names, figures=figures, records=[record(made) for made in runs])
    pdf = compile_pdf(tex)
    assert "no published figure can be set\nbeside them" in tex.read_text()
    assert "10000 samples with 300 faces in 1280 dimensions: a covariance of fewer images" in tex.read_text()
    assert "a_b & 50%" in text_of(pdf)


def test_any_distance_in_fids_place_is_said_to_be_none(tmp_path: Path) -> None:
    """Not only that of one key: a rubric of one's own may put any distance there."""
    own = rubric()
    own["metrics"]["frechet_mine"] = own["metrics"].pop("frechet_efficientnet_lite0") | {"label": "My distance"}
    made = run("vae", 0, 0.03, 0.7, 50.0)
    made.metrics["frechet_mine"] = made.metrics.pop("fid")
    assert contents.other_distance(collect([made], own, ["vae"])) == "My distance"
    assert contents.other_distance(collect([run("vae", 0, 0.03, 0.7, 50.0)], own, ["vae"])) is None


def test_pictures_of_an_earlier_report_do_not_stay(tmp_path: Path) -> None:
    """A picture whose path TeX cannot open is copied beside the report, under a number."""
    several = [Figure(picture(tmp_path / f"50% {kind}.png"), kind) for kind in ("samples", "traversal")]
    make(tmp_path, experiment(), ORDER, figures=several)
    make(tmp_path, experiment(), ORDER, figures=several[1:])
    assert [path.name for path in (tmp_path / "report/figures").iterdir()] == ["000-50+25+20traversal.png"]


@pytest.mark.parametrize("models", [12, 80])
def test_the_tables_of_a_sweep_stay_on_the_page(tmp_path: Path, models: int) -> None:
    need_programs("pdflatex", "pdftotext")
    names = [f"info_vae-kernel-imq-lambda-{number}.5" for number in range(models)]
    runs = [run(name, seed, 0.03, 0.7, 50.0 + seed) for name in names for seed in range(5)]
    figures = [Figure(picture(tmp_path / f"{name}/seed-0/samples.png"), "samples", name, 0) for name in names]
    tex = make(
        tmp_path, runs, names, [floor("mean face", 0.28, 0.31)], figures=figures, records=list(map(record, runs))
    )
    boxes = subprocess.run(["pdftotext", "-bbox", compile_pdf(tex), "-"], capture_output=True, text=True, check=True)
    number = r'="([\d.-]+)"'
    words = re.findall(rf"<word xMin{number} yMin{number} xMax{number} yMax{number}>([^<]*)", boxes.stdout)
    assert sum(word.endswith("-lambda-0.5") for *_, word in words) >= 3
    left, _, right, bottom = zip(*(map(float, box) for *box, _ in words), strict=True)
    assert min(left) > 0
    assert max(right) < 595.3  # A4 in points
    assert max(bottom) < 841.9
    assert "Overfull" not in (tmp_path / "report/report.log").read_text()


def test_a_report_without_any_run_compiles(tmp_path: Path) -> None:
    need_programs("pdflatex")
    assert compile_pdf(make(tmp_path, [], ORDER)).exists()


def test_a_tex_error_is_told_with_its_line(tmp_path: Path) -> None:
    need_programs("pdflatex")
    tex = tmp_path / "report.tex"
    tex.write_text("\\documentclass{article}\n\\begin{document}\n\\nonsense\n\\end{document}\n")
    with pytest.raises(UserError, match=r"report\.tex:3: Undefined control sequence") as refused:
        compile_pdf(tex)
    assert "report.log" in str(refused.value)
    assert (tmp_path / "report.log").exists()
    assert not (tmp_path / "report.pdf").exists()


def test_a_missing_package_is_told_with_the_fix(tmp_path: Path) -> None:
    need_programs("pdflatex")
    tex = tmp_path / "report.tex"
    tex.write_text("\\documentclass{article}\n\\usepackage{no-such-package}\n\\begin{document}x\\end{document}\n")
    with pytest.raises(UserError, match=r"lacks no-such-package\.sty.*apt install texlive"):
        compile_pdf(tex)


def test_without_tex_one_line_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"apt install texlive-latex-recommended"):
        compile_pdf(tmp_path / "report.tex")
