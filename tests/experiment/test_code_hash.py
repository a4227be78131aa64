"""The code hash: it changes with what the code of a job means, and with nothing else."""

import runpy
import shutil
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, SimpleNamespace

import pytest

from layouts import write_layout
from vaematrix.experiment import statements
from vaematrix.experiment.code_hash import SILENT, Reached, code_hash
from vaematrix.experiment.statements import find

ROOT = Path(__file__).parents[2]
SCRIPTS, LIBRARY = ROOT / "workflow/scripts", ROOT / "src/vaematrix"


@pytest.fixture(autouse=True)
def fresh_caches() -> None:
    statements.find.cache_clear()
    statements.read.cache_clear()


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all scripts and, in a folder of it, of the library, to be edited."""
    folder = Path(shutil.copytree(SCRIPTS, tmp_path / "scripts"))
    shutil.copytree(LIBRARY, folder / "vaematrix")
    monkeypatch.setattr(statements, "LIBRARY", folder / "vaematrix")
    return folder


def hashes(scripts: Path, *jobs: tuple[str, ...]) -> list[str]:
    statements.find.cache_clear()
    statements.read.cache_clear()
    return [code_hash(scripts / script, *modules) for script, *modules in jobs]


BETA, INFO = (("train.py", f"vaematrix.models.families.{family}") for family in ("beta_vae", "info_vae"))


@pytest.mark.parametrize(
    ("file", "old", "new", "beta", "info", "tables"),
    [
        ("vaematrix/models/families/beta_vae.py", "def regulariser(", "def regularizer(", True, False, False),
        ("vaematrix/models/networks.py", "nn.Linear(", "nn.LazyLinear(", True, True, False),
        ("vaematrix/training/loop.py", "loss", "losses", True, True, False),
        ("vaematrix/training/checkpoint.py", "LEAVING_SECONDS = ", "LEAVING_SECONDS = 1 + ", True, True, False),
        ("vaematrix/analysis/decimals.py", "ROUND_HALF_UP", "ROUND_HALF_EVEN", False, False, True),
        ("vaematrix/common/files.py", "os.fsync(", "os.sync(", True, True, True),
        # In files that a training imports, but in functions that it does not call.
        ("vaematrix/common/images.py", 'compression="none"', 'compression="zstd"', False, False, False),
        ("vaematrix/data/index.py", "def index_faces(", "def index_faces(more, ", False, False, False),
        (
            "vaematrix/data/fingerprint.py",
            "digest = hashlib.sha256()",
            "digest = hashlib.sha512()",
            False,
            False,
            False,
        ),
        # In files that a training does not import: a sampler is fitted after it.
        ("vaematrix/generation/sampler.py", "def fit(", "def fitted(", False, False, False),
        ("vaematrix/generation/samplers/gmm.py", "GaussianMixture(", "BayesianGaussianMixture(", False, False, False),
        # What the package imports for type checkers alone.
        ("vaematrix/generation/trained.py", "def load_model(", "def loaded_model(", False, False, False),
        # What only speaks or records.
        ("vaematrix/common/console.py", "def logged(", "def logs(", False, False, False),
        ("evaluate.py", "def main(", "def evaluate(", False, False, False),
    ],
)
def test_an_edit_changes_the_hash_of_the_jobs_that_run_it(
    scripts: Path, file: str, old: str, new: str, beta: bool, info: bool, tables: bool
) -> None:
    jobs = (BETA, INFO, ("make_tables.py",))
    before = hashes(scripts, *jobs)
    text = (scripts / file).read_text()
    assert old in text
    (scripts / file).write_text(text.replace(old, new))
    assert [a != b for a, b in zip(before, hashes(scripts, *jobs), strict=True)] == [beta, info, tables]


def test_no_comment_in_any_file_changes_any_hash(scripts: Path) -> None:
    jobs = (BETA, INFO, *((path.name,) for path in sorted(scripts.glob("*.py"))))
    before = hashes(scripts, *jobs)
    for file in scripts.rglob("*.py"):
        with file.open("a") as stream:
            stream.write("\n# edited\n")
    assert hashes(scripts, *jobs) == before


def test_neither_the_place_nor_the_time_of_the_files_counts(scripts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in scripts.rglob("*.py"):
        file.touch()
    copied = hashes(scripts, BETA)
    monkeypatch.undo()
    assert copied == hashes(SCRIPTS, BETA)


def test_what_changes_no_number_is_there() -> None:
    assert all(statements.find(module, SCRIPTS) for module in SILENT)


def jobs_on_tiny_faces(folder: Path) -> Iterator[tuple[str, list[str], SimpleNamespace]]:
    """Script, modules by name and `snakemake` of the jobs from faces to what a model makes of them, one by one."""
    write_layout(folder / "faces", 12)
    shard, key = str(folder / "shard.parquet"), {"key": "k", "code": "c", "data": "d"}
    about = {"source": str(folder / "faces"), "shards": 1, "crop": 140, "size": 16, "filter": "bilinear"}
    params = Params(about, image_size=[178, 218], on_bad_image="skip", download=False)
    index = str(folder / "index.parquet")
    log, shards = [str(folder / "log")], Params(shards=[shard], faces_index=[index])
    yield "index_faces.py", [], SimpleNamespace(log=log, params=params, output=[index])
    wildcards = Params(shard="0", model="m", seed="0")
    yield (
        "build_shard.py",
        [],
        SimpleNamespace(log=log, params=params, input=shards, output=[shard], wildcards=wildcards),
    )
    outputs = Params({name: str(folder / name) for name in ("weights", "history", "run")})
    network, entry = {"widths": [4, 8], "latent": 3}, {"family": "info_vae"}
    config = {"evaluation": {"split": "test"}, "network": {"latent": 2}}
    config |= {"models": {"m": entry}, "training": {"tensorboard": False}}
    training = {"epochs": 1, "batch_size": 2, "learning_rate": 1e-3, "sigma": "calibrated"}
    training |= {"average": 0.5, "flip": True, "whiten": True, "warmup": 0.5, "decay": "cosine"}
    settings = Params(key, training=training, size=16, network=network)
    settings |= {"options": entry, "experiment": "e"}
    yield (
        "train.py",
        ["vaematrix.models.families.info_vae", "vaematrix.models.priors.normal"],
        SimpleNamespace(
            log=log, params=settings, input=shards, output=outputs, wildcards=wildcards, threads=1, config=config
        ),
    )
    made = ("reconstructions", "latents", "samples", "prior_samples", "traversal", "interpolations", "attributes")
    sampling = {"count": 4, "seed": 0}
    yield (
        "generate.py",
        ["vaematrix.models.families.info_vae", "vaematrix.models.priors.normal"],
        SimpleNamespace(
            log=log,
            params=Params(key, split="test", sampling=sampling),
            input=Params(shards, weights=outputs.weights, run=outputs.run),
            output=Params({name: str(folder / name) for name in made}),
            threads=1,
        ),
    )


class Params(dict):
    """A dictionary whose values are attributes too, as Snakemake's."""

    __getattr__ = dict.__getitem__

    def __or__(self, other: dict) -> "Params":
        return Params({**self, **other})

    __ior__ = __or__


def test_what_runs_is_reached(tmp_path: Path) -> None:
    """The functions and classes that run in real jobs, as Python's profiler sees them, are among those in the hash."""
    for script, modules, snakemake in jobs_on_tiny_faces(tmp_path):
        ran: set[tuple[str, str]] = set()

        def note(frame: FrameType, event: str, _: object, ran: set[tuple[str, str]] = ran) -> None:
            if event == "call" and frame.f_code.co_filename.startswith((str(SCRIPTS), str(LIBRARY))):
                ran.add((frame.f_code.co_filename, frame.f_code.co_qualname.partition(".")[0]))

        main = runpy.run_path(str(SCRIPTS / script))["main"]
        threading.setprofile(note)
        sys.setprofile(note)
        try:
            main(snakemake)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
        reached = Reached(SCRIPTS / script, *modules)
        files = {find(module.name, SCRIPTS): module for module in (one.module for one in reached.statements)}
        silent = {find(module, SCRIPTS) for module in SILENT}
        for file, name in ran:
            if name.startswith("<") or Path(file) in silent:
                continue
            defined = files[Path(file)].defined[name]
            assert all(statement in reached.numbers for statement in defined), (script, file, name)
        assert len(ran) > 10


# A library that uses what code can be reached by.
SMALL = {
    "job.py": """
        import os
        import numpy as np
        from vaematrix import whole
        from vaematrix.room import work as done
        from vaematrix.things import Thing, CHOICES, log
        import vaematrix.room.deep

        def main(snakemake):
            thing = Thing(done(1), snakemake.params)
            vaematrix.room.deep.dig(np.ones(3))
            log(CHOICES["a"](2))
            from vaematrix.late import lately
            lately()
            for name in ("one", "two"):
                getattr(whole, name)()

        main(snakemake)
        """,
    "vaematrix/__init__.py": "",
    "vaematrix/whole.py": "def one():\n    return 1\n\ndef two():\n    return 2\n\nclass Unnamed:\n    pass\n",
    "vaematrix/common/console.py": "def say(text):\n    print(text)\n",
    "vaematrix/room/__init__.py": "from .inner import work\n\nSHARED = 3\n",
    "vaematrix/room/inner.py": """
        from dataclasses import dataclass
        from functools import cache
        from . import SHARED, sibling
        from ..things import registered
        from ..common.console import say

        LIMIT = 7

        @dataclass
        class Settings:
            '''Settings of the work.

            There are none.
            '''
            size: int = 3
            shift = 4

            def scaled(self, by=2):
                return self.size * by

        @cache
        def work(count: int, more=LIMIT):
            '''Do it.'''
            total = count + SHARED   # a comment
            say(total)
            return Settings().scaled() + sibling.helper(total) + more

        @registered
        def plugin():
            return 5

        def idle(x):
            return unused(x)

        def unused(x):
            return x

        UNUSED = 8
        """,
    "vaematrix/room/sibling.py": "def helper(x):\n    return x + 1\n\ndef other(x):\n    return x\n",
    "vaematrix/room/deep.py": "def dig(x):\n    return x\n\ndef fill(x):\n    return x\n",
    "vaematrix/late.py": "def lately():\n    return 1\n\nSETTING = print('imported')\n",
    "vaematrix/things.py": """
        class Base:
            def __init_subclass__(cls):
                FOUND.append(cls)

        FOUND = []

        class Thing:
            kind = "thing"

            def __init__(self, first, second):
                self.second = self.inner(first)

            def inner(self, value):
                return private(value)

        class Hidden(Base):
            def make(self):
                return 6

        def private(value):
            return value

        def square(x):
            return x * x

        def cube(x):
            return x ** 3

        CHOICES = {"a": square}
        MORE = {"b": cube}
        log = print

        def registered(function):
            FOUND.append(function)
            return function
        """,
}


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes the library, with one text replaced, and gives the hash of its job."""
    monkeypatch.setattr(statements, "LIBRARY", tmp_path / "vaematrix")

    def write(file: str = "job.py", old: str = "", new: str = "") -> str:
        for name, text in SMALL.items():
            text = textwrap.dedent(text)
            if name == file and old:
                assert text.count(old) == 1
                text = text.replace(old, new)
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return hashes(tmp_path, ("job.py",))[0]

    return write


INNER, THINGS, DEEP = "vaematrix/room/inner.py", "vaematrix/things.py", "vaematrix/room/deep.py"
EDITS = {
    "comment": (INNER, "a comment", "another", False),
    "docstring of a function": (INNER, "'''Do it.'''", "'''Do it well.'''", False),
    "docstring removed": (INNER, "'''Do it.'''", "", False),
    "docstring of a class": (INNER, "There are none.", "There is one.", False),
    "docstring of a module": (INNER, "from dataclasses", "'''Work.'''\nfrom dataclasses", False),
    "parentheses and line breaks": (INNER, "count + SHARED", "(\n    count + SHARED\n)", False),
    "quotes": (THINGS, '"thing"', "'thing'", False),
    "order of functions": (INNER, "def idle(x):\n    return unused(x)\n\n", "", False),
    "name of a local": (INNER, "total = count", "result = count", True),
    "expression": (INNER, "count + SHARED", "count - SHARED", True),
    "number of another type": (INNER, "LIMIT = 7", "LIMIT = 7.0", True),
    "constant in a default": (INNER, "LIMIT = 7", "LIMIT = 9", True),
    "constant of a package": ("vaematrix/room/__init__.py", "SHARED = 3", "SHARED = 4", True),
    "default of an argument": (INNER, "by=2", "by=3", True),
    "decorator": (INNER, "@cache\n", "", True),
    "decorator with an argument": (INNER, "@dataclass", "@dataclass(frozen=True)", True),
    "field of a class": (INNER, "size: int = 3", "size: int = 5", True),
    "attribute of a class": (INNER, "shift = 4", "shift = 5", True),
    "method that nobody names": (INNER, "self.size * by", "self.size + by", True),
    "attribute of an imported class": (THINGS, 'kind = "thing"', 'kind = "one"', True),
    "function reached only through a class": (THINGS, "return value", "return -value", True),
    "function in a table that is used": (THINGS, "return x * x", "return x + x", True),
    "function in a table that is not": (THINGS, "return x ** 3", "return x ** 4", False),
    "other name for a function from outside": (THINGS, "log = print", "log = repr", True),
    "relative import": ("vaematrix/room/sibling.py", "x + 1", "x + 2", True),
    "of the relative import another name": ("vaematrix/room/sibling.py", "return x\n", "return -x\n", False),
    "what a relative import stands for": (INNER, "SHARED, sibling", "SHARED, deep as sibling", True),
    "what a re-export stands for": ("vaematrix/room/__init__.py", "import work", "import idle as work", True),
    "import by its full name": (DEEP, "dig(x):\n    return x", "dig(x):\n    return -x", True),
    "beside what is imported by its full name": (DEEP, "fill(x):\n    return x", "fill(x):\n    return -x", False),
    "import within a function": ("vaematrix/late.py", "return 1", "return 2", True),
    "what runs when that is imported": ("vaematrix/late.py", "'imported'", "'again'", True),
    "function found by getattr": ("vaematrix/whole.py", "return 2", "return 3", True),
    "whatever a module passed on holds": ("vaematrix/whole.py", "pass", "size = 1", True),
    "function registered by its decorator": (INNER, "return 5", "return 6", True),
    "class registered by its base": (THINGS, "return 6", "return 7", True),
    "statement that runs on import": (INNER, "LIMIT = 7", "LIMIT = 7\nprint(LIMIT)", True),
    "function that nothing calls": (INNER, "return unused(x)", "return x", False),
    "function that only that calls": (INNER, "def unused(x):\n    return x", "def unused(x):\n    return -x", False),
    "constant that nothing uses": (INNER, "UNUSED = 8", "UNUSED = 9", False),
    "new function": (INNER, "UNUSED = 8", "def new():\n    return work(1)", False),
    "new import of the standard library": (INNER, "from functools", "import json\nfrom functools", False),
    "new import of another library": (INNER, "from functools", "import torch\nfrom functools", True),
    "import that stands for something else": ("job.py", "import numpy as np", "import torch as np", True),
    "what only speaks": ("vaematrix/common/console.py", "print(text)", "print(text, text)", False),
    "module that hides a builtin": (THINGS, "log = print", "log = print\ndef print(x):\n    pass", True),
    "future": (INNER, "from dataclasses", "from __future__ import annotations\nfrom dataclasses", True),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_edit(edited: Callable[..., str], edit: str) -> None:
    file, old, new, changes = EDITS[edit]
    assert (edited(file, old, new) != edited()) == changes


def test_a_module_that_moves_as_it_is_changes_nothing(edited: Callable[..., str], tmp_path: Path) -> None:
    before = edited()
    (tmp_path / "vaematrix/cellar").mkdir()
    (tmp_path / "vaematrix/things.py").rename(tmp_path / "vaematrix/cellar/things.py")
    for file, old, new in (
        ("job.py", "vaematrix.things", "vaematrix.cellar.things"),
        (INNER, "from ..things", "from ..cellar.things"),
    ):
        path = tmp_path / file
        path.write_text(path.read_text().replace(old, new))
    assert hashes(tmp_path, ("job.py",)) == [before]


def test_two_functions_of_one_text_that_change_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statements are the same before and after; only what their names stand for is not."""
    monkeypatch.setattr(statements, "LIBRARY", tmp_path / "vaematrix")
    (tmp_path / "vaematrix").mkdir()
    for letter, number in (("a", 1), ("b", 2)):
        (tmp_path / f"vaematrix/{letter}.py").write_text(f"def f():\n    return g()\n\ndef g():\n    return {number}\n")

    def job(first: str, second: str) -> str:
        text = f"from vaematrix.{first} import f\nfrom vaematrix.{second} import f as h\nprint(f() - h())\n"
        (tmp_path / "job.py").write_text(text)
        return hashes(tmp_path, ("job.py",))[0]

    assert len({job("a", "b"), job("b", "a"), job("a", "a")}) == 3


@pytest.mark.parametrize(
    ("made_up", "follows"),
    [
        ("def __getattr__(name):\n    return import_module('vaematrix.far').f", True),
        ("globals()['f'] = import_module('vaematrix.far').f", True),
        ("try:\n    from vaematrix.far import f\nexcept ImportError:\n    f = None", True),
        ("from vaematrix.far import *", True),
        ("def f():\n    return import_module('vaematrix.' + 'far')", False),
    ],
)
def test_a_name_that_is_made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made_up: str, follows: bool) -> None:
    """What cannot be seen is followed as far as it is written out; a name put together must be given as a module."""
    monkeypatch.setattr(statements, "LIBRARY", tmp_path / "vaematrix")
    (tmp_path / "vaematrix").mkdir()
    (tmp_path / "vaematrix/near.py").write_text(f"from importlib import import_module\n{made_up}\n")
    (tmp_path / "job.py").write_text("from vaematrix.near import f\nprint(f())\n")
    found = []
    for number in (1, 2):
        (tmp_path / "vaematrix/far.py").write_text(f"def f():\n    return {number}\n")
        found += hashes(tmp_path, ("job.py",), ("job.py", "vaematrix.far"))
    assert (found[0] != found[2]) == follows
    assert found[1] != found[3]


def test_a_word_is_not_the_script_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts lie beside each other, and what one does with `model.eval()` and 'sample' is no matter of sample.py."""
    monkeypatch.setattr(statements, "LIBRARY", tmp_path / "vaematrix")
    (tmp_path / "vaematrix").mkdir()
    (tmp_path / "vaematrix/near.py").write_text("def f(model):\n    return model.eval(), 'sample'\n")
    (tmp_path / "job.py").write_text("from vaematrix.near import f\nprint(f(None))\n")
    found = []
    for number in (1, 2):
        (tmp_path / "sample.py").write_text(f"print({number})\n")
        found += hashes(tmp_path, ("job.py",))
    assert found[0] == found[1]


def test_a_package_that_is_given_is_its_own_file(edited: Callable[..., str], tmp_path: Path) -> None:
    job = ("job.py", "vaematrix.room.__init__")
    found = []
    for file, old, new in (("job.py", "", ""), (INNER, "UNUSED = 8", "UNUSED = 9"), (INNER, "LIMIT = 7", "LIMIT = 8")):
        edited(file, old, new)
        found += hashes(tmp_path, job)
    assert found[0] == found[1] != found[2]


def test_imports_in_a_circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "LIBRARY", tmp_path / "vaematrix")
    (tmp_path / "vaematrix").mkdir()
    (tmp_path / "vaematrix/__init__.py").write_text("from . import a\nfrom .a import f\n")
    (tmp_path / "vaematrix/a.py").write_text(
        "from vaematrix import b\nfrom vaematrix import f as g\ndef f(): return b.f\n"
    )
    (tmp_path / "vaematrix/b.py").write_text("from vaematrix.a import f\n")
    (tmp_path / "job.py").write_text("from vaematrix import f, missing\nf(missing)\n")
    assert hashes(tmp_path, ("job.py",))
