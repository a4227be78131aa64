"""The HTML pages in a browser: they load whole and offline, tables sort, and everything in them can be seen."""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from made_up_runs import ORDER, experiment, floor, rubric, run
from vaematrix.reporting.run_index import IndexedRun, write_index
from vaematrix.reporting.tables import write_tables
from workflow_runner import snakemake

# The system's own: Playwright's build of Chromium would be one more download.
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60_000  # milliseconds, on a busy machine
DESKTOP, PHONE = 1440, 390  # CSS pixels
Show = Callable[[Path, int], Page]

COLUMN = """
(heading => {
  const table = [...document.querySelectorAll("table")].find(t => t.tHead.textContent.includes(heading));
  const place = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.includes(heading));
  return click => {
    if (click) table.tHead.rows[0].cells[place].querySelector("button").click();
    return [...table.tBodies[0].rows].map(row => [row.cells[0].textContent, row.cells[place].textContent]);
  };
})
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        message = "chromium not found: install chromium"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE)


@pytest.fixture
def show(browser: Browser) -> Iterator[Show]:
    """Loads a file in a window of so many CSS pixels; no page may complain of anything, or ask the network."""
    complaints: list[str] = []
    requests: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            complaints.append(message.text)

    def opened(file: Path, width: int) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, is_mobile=width == PHONE)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.resolve().as_uri())
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert [said for said in complaints if "cdn.tailwindcss.com should not be used" not in said] == []
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    floors = [floor("mean face", 0.28, 0.31), floor("PCA (64 components)", 0.01, 0.6)]
    write_tables(tmp_path, experiment(), rubric(), ORDER, floors)
    return tmp_path


def sort(page: Page, heading: str, click: bool = True) -> list[tuple[str, str]]:
    return [tuple(row) for row in page.evaluate(f"{COLUMN}({json.dumps(heading)})({json.dumps(click)})")]


def test_a_table_sorts_by_its_numbers_the_best_first(show: Show, tables: Path) -> None:
    page = show(tables / "summary.html", DESKTOP)
    before = sort(page, "MSE (on [−1, 1])", click=False)
    first = sort(page, "MSE (on [−1, 1])")
    assert sorted(first) == sorted(before) != first == sorted(before, key=lambda row: float(row[1].split()[0]))
    assert first[0] == ("floor: PCA (64 components)", "0.0100")
    assert sort(page, "MSE (on [−1, 1])") == first[::-1]
    best = [float(value.split()[0]) for _, value in sort(page, "SSIM")]
    assert best == sorted(best, reverse=True), "a higher SSIM is better"
    totals = sort(page, "Total")
    assert [value for _, value in totals[-2:]] == ["–", "–"], "floors have none"
    assert [value for _, value in sort(page, "Total")[-2:]] == ["–", "–"]
    names = [name for name, _ in sort(page, "Model")]
    assert names == sorted(names, key=str.lower)


@pytest.mark.parametrize("name", ["summary.html", "matrix.html"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_tables_are_visible_at_every_width(show: Show, tables: Path, name: str, width: int) -> None:
    page = show(tables / name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "only the tables themselves scroll sideways"
    boxes = page.evaluate(
        "[...document.querySelectorAll('table')].map(t => [t.getBoundingClientRect(), t.parentElement.clientWidth])"
        ".map(([box, parent]) => [box.left, box.width, box.height, parent])"
    )
    assert len(boxes) == len(re.findall("<table", (tables / name).read_text()))
    for left, wide, high, parent in boxes:
        assert 0 <= left < width / 2
        assert wide > 100
        assert high > 40
        assert parent <= width
    size = page.evaluate(
        "Math.min(...[...document.querySelectorAll('td')].map(td => parseFloat(getComputedStyle(td).fontSize)))"
    )
    assert size >= 13, "readable without zooming"


def test_a_matrix_keeps_its_order(show: Show, tables: Path) -> None:
    page = show(tables / "matrix.html", DESKTOP)
    sortable = "[...document.querySelectorAll('table')].map(t => t.querySelectorAll('button').length > 0)"
    # Four matrices of ours and three of the paper; the published totals are a list.
    assert page.evaluate(sortable) == [False] * 7 + [True]


def test_the_index_holds_every_record_and_log(show: Show, tmp_path: Path) -> None:
    files = [tmp_path / "run.json", tmp_path / "train.log", tmp_path / "absent.log"]
    record = {"device": "GPU <1>", "seconds": 90.0, "peak_memory_mb": 512, "images_per_second": 1234.5}
    record["git_commit"] = "0123456789abcdef+changes"
    files[0].write_text(json.dumps(record))
    files[1].write_text("epoch 1\n</pre><script>throw 1</script><img src=https://example.org/x.png>\n")
    runs = [IndexedRun("a_b & 50%", 0, files), IndexedRun("vae", 1, (), "train failed, logs/x.log: the loss was NaN")]
    write_index(tmp_path / "runs.html", "paper: runs", runs)
    page = show(tmp_path / "runs.html", PHONE)
    rows = page.evaluate("[...document.querySelectorAll('tbody tr')].map(r => [...r.cells].map(c => c.textContent))")
    assert rows == [
        ["a_b & 50%", "0", "finished", "GPU <1>", "1.5", "1,234", "0.51", "0123456789ab+"],
        ["vae", "1", "missing", "–", "–", "–", "–", "–"],
    ]
    shown = page.evaluate("[...document.querySelectorAll('pre')].map(p => p.textContent)")
    assert shown == [path.read_text() for path in files[:2]]
    assert "the loss was NaN" in page.evaluate("document.body.innerText")
    page.evaluate("document.querySelector('td a').click()")
    assert page.evaluate("document.querySelector('h2:target').textContent") == "a_b & 50%, seed 0"


@pytest.fixture(scope="module")
def report(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make report` makes of the tiny experiment."""
    project = Path(shutil.copytree(finished, tmp_path_factory.mktemp("report") / "project", symlinks=True))
    made = snakemake(project, "--report", "report.html", "--report-stylesheet", "workflow/report/style.css")
    assert made.returncode == 0, made.stdout
    return project / "report.html"


@pytest.mark.workflow
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_report_shows_every_figure_and_table_offline(show: Show, report: Path, width: int) -> None:
    page = show(report, width)
    results = page.evaluate("Object.keys(results)")
    ends = {re.sub(r".*/", "", name) for name in results}
    assert ends >= {"reconstructions.png", "interpolations.png", "training.png", "summary.html", "runs.html"}
    for name in results:
        kind = {".png": "img", ".html": "html", ".pdf": "pdf"}[Path(name).suffix]
        uri = page.evaluate(f"results[{json.dumps(name)}].data_uri.slice(0, 5)")
        assert uri == "data:", "everything is in the one file"
        view = f"content: '{kind}', contentPath: results[{json.dumps(name)}].data_uri, resultPath: {json.dumps(name)}"
        page.evaluate(f"app.setView({{{view}, navbarMode: 'resultinfo'}})")
        box = f"document.querySelector('#app {'.p-3 > img' if kind == 'img' else 'iframe'}')"
        shown = f"{box}?.src == results[{json.dumps(name)}].data_uri"
        page.wait_for_function(f"{shown} && {box}.complete && {box}.naturalWidth > 0" if kind == "img" else shown)
        left, right, wide, high = page.evaluate(
            f"(b => [b.left, b.right, b.width, b.height])({box}.getBoundingClientRect())"
        )
        assert left >= 0, f"{name} is cut off"
        assert right <= width + 1, f"{name} is cut off"
        assert wide >= (60 if "mean_face" in name else 0.55 * width), f"{name} is small"
        assert high >= 40
        if kind == "html":
            (frame,) = page.main_frame.child_frames
            frame.wait_for_function("document.querySelectorAll('table td').length >= 4")
            if name.endswith("runs.html"):
                frame.evaluate("document.querySelector('td a').click()")
                frame.wait_for_function("document.querySelector('h2:target')?.textContent == 'beta_vae, seed 0'")


def test_missing_values_are_dashes(tmp_path: Path) -> None:
    write_tables(tmp_path, [run("vae", 0, 0.02, 0.7, 50.0)], rubric(), ["vae"], [floor("mean face", 0.28, 0.31)])
    assert "None" not in (tmp_path / "summary.html").read_text()
