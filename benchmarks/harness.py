"""What all rows share: sides measured in turn, the machine described, one JSON and one table a row.

`python benchmarks/harness.py` writes the table of all results into docs/benchmarks.md.
"""

import argparse
import contextlib
import importlib.util
import itertools
import json
import multiprocessing
import operator
import os
import platform
import re
import shlex
import statistics
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
RESULTS, CACHE = HERE / "results", HERE / ".cache"
PAGE = HERE.parent / "docs/benchmarks.md"
TABLE = re.compile(r"(?<=<!-- table: benchmarks/harness\.py -->\n).*?(?=<!-- end of table -->)", re.DOTALL)
sys.path.insert(0, str(HERE.parent / "src"))

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
CASE_SECONDS = 45  # no further round of a case starts later, so that all rows take minutes
DRAWN, CROP = 1024, 140  # faces, and the side of the centre that models see
COMPARISONS = {">=": operator.ge, "<=": operator.le}
GOALS = frozenset({"allowed", "ten minutes"})  # sides that nobody measured: a table shows what was measured


@dataclass(frozen=True)
class Target:
    """What a case is to reach: the median ratio `what`, e.g. "ours / pythae", `sign` (">=" or "<=") `goal`."""

    what: str
    sign: str
    goal: float


@dataclass
class Case:
    """One size of a row.

    Attributes:
        case: its name. sides: the values of each side, as many for each, in the order in which they were measured.
        targets: those that can be judged here, because their sides were measured.
    """

    case: str
    sides: Mapping[str, list[float]]
    targets: list[Target] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        targets = [target for target in self.targets if set(target.what.split(" / ")) <= set(self.sides)]
        named = [f"ours / {side}" for side in self.sides if side != "ours"]
        ratios = {what: self.ratios(what) for what in dict.fromkeys([*named, *(target.what for target in targets)])}
        return {
            "case": self.case,
            "sides": {side: [_rounded(value) for value in values] for side, values in self.sides.items()},
            "median": {side: _rounded(statistics.median(values)) for side, values in self.sides.items()},
            "spread": {side: [_rounded(min(values)), _rounded(max(values))] for side, values in self.sides.items()},
            "ratios": {what: _rounded(statistics.median(values)) for what, values in ratios.items()},
            "ratio_spread": {what: [_rounded(min(v)), _rounded(max(v))] for what, v in ratios.items()},
            "targets": [
                {
                    "what": target.what,
                    "goal": f"{target.sign} {target.goal:g}",
                    "reached": COMPARISONS[target.sign](statistics.median(ratios[target.what]), target.goal),
                }
                for target in targets
            ],
        }

    def ratios(self, what: str) -> list[float]:
        """The ratio in each round: what is measured side by side is slowed down alike by whatever else runs."""
        ours, theirs = (self.sides[side] for side in what.split(" / "))
        return [a / b for a, b in zip(ours, theirs, strict=True)]


@dataclass
class Row:
    """One program's measurements.

    Attributes:
        row: its name, that of the program. unit: of all values, e.g. "images/s". better: "higher" or "lower".
        sizes: what was measured, in words. options: of the command line.
    """

    row: str
    unit: str
    better: str
    sizes: str
    options: argparse.Namespace
    cases: list[Case] = field(default_factory=list)


def options(doc: str | None) -> argparse.Namespace:
    """--gpu and --quick. Without a GPU, `--gpu --quick` runs the GPU's rows on the CPU, to see that they run."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpu", action="store_true", help="the sizes and targets for a GPU")
    parser.add_argument("--quick", action="store_true", help="sizes that show only that the program runs")
    chosen = parser.parse_args()
    if chosen.gpu and not torch.cuda.is_available():
        if not chosen.quick:
            parser.error("--gpu needs a GPU that torch sees; `--gpu --quick` tries the program without one")
        print("no GPU here: the GPU's cases run on the CPU, and their figures mean nothing")
    return chosen


def alternate(sides: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Run the sides in turn, `repeats` rounds after one that warms up; each call returns its rate or its seconds.

    It is fewer rounds, but at least one, where they would take longer than CASE_SECONDS.
    """
    start = time.monotonic()
    for measure in sides.values():
        measure()
    values: dict[str, list[float]] = {side: [] for side in sides}
    for done in range(repeats):
        if done and time.monotonic() - start > CASE_SECONDS:
            break
        for side, measure in sides.items():
            values[side].append(measure())
    return values


@contextlib.contextmanager
def apart(
    sides: Mapping[str, tuple[Callable[..., Callable[[], float]], *tuple[Any, ...]]],
) -> Iterator[dict[str, Callable[[], float]]]:
    """Give each side a process of its own, so that one's allocator, thread pool and settings serve no other.

    Args:
        sides: for each side a function and its arguments; called in the process, it returns what is measured.
    """
    with contextlib.ExitStack() as stack:
        start = multiprocessing.get_context("spawn")
        pools = {side: stack.enter_context(ProcessPoolExecutor(1, start)) for side in sides}
        started = [pools[side].submit(_prepare, *factory) for side, factory in sides.items()]
        for future in started:
            future.result()
        yield {side: (lambda pool=pool: pool.submit(_measure).result()) for side, pool in pools.items()}


def installed(peer: str) -> bool:
    """Whether the module `peer` is there; where it is not, one line says that the row does without."""
    found = importlib.util.find_spec(peer) is not None
    if not found:
        print(f"{peer} is not installed here and is left out; benchmarks/requirements.txt holds its version")
    return found


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes, until a GPU has finished, too."""
    wait_for_gpu()
    start = time.perf_counter()
    work()
    wait_for_gpu()
    return time.perf_counter() - start


def wait_for_gpu() -> None:
    """Return when nothing is left to do on the GPU; at once where there is none."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def device(gpu: bool) -> torch.device:
    """The device of a side, with all cores for torch's threads."""
    torch.set_num_threads(CORES)
    return torch.device("cuda" if gpu and torch.cuda.is_available() else "cpu")


def face_files(count: int) -> list[Path]:
    """`count` JPEG files of drawn faces; beyond the DRAWN that are made once for all rows they are repeated."""
    from vaematrix.data.drawn import draw_faces

    images = CACHE / "faces" / "img_align_celeba"
    if not images.exists():
        draw_faces(images.parent, DRAWN, seed=0, processes=CORES)
        with zipfile.ZipFile(images.with_suffix(".zip")) as archive:
            archive.extractall(images.parent)
    return list(itertools.islice(itertools.cycle(sorted(images.iterdir())), count))


def decoded(files: Sequence[Path]) -> np.ndarray:
    """The faces in `files` as the models see them: uint8 [n, 64, 64, 3]."""
    from vaematrix.data.decode import decode_face

    different = [decode_face(file.read_bytes(), CROP, 64) for file in files[:DRAWN]]
    return np.resize(np.stack(different), (len(files), 64, 64, 3))


def matrix_rate(device: torch.device) -> float:
    """FLOP/s of the fastest large matrix product here: bfloat16 on a GPU, float32 on the CPU."""
    size, dtype = (8192, torch.bfloat16) if device.type == "cuda" else (1024, torch.float32)
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    products = [lambda: a @ b]
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        # oneDNN, which computes the convolutions, is twice as fast here as the BLAS behind @ on some processors.
        products.append(lambda: torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], ""))
    return 2 * size**3 / min(seconds(product) for product in products for _ in range(10))


def copy_rate(device: torch.device) -> float:
    """Bytes per second, read and written, of copying 256 MiB."""
    source = torch.zeros(1 << 26, device=device)
    target = torch.zeros_like(source)
    return 2 * source.nbytes / min(seconds(lambda: target.copy_(source)) for _ in range(10))


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpu": _cpu(),
        "cores": CORES,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def write(row: Row) -> None:
    """Write benchmarks/results/<row>[-gpu][-quick].json, and print the row's table."""
    written = {
        "row": row.row,
        "unit": row.unit,
        "better": row.better,
        "sizes": row.sizes,
        "command": shlex.join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
        "machine": machine(),
        "cases": [case.as_dict() for case in row.cases],
        "date": time.strftime("%Y-%m-%d"),
    }
    name = row.row + "-gpu" * row.options.gpu + "-quick" * row.options.quick
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(_markdown([written]))
    for case in written["cases"]:
        for target in case["targets"]:
            print(f"{case['case']}: {target['what']} {target['goal']}: {'reached' if target['reached'] else 'missed'}")


def table() -> str:
    """One Markdown table of the rows that have a target, but for those of --quick, with machine and command of each."""
    files = [file for file in sorted(RESULTS.glob("*.json")) if not file.stem.endswith("-quick")]
    rows = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return _markdown([row for row in rows if any(case["targets"] for case in row["cases"])])


def _markdown(rows: list[dict[str, Any]]) -> str:
    lines = ["| row | case | ours | others: ours / theirs (least to most of the rounds) |", "|---" * 4 + "|"]
    lines += [_line(row, case) for row in rows for case in row["cases"]]
    measured: dict[str, list[str]] = {}
    for row in rows:
        measured.setdefault(f"{_on(row['machine'])}, {row['date']}", []).append(f"`{row['command']}` ({row['sizes']})")
    return "\n".join([*lines, *(f"\n{where}: {', '.join(commands)}." for where, commands in measured.items())])


def _line(row: dict[str, Any], case: dict[str, Any]) -> str:
    median, ratio, spread = case["median"], case["ratios"], case["ratio_spread"]
    others = (
        f"{side} {median[side]:g}: {ratio[what]:.3g} ({spread[what][0]:.3g} to {spread[what][1]:.3g})"
        for side, what in ((side, f"ours / {side}") for side in case["sides"] if side not in {"ours", *GOALS})
    )
    named = f"{row['row']}, {row['unit']} | {case['case']}"
    return f"| {named} | {median['ours']:g} | {'; '.join(others)} |"


def _on(machine: dict[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if machine["gpu"] else ""
    return f"{machine['cores']} cores of {machine['cpu']}{gpu}, Python {machine['python']}, torch {machine['torch']}"


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _cpu() -> str:
    """The processor's name, as the kernel has it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


_side: Callable[[], float]


def _prepare(factory: Callable[..., Callable[[], float]], *arguments: Any) -> None:
    """Set up the side of this process, and keep its progress bars and log lines out of the row's output."""
    global _side
    sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
    _side = factory(*arguments)


def _measure() -> float:
    return _side()


def page(text: str) -> str:
    """The page `text` with the table of today's results between its two comments."""
    return TABLE.sub(lambda _: f"{table()}\n", text)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
