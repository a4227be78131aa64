"""The tables: LaTeX agrees with CSV, macros are unique, hostile names compile."""

import csv
import itertools
import re
import string
import subprocess
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from made_up_runs import ORDER, experiment, floor, need_programs, rubric, run
from vaematrix.analysis.decimals import rounded
from vaematrix.analysis.weight_space import SCORINGS, landscape, territories
from vaematrix.common.records import RunMetrics
from vaematrix.reporting import latex
from vaematrix.reporting.names import file_word, macro_word, matrix_file
from vaematrix.reporting.tables import collect, findings, numbers, write_tables

FLOORS = [floor("mean face", 0.28, 0.31), floor("PCA (64 components)", 0.035, 0.69)]
HOSTILE = [
    "a_b & 50%",
    r"x#y$z^~\{}",
    "[start]",
    "*",
    "a--b ``q'' <<1>> |\"|",
    "β-VAE é 模型\n\\\\ %",
    "-1",
    "A_b",
    "a_b",
]


def macros(runs: list[dict], order: list[str]) -> dict[str, str]:
    results = collect(runs, rubric(), order)
    return numbers(results, findings(results, {}))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_tex(path: Path) -> list[list[str]]:
    """The cells of a tabular as plain text, header first; an independent, simple-minded reader of LaTeX."""
    text = path.read_text(encoding="utf-8")
    plain = {
        r"$\pm$": "±",
        r"$\le$": "≤",
        "$-$": "−",
        r"\_": "_",
        r"\%": "%",
        r" $\downarrow$": "",
        r" $\uparrow$": "",
        "{[}": "[",
    }
    rows = []
    for line in text.splitlines():
        if line.endswith(r"\\"):
            for escaped, character in plain.items():
                line = line.replace(escaped, character)
            rows.append([cell.strip() for cell in line.removesuffix(r"\\").split(" & ")])
    return rows


def at(value: str, like: str) -> str:
    """`value` with as many decimals as `like`."""
    places = Decimal(1).scaleb(-len(like.partition(".")[2]))
    return str(Decimal(value).quantize(places, ROUND_HALF_UP))


def agrees(cell: str, mean: str, sd: str) -> bool:
    """Whether a printed cell is the mean (and deviation) of the CSV to its last digit."""
    parts = cell.split(" ± ")
    return [at(value, part) for value, part in zip(filter(None, [mean, sd]), parts, strict=True)] == parts


@pytest.mark.parametrize("seeds", [1, 3])
def test_matrices_agree_with_the_csv(tmp_path: Path, seeds: int) -> None:
    runs = [made for made in experiment() if made.seed < seeds]
    write_tables(tmp_path, runs, rubric(), ORDER)
    rows = read_csv(tmp_path / "matrix.csv")
    for model in ORDER:
        header, *lines = read_tex(tmp_path / matrix_file(model))
        assert header == ["Metrics", "Numeric", "Score", "Weight", "Weighted Score", "Total"]
        mine = [row for row in rows if row["model"] == model]
        assert [line[0] for line in lines] == [row["label"] for row in mine] == ["MSE", "SSIM", "FID"]
        for line, row in zip(lines, mine, strict=True):
            assert agrees(line[1], row["numeric_mean"], row["numeric_sd"])
            assert agrees(line[2], row["score_mean"], row["score_sd"])
            assert line[3] == row["weight_percent"] + "%"
            assert agrees(line[4], row["weighted_mean"], row["weighted_sd"])
            assert row["n"] == str(seeds)
        assert [line[5] for line in lines[:-1]] == ["", ""]
        assert agrees(lines[-1][5], mine[-1]["total_mean"], mine[-1]["total_sd"])


def test_summary_and_cross_weights_agree_with_the_csv(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER, FLOORS)
    rows = read_csv(tmp_path / "summary.csv")
    header, *lines = read_tex(tmp_path / "summary.tex")
    assert header == ["Model", "n", "MSE (on [−1, 1])", "SSIM", "FID", "Total"]
    assert [line[0] for line in lines] == [*ORDER, "floor: mean face", "floor: PCA (64 components)"]
    for line, row in zip(lines, rows, strict=True):
        assert line[1] == (row["n"] or "--")
        for cell, key in zip(line[2:], ("mse_pm1", "ssim", "fid", "total"), strict=True):
            assert cell == "--" if not row[f"{key}_mean"] else agrees(cell, row[f"{key}_mean"], row[f"{key}_sd"])
    header, *lines = read_tex(tmp_path / "cross_weights.tex")
    sets = [column.removeprefix("under ") for column in header[2:]]
    assert sets == ["beta_vae", "conditional_vae", "info_vae", "default"]
    for line, row in zip(lines, rows, strict=False):
        assert line[1] == row["n"]
        for cell, name in zip(line[2:], sets, strict=True):
            assert cell.split(" ± ")[0] == at(row[f"total_with_weights_of_{name}"], "0.00")
            assert cell.endswith(f"({row[f'rank_with_weights_of_{name}']})")
        assert row["total_mean"] == row[f"total_with_weights_of_{row['weights']}"]


def test_metrics_csv_holds_every_measurement(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER, FLOORS)
    rows = read_csv(tmp_path / "metrics.csv")
    assert len(rows) == 12 * 5 + 2 * 4
    (row,) = [r for r in rows if (r["model"], r["seed"], r["metric"]) == ("info_vae", "2", "mse_pm1")]
    assert (row["value"], row["label"], row["scale"], row["count"]) == ("0.0259", "MSE", "on [-1, 1]", "800")
    assert float(row["low"]) == pytest.approx(0.0259 * 0.98)
    by_seed = read_csv(tmp_path / "matrix_by_seed.csv")
    assert len(by_seed) == 12 * 3
    assert [r["score"] for r in by_seed if (r["model"], r["seed"]) == ("info_vae", "0")] == ["6", "7", "5"]


def test_the_published_tables_say_what_was_printed_and_what_it_adds_up_to(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    _, *lines = read_tex(tmp_path / "published.tex")
    assert [line[2:4] for line in lines] == [["2.90", "2.90"], ["2.95", r"$\neq$ 3.00"], ["3.00", "3.00"]]
    _, *lines = read_tex(tmp_path / "published_conditional_vae.tex")
    assert lines == [
        ["MSE", "0.35", "3", "25%", "0.75", ""],
        ["SSIM", "0.30", "3", "30%", "0.90", ""],
        ["FID", "186.52", "3", "45%", "1.35", "2.95"],
    ]
    assert "prints a total of 2.95, but its rows add up to 3.00" in (tmp_path / "summary.txt").read_text()


def faces() -> dict[tuple[str, int], pd.DataFrame]:
    """Values of 40 faces for each run of the made-up experiment."""
    rng, index = np.random.default_rng(0), pd.Index([f"{number:06}.jpg" for number in range(40)], name="image_id")
    hardness = rng.normal(0, 0.1, 40)
    return {
        (made.model, made.seed): pd.DataFrame(
            {key: made.metrics[key].value + hardness + rng.normal(0, 0.01, 40) for key in ("mse_pm1", "ssim")},
            index=index,
        )
        for made in experiment()
    }


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_differences_agree_with_the_csv(tmp_path: Path, seeds: int) -> None:
    runs = [made for made in experiment() if made.seed < seeds]
    for made in runs:
        add(made, "fid", {"vae": 0.2}.get(made.model, 0.1) * made.seed**2)
    per_image = {key: frame for key, frame in faces().items() if key[1] < seeds}
    write_tables(tmp_path, runs, rubric(), ORDER, per_image=per_image)
    rows = read_csv(tmp_path / "differences.csv")
    rows, totals = rows[: 5 * 6], rows[5 * 6 :]
    assert [row["metric"] for row in totals[::6]] == [f"total_{name}" for name in [*ORDER[:3], "default"]]
    means = {row["model"]: row for row in read_csv(tmp_path / "summary.csv")}
    of_faces = {1: "faces"}.get(seeds, "faces and seeds")
    for row in rows:
        first, second = (float(means[row[name]][f"{row['metric']}_mean"]) for name in ("first", "second"))
        assert float(row["difference"]) == pytest.approx(first - second)
        assert row["n"] == str(seeds)
        if row["metric"] in ("mse_pm1", "ssim"):
            assert row["covers"] == of_faces
        assert (row["p"] != "") == (seeds == 3 and row["low"] != "")
        if row["p"]:
            assert (row["claim"] == "not distinguishable") == (float(row["low"]) <= 0 <= float(row["high"]))
            assert float(row["p_holm"]) >= float(row["p"])
    header, *lines = read_tex(tmp_path / "differences.tex")
    assert header == ["Metric", "A", "B", "A − B", "95% interval", "n", "Covers", "p (Holm)", "Claim"]
    assert len(lines) == 3 * 6, "the metrics of the matrix"
    for line, row in zip(lines, [row for row in rows if row["metric"] in ("mse_pm1", "ssim", "fid")], strict=True):
        assert line[1:3] == [row["first"], row["second"]]
        numbers = [text.strip("{[}] ").replace("−", "-") for text in (line[3], *line[4].split(", "), line[7])]
        for text, key in zip(numbers, ("difference", "low", "high", "p_holm")[: len(numbers)], strict=True):
            if text.startswith("≤ "):
                assert float(row[key]) <= float(text[2:]) < float(row[key]) + 1e-4
            elif text != "--":
                assert text == rounded(Decimal(row[key]), len(text.partition(".")[2]))
            else:
                assert row[key] == ""
        assert line[5:7] == [row["n"], row["covers"]]
        assert line[8] == row["claim"]
    assert any("≤" in line[7] for line in lines) == (seeds == 3)


@pytest.mark.parametrize("seeds", [1, 2])
def test_with_fewer_than_three_seeds_no_text_names_a_winner(tmp_path: Path, seeds: int) -> None:
    runs = [made for made in experiment() if made.seed < seeds]
    paths = write_tables(
        tmp_path, runs, rubric(), ORDER, per_image={key: frame for key, frame in faces().items() if key[1] < seeds}
    )
    for path in paths:
        text = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", path.read_text(), flags=re.DOTALL)
        text = text.replace("A model is called better from 3 seeds on", "").replace(",scale,better,value", "")
        assert not re.search(r"\b(better|best|wins?|winner|lead\w*)\b", text, re.IGNORECASE), path
    defined = macros(runs, ORDER)
    assert defined["vmStandingBySsim"] == "the models cannot be judged with fewer than 3 seeds in common"
    assert defined["vmStandingUnderBetaVae"] == defined["vmStandingBySsim"]
    for name in ("summary.txt", "summary.html", "weights.html"):
        assert "of these networks" in (tmp_path / name).read_text()
        assert "these models" not in (tmp_path / name).read_text()
    claims = {row["claim"] for row in read_csv(tmp_path / "differences.csv")}
    assert all("these two networks only" in claim or claim.startswith("cannot be judged") for claim in claims)
    assert len(claims) > 1 or seeds == 2
    for row in read_csv(tmp_path / "summary.csv"):
        assert row["n"] == str(seeds)
        assert (row["fid_sd"] == "") == (row["total_sd"] == "") == (seeds == 1)


def add(made: RunMetrics, key: str, amount: float) -> None:
    """Change a measured value."""
    made.metrics[key] = replace(made.metrics[key], value=made.metrics[key].value + amount)


def test_with_three_seeds_the_texts_say_what_the_differences_let_stand(tmp_path: Path) -> None:
    """info_vae's FID is the lowest by 5 and more, beside seeds that move it by 0.1; the SSIM of two is alike."""
    runs = experiment()
    for made in runs:
        add(made, "fid", {"vae": 0.1}.get(made.model, 0) * made.seed**2)
        add(made, "fid", {"info_vae": 0.1}.get(made.model, 0) * (made.seed == 1))
        add(made, "fid", {"beta_vae": 0.1}.get(made.model, 0) * (made.seed == 0))
    write_tables(tmp_path, runs, rubric(), ORDER, per_image=faces())
    defined = macros(runs, ORDER)
    assert defined["vmStandingByFid"] == r"info\_vae is better than every other model"
    assert defined["vmStandingBySsim"] == "no model is distinguishable from all others"
    assert "of these models" in (tmp_path / "summary.txt").read_text()


def test_a_sweep_shows_the_pairs_with_the_best_and_keeps_all_in_the_csv(tmp_path: Path) -> None:
    names = [f"m{number}" for number in range(8)]
    runs = [run(name, 0, 0.03 + place / 100, 0.7, 50.0) for place, name in enumerate(names)]
    write_tables(tmp_path, runs, rubric(), names)
    assert len([row for row in read_csv(tmp_path / "differences.csv") if row["metric"] == "mse_pm1"]) == 28
    shown = [line for line in read_tex(tmp_path / "differences.tex") if line[0].startswith("MSE")]
    assert [line[1:3] for line in shown] == [["m0", name] for name in names[1:]]


def test_what_the_weights_decide_agrees_with_the_csv(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    rows = read_csv(tmp_path / "weights.csv")
    header, *lines = read_tex(tmp_path / "weights.tex")
    assert header == ["Scores", "Model", "n", "MSE", "SSIM", "FID", "Highest total"]
    for line, row in zip(lines, rows, strict=True):
        assert line[:3] == [row["scoring"], row["model"], row["n"]] == [row["scoring"], row["model"], "3"]
        scores = [row[f"{key}_score"] for key in ("mse_pm1", "ssim", "fid")]
        assert line[3:6] == [rounded(Decimal(score), 2) for score in scores]
        assert line[6] == rounded(Decimal(row["share_percent"]), 1) + "%"
    for scoring in ("ten steps", "continuous"):
        won = [float(row["share_percent"]) for row in rows if row["scoring"] == scoring]
        assert sum(won) == pytest.approx(100)
    by_seed = [row for row in read_csv(tmp_path / "matrix.csv") if row["model"] == "info_vae"]
    (steps,) = (row for row in rows if (row["scoring"], row["model"]) == ("ten steps", "info_vae"))
    assert [steps[f"{row['metric']}_score"] for row in by_seed] == [row["score_mean"] for row in by_seed]
    changes = read_csv(tmp_path / "weight_changes.csv")
    assert len(changes) == 2 * 3 * 2
    for row in changes:
        equal_at = [float(row[f"{key}_percent_there"]) for key in ("mse_pm1", "ssim", "fid")]
        assert sum(equal_at) == pytest.approx(100)
    _, *lines = read_tex(tmp_path / "weight_changes.tex")
    leaders = [row for row in changes if row["change_of"] == "highest total"]
    for line, row in zip(lines, leaders, strict=True):
        assert (line[0], line[3]) == (row["weights"], row["highest_total"])
        assert line[4:6] == [rounded(Decimal(row["points"]), 1), row["overtaker"]]


def test_each_landscape_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worked_out = []
    monkeypatch.setattr(landscape, "territories", lambda scores: worked_out.append(scores) or territories(scores))
    write_tables(tmp_path, experiment(), rubric(), ORDER, FLOORS)
    assert len(worked_out) == len(SCORINGS)


def test_shares_of_more_than_three_rows_say_their_standard_error(tmp_path: Path) -> None:
    rules = rubric()
    rules["metrics"]["psnr"] = {"label": "PSNR", "better": "higher", "decimals": 2, "scores": list(range(30, 12, -2))}
    for weights in rules["weights"].values():
        weights["psnr"] = 0
    write_tables(tmp_path, experiment(), rules, ORDER)
    rows = read_csv(tmp_path / "weights.csv")
    for row in rows:
        share = float(row["share_percent"]) / 100
        expected = 100 * (share * (1 - share) / 1_000_000) ** 0.5
        assert float(row["standard_error_points"]) == pytest.approx(expected)
    assert any(float(row["standard_error_points"]) for row in rows)
    assert "drawn at random, with a standard error of 0.05 percentage points" in (tmp_path / "weights.html").read_text()


def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    names = ['=HYPERLINK("x")', "@sum", "+a", "-a", "-1"]
    runs = [run(name, 0, 0.03, 0.7, 50.0) for name in names]
    for path in write_tables(tmp_path, runs, rubric(), names, missing={("+a", 1): "=1+1 failed"}):
        if path.suffix == ".csv":
            cells = [cell for row in csv.reader(path.open(encoding="utf-8", newline="")) for cell in row]
            assert not [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![\d.])", cell)], path
    assert [row["model"] for row in read_csv(tmp_path / "summary.csv")] == ["'" + name for name in names[:4]] + ["-1"]


def test_each_fragment_says_first_what_it_needs_and_where_it_is_from(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    first = (tmp_path / "matrix_info_vae.tex").read_text().splitlines()[0]
    assert first.startswith("% needs: ")
    assert r"\usepackage{booktabs}" in first
    assert first.endswith("paper: info_vae seeds 0, 1, 2")


def test_failed_runs_are_listed_and_the_tables_are_made_without_them(tmp_path: Path) -> None:
    runs = [made for made in experiment() if made.model != "beta_vae"]
    del runs[0].metrics["fid"]
    missing = {("beta_vae", 0): "the loss was NaN in epoch 3"}
    written = write_tables(tmp_path, runs, rubric(), ORDER, missing=missing)
    rows = {row["model"]: row for row in read_csv(tmp_path / "summary.csv")}
    assert rows["beta_vae"]["missing"] == "seed 0: the loss was NaN in epoch 3"
    assert (rows["beta_vae"]["n"], rows["beta_vae"]["total_mean"]) == ("0", "")
    assert (rows["conditional_vae"]["n"], rows["conditional_vae"]["seeds"]) == ("2", "1 2")
    assert rows["conditional_vae"]["missing"] == "seed 0: no value for fid"
    _, *lines = read_tex(tmp_path / "missing.tex")
    assert lines == [
        ["beta_vae", "0", "the loss was NaN in epoch 3"],
        ["conditional_vae", "0", "no value for fid"],
    ]
    everything = write_tables(tmp_path / "all", experiment(), rubric(), ORDER)
    assert [path.name for path in written] == [path.name for path in everything]


def test_the_matrix_of_a_model_taken_out_goes_with_it(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    runs = [made for made in experiment() if made.model != "vae"]
    written = write_tables(tmp_path, runs, rubric(), [model for model in ORDER if model != "vae"])
    assert set(tmp_path.iterdir()) == set(written)


def test_without_any_run_the_tables_are_empty_but_there(tmp_path: Path) -> None:
    for path in write_tables(tmp_path, [], rubric(), ORDER):
        assert path.exists()
    assert {row["missing"] for row in read_csv(tmp_path / "summary.csv")} == {"no results"}


def test_writing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder, runs in (("a", experiment()), ("b", experiment()[::-1])):
        write_tables(tmp_path / folder, runs, rubric(), ORDER, FLOORS)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_other_features_are_never_called_fid(tmp_path: Path) -> None:
    runs = [run(name, 0, 0.03, 0.7, 1.2, kind="frechet_efficientnet_lite0") for name in ORDER]
    for path in write_tables(tmp_path, runs, rubric(), ORDER):
        if "published" in path.name or path.name in ("numbers.tex", "matrix.html"):
            continue  # the paper's own tables do hold an FID
        assert not re.search(r"\bfid\b", path.read_text(), re.IGNORECASE), path.name
    ours = macros(runs, ORDER)
    assert ours["vmFrechetEfficientnetLiteXzeroOfVae"] == "1.2"
    assert not [name for name in ours if "Fid" in name and not name.startswith("vmPublished")]


def test_macros_read_like_their_meaning(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER, FLOORS)
    defined = dict(re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", (tmp_path / "numbers.tex").read_text()))
    rows = {row["model"]: row for row in read_csv(tmp_path / "summary.csv")}
    assert defined["vmFidOfInfoVae"] == at(rows["info_vae"]["fid_mean"], "0.00") == "48.60"
    assert defined["vmFidSdOfInfoVae"] == "1.30"
    assert defined["vmMseOfInfoVae"] == "0.0255"
    assert defined["vmFidScoreOfInfoVae"] == "4.33"
    assert defined["vmTotalOfInfoVae"] == "5.53"
    assert defined["vmPublishedTotalOfConditionalVae"] == "2.95"
    assert defined["vmPublishedSumOfConditionalVae"] == "3.00"
    assert defined["vmFloorMseOfMeanFace"] == "0.2800"
    assert defined["vmHighestTotalUnderInfoVae"] == at(rows["vae"]["total_with_weights_of_info_vae"], "0.00")
    assert all(set(name) <= set(string.ascii_letters) for name in defined)
    one = macros([run("vae", 0, 0.02, 0.7, 50.0)], ["vae"])
    assert "vmTotalOfVae" in one
    assert "vmTotalSdOfVae" not in one


def test_no_two_names_share_a_macro_or_a_file() -> None:
    """Every name of up to four of these characters, and words that could be taken for codes."""
    alphabet = "_ax2A4&"
    names = ["".join(word) for n in range(1, 5) for word in itertools.product(alphabet, repeat=n)]
    names += ["two", "_two", "xtwo", "x_two", "Xtwo", "xx", "xu", "ufpx", "xufpx", "a_b", "a-b", "a b", "ab", "aB"]
    names = list(dict.fromkeys(names))
    words = [macro_word(name) for name in names]
    assert all(set(word) <= set(string.ascii_letters) for word in words)
    assert len(set(words)) == len(names)
    assert len({file_word(name) for name in names}) == len(names)
    assert macro_word("beta_vae") == "BetaVae"
    assert macro_word("vae_2") == "VaeXTwo"


def test_hostile_names_compile(tmp_path: Path) -> None:
    need_programs("pdflatex")
    runs = [run(name, 0, 0.03, 0.7, 50.0) for name in HOSTILE]
    missing = {(name, 1): f"could not read {name}" for name in HOSTILE}
    fragments = [
        path for path in write_tables(tmp_path, runs, rubric(), HOSTILE, missing=missing) if path.suffix == ".tex"
    ]
    body = "\n\n".join(rf"\input{{{path.name}}}" for path in fragments)
    uses = "\n".join(rf"\vmNameOf{macro_word(name)}{{}} \vmFidOf{macro_word(name)}{{}}\\" for name in HOSTILE)
    document = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern,booktabs}\begin{document}"
    (tmp_path / "all.tex").write_text(f"{document}\n{body}\n\n{uses}\n\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in (tmp_path / "all.log").read_text(errors="replace")


def test_any_character_compiles(tmp_path: Path) -> None:
    """All of Latin, some of everything else, controls included."""
    need_programs("pdflatex")
    points = [*range(0x01, 0x180), 0x3B1, 0x3C2, 0x3A9, 0x2013, 0x2192, 0x2260, 0x301, 0x5B57, 0x1F600, 0x202E]
    body = "\n\n".join(latex.escape(f"a{chr(point)}b") for point in points)
    document = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{lmodern}\begin{document}"
    (tmp_path / "all.tex").write_text(f"{document}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


def test_html_escapes_names_and_fits_a_phone(tmp_path: Path) -> None:
    write_tables(tmp_path, [run("<b>a</b>", 0, 0.03, 0.7, 50.0)], rubric(), ["<b>a</b>"])
    for name in ("summary.html", "matrix.html", "weights.html"):
        page = (tmp_path / name).read_text()
        assert "&lt;b&gt;a&lt;/b&gt;" in page
        assert "<b>a" not in page
        assert 'name="viewport"' in page
        assert "http" not in page.replace("http-equiv", "")


def test_the_plain_text_lines_up(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    lines = (tmp_path / "summary.txt").read_text().splitlines()
    assert lines[0] == "beta_vae (seeds 0, 1, 2)"
    header, rule, *rows = lines[1:6]
    assert header.split() == ["Metrics", "Numeric", "Score", "Weight", "Weighted", "Score", "Total"]
    assert len(header) == len(rule) == len(rows[-1])
    assert {row.index("%") for row in rows} == {header.index("Weight") + len("Weight") - 1}


def test_a_model_that_is_told_the_labels_is_marked_beside_its_matrix(tmp_path: Path) -> None:
    write_tables(tmp_path, experiment(), rubric(), ORDER)
    told = "told the attributes of each image of the test split that it reconstructs"
    for name in ("summary.txt", "matrix.html"):
        text = " ".join((tmp_path / name).read_text(encoding="utf-8").split())
        (before, after) = text.split(told)
        assert "joint of the train split" in after
        assert "conditional_vae" in before
        assert "info_vae" not in before
