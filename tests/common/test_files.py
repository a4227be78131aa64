"""Files that are whole or absent, and how a job speaks of its failures."""

import errno
import hashlib
import json
import logging
import math
import os
import re
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest
from safetensors import SafetensorError

from vaematrix.common import console, files
from vaematrix.common.errors import Interrupted, PassingError, UserError


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A file that exists already."""
    path = tmp_path / "out.txt"
    path.write_text("old")
    return path


def assert_untouched(old: Path) -> None:
    assert old.read_text() == "old"
    assert list(old.parent.iterdir()) == [old], "a temporary file was left behind"


@pytest.mark.parametrize("error", [ValueError("no"), UserError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(error: BaseException, old: Path) -> None:
    def fail_half_way() -> NoReturn:
        with files.written_whole(old) as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(type(error)) as caught:
        fail_half_way()
    assert caught.value is error
    assert_untouched(old)


def test_a_killed_write_leaves_the_old_file(old: Path) -> None:
    script = (
        "import os, signal, sys; from vaematrix.common.files import written_whole\n"
        "with written_whole(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half of the n'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(files.__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", script, str(old)], env=environment)
    assert killed.returncode == -signal.SIGKILL
    assert old.read_text() == "old"
    assert not [path.name for path in old.parent.iterdir() if path != old and not path.name.startswith(".")]


def test_the_new_file_replaces_the_old_one_at_once(old: Path) -> None:
    with old.open() as reader:
        with files.written_whole(old) as temporary:
            temporary.write_text("new")
            assert old.read_text() == "old"
            assert temporary.parent == old.parent, "a rename is atomic within one file system only"
        assert reader.read() == "old", "the old file was written to instead of replaced"
    assert old.read_text() == "new"
    assert list(old.parent.iterdir()) == [old]


def test_the_data_reach_the_disk_before_the_name_does(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync, seen = os.fsync, []

    def spy(descriptor: int) -> None:
        status = os.fstat(descriptor)
        seen.append(("folder" if stat.S_ISDIR(status.st_mode) else status.st_size, old.read_text()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    files.write_text(old, "brand new")
    assert seen == [(9, "old"), ("folder", "brand new")]


def test_folders_are_made_and_the_suffix_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "figure.png"
    with files.written_whole(path) as temporary:
        assert temporary.suffix == ".png"
        temporary.write_bytes(b"x")
    assert path.read_bytes() == b"x"


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o027, 0o077])
def test_permissions_follow_the_umask(mask: int, tmp_path: Path) -> None:
    os.umask(mask)
    files.write_text(tmp_path / "ours.txt", "")
    (tmp_path / "plain.txt").write_text("")
    ours, plain = ((tmp_path / name).stat().st_mode for name in ("ours.txt", "plain.txt"))
    assert stat.filemode(ours) == stat.filemode(plain)
    assert os.umask(0o022) == mask, "asking for the umask changed it"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_in_one_message(number: int, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError) as caught:
        files.write_text(old, "new")
    assert str(caught.value).startswith(f"{old}: no space left on the disk")
    assert os.strerror(number) in str(caught.value)
    assert_untouched(old)


def test_a_full_disk_is_known_by_a_librarys_own_exception(old: Path) -> None:
    """safetensors raises no OSError."""
    with pytest.raises(UserError, match="no space left on the disk") as caught, files.written_whole(old):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert str(old) in str(caught.value)
    assert_untouched(old)


def test_other_errors_are_not_called_a_full_disk(old: Path) -> None:
    error = OSError(errno.EIO, os.strerror(errno.EIO))
    with pytest.raises(OSError, match="Input/output") as caught, files.written_whole(old):
        raise error
    assert caught.value is error
    assert_untouched(old)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_said_in_one_message(
    number: int, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_options: object) -> NoReturn:
        raise OSError(number, os.strerror(number), str(old.parent))

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    with pytest.raises(UserError) as caught:
        files.write_text(old, "new")
    assert str(old.parent) in str(caught.value)
    assert_untouched(old)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_has_no_word_for_nan(value: float, old: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.write_json(old, {"metrics": [{"value": value}]})
    assert_untouched(old)


def test_json_comes_back_as_it_was(tmp_path: Path) -> None:
    value = {"β_eff": [1, 2.5, None, True], "name": "Fréchet"}
    files.write_json(tmp_path / "v.json", value)
    assert files.read_json(tmp_path / "v.json") == value
    assert "Fréchet" in (tmp_path / "v.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [0, 3, 2**20 + 1])
def test_sha256_is_that_of_the_bytes(size: int, tmp_path: Path) -> None:
    content = bytes(i % 251 for i in range(size))
    (tmp_path / "f").write_bytes(content)
    assert files.sha256(tmp_path / "f") == hashlib.sha256(content).hexdigest()


def test_a_user_error_is_its_message_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "logs" / "job.log"

    def job() -> NoReturn:
        with console.logged(path):
            console.log.info("reading 8 faces")
            raise UserError("faces.zip: 3 images are missing")

    with pytest.raises(SystemExit) as caught:
        job()
    assert caught.value.code == 1
    assert caught.value.__suppress_context__, "Python would print the UserError's traceback too"
    said = capsys.readouterr()
    assert said.err.splitlines() == ["reading 8 faces", "error: faces.zip: 3 images are missing"]
    assert said.out == ""
    first, second = path.read_text().splitlines()
    assert first.endswith(" reading 8 faces")
    assert second.endswith(" error: faces.zip: 3 images are missing")


def test_any_other_exception_keeps_its_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, error = tmp_path / "job.log", ZeroDivisionError("by hand")
    with pytest.raises(ZeroDivisionError) as caught, console.logged(path):
        raise error
    assert caught.value is error
    logged = path.read_text()
    assert "Traceback (most recent call last)" in logged
    assert f'File "{__file__}"' in logged
    assert logged.rstrip().endswith("ZeroDivisionError: by hand")
    assert "Traceback" not in capsys.readouterr().err, "Python prints it there itself"


def test_the_errors_of_a_log_are_found_again(tmp_path: Path) -> None:
    """In the log of a job, and where Snakemake copied it into its own."""
    path, refused, broken = (
        tmp_path / "job.log",
        UserError("faces.zip: 3 images are missing"),
        ValueError("1: two\nlines"),
    )
    with pytest.raises(SystemExit), console.logged(path):
        raise refused
    assert console.errors_in(path.read_text()) == ["faces.zip: 3 images are missing"]
    with pytest.raises(ValueError, match="two"), console.logged(path):
        raise broken
    assert console.errors_in(path.read_text()) == ["ValueError: 1: two"]
    copied = f"Logfile job.log:\n====\n{path.read_text()}====\nerror: training.epochs is missing\nFinished.\n"
    assert console.errors_in(copied) == ["ValueError: 1: two", "training.epochs is missing"]
    assert console.errors_in("2026-11-22 19:12:26,072 epoch 3/50: no error: all is well\n") == []


def test_a_job_starts_its_log_anew_and_takes_its_handlers_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = list(console.log.handlers)
    for word in ("first", "second"):
        with console.logged(tmp_path / "job.log"):
            logging.getLogger("vaematrix.training.loop").info(word)
    assert console.log.handlers == before
    assert (tmp_path / "job.log").read_text().split()[-1] == "second"
    assert "first" not in (tmp_path / "job.log").read_text()
    assert capsys.readouterr().err == "first\nsecond\n"


def test_a_job_without_a_log_file_speaks_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with console.logged(None):
        console.log.info("heard")
    assert capsys.readouterr().err == "heard\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_real_full_disk_is_said_in_one_message(old: Path) -> None:
    """/dev/full refuses every byte, through the operating system's own error."""
    with pytest.raises(UserError, match="no space left on the disk"), files.written_whole(old):
        Path("/dev/full").write_text("x" * 2**16)
    assert_untouched(old)


@pytest.mark.parametrize("text", ["", '{"key": "4f', "\xff\xfe", "[1,"])
def test_a_record_that_is_no_json_is_named_with_the_mending(text: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match=r"run\.json: cannot be read as JSON.*Delete it"):
        files.read_json(path)


def attempt(path: Path, error: Exception | None) -> int:
    """The exit status of a job that ends by `error`."""
    try:
        with console.logged(path):
            console.log.info("at work")
            if error:
                raise error
    except SystemExit as end:
        return int(end.code)
    return 0


def test_what_no_attempt_can_mend_is_tried_once_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "job.log"
    monkeypatch.setenv("VAEMATRIX_COMMAND", "login-1-2")
    assert attempt(path, UserError("beta: -4 is negative")) == 1
    for _ in range(2):
        path.unlink()  # as Snakemake does
        assert attempt(path, None) == 1, "the same command's next attempt does no work"
        assert console.errors_in(path.read_text()) == ["beta: -4 is negative"]
        assert "at work" not in path.read_text()
    monkeypatch.setenv("VAEMATRIX_COMMAND", "login-1-3")
    assert attempt(path, None) == 0, "another command may come after the mending"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [PassingError("the disk is full"), Interrupted("stopped by the walltime"), ZeroDivisionError()]
)
def test_what_another_attempt_may_not_meet_is_tried_again(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAEMATRIX_COMMAND", "login-1-2")
    with suppress(ZeroDivisionError):
        assert attempt(tmp_path / "job.log", error) == 1
    assert attempt(tmp_path / "job.log", None) == 0


def test_who_was_asked_to_stop_says_so_and_a_walltime_asks_nobody(tmp_path: Path) -> None:
    path = tmp_path / "job.log"
    for error, asked in (
        (Interrupted("stopped by SIGINT after saving state"), True),
        (Interrupted("stopped by SIGTERM after saving state"), True),
        (Interrupted("stopped by the walltime, which is nearly over"), False),
        (UserError("interrupted: stopped by SIGINT"), False),
        (UserError("a\ninterrupted: stopped by SIGINT"), False),
    ):
        attempt(path, error)
        assert console.was_interrupted(path.read_text()) == asked, error
    with pytest.raises(KeyboardInterrupt), console.logged(path):
        raise KeyboardInterrupt
    assert console.was_interrupted(path.read_text())


def test_a_name_cannot_write_to_the_terminal_what_it_likes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "a\x1b[2J\x9b\u202e\r.jpg\nerror: all is lost\n2026-01-01 10:00:00,000 error: all"
    attempt(tmp_path / "job.log", UserError(f"{name}: not found in Œuvre né"))
    for said in (capsys.readouterr().err, (tmp_path / "job.log").read_text()):
        assert not re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)
        assert console.errors_in(said) == ["a\\x1b[2J\\x9b\\u202e\\r.jpg"]
        assert "not found in Œuvre né" in said
    # Not logged here: pytest's processes cannot tell each other a log that is no UTF-8.
    assert console.printable("a\udce9.jpg") == "a\\udce9.jpg"


SNAKEMAKE_SAYS = """\
CalledProcessError in file "/x/workflow/rules/training.smk", line 4:
Command 'set -euo pipefail;  /x/python /x/.snakemake/scripts/tmptnvfz41c.train.py' died with <Signals.SIGKILL: 9>.
CalledProcessError in file "/x/workflow/rules/evaluation.smk", line 4:
Command 'set -euo pipefail;  /x/python /x/.snakemake/scripts/tmptnvfz41c.evaluate.py' returned non-zero exit status 130.
Command 'set -euo pipefail;  /x/python /x/.snakemake/scripts/tmptnvfz41c.generate.py' returned non-zero exit status 1.
"""


@pytest.mark.parametrize(("script", "number"), [("train", 9), ("evaluate", 2), ("generate", None), ("floors", None)])
def test_the_signal_that_ended_a_job_stands_in_snakemakes_log(script: str, number: int | None) -> None:
    assert console.killed_by(script, SNAKEMAKE_SAYS) == number


SLURM_SAYS = """\
Error in rule a:
    message: SLURM-job '2' failed, SLURM status is: 'FAILED'. Detailed failure reason unavailable.
    jobid: 11
    output: a.txt
Error in rule a:
    message: SLURM-job '4' failed, SLURM status is: 'OUT_OF_MEMORY'. Detailed failure reason unavailable.
    jobid: 11
Error in rule b:
    message: None
    jobid: 1
"""


@pytest.mark.parametrize(("job", "state"), [(11, "OUT_OF_MEMORY"), (1, None), (12, None)])
def test_slurms_word_for_the_last_attempt_stands_in_snakemakes_log(job: int, state: str | None) -> None:
    assert console.state_in_slurm(job, SLURM_SAYS) == state


def test_no_text_ends_the_script_that_it_stands_in() -> None:
    value = {"label": "</script><script>alert(1)</script><!--", "scores": [0.5, 1]}
    text = console.script_safe(value)
    assert "<" not in text
    assert json.loads(text) == value
