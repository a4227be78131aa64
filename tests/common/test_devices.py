"""Which device a job gets, with GPUs that are names only; test_gpu.py asks real ones."""

import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pyarrow
import pytest
import torch
from filelock import FileLock

from vaematrix.common import devices
from vaematrix.common.console import logged
from vaematrix.common.errors import PassingError, UserError

UUIDS = ["11111111-aaaa", "22222222-bbbb"]
SHORT, LONG = 0.7, 20.0  # seconds: enough for some attempts at all locks; and never reached where all is well


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks of these tests alone, also in their subprocesses."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture(autouse=True)
def _nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (*devices.GRANTS, "VAEMATRIX_ALLOW_CPU"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads(), pyarrow.cpu_count()
    yield
    torch.set_num_threads(before[0])
    pyarrow.set_cpu_count(before[1])


class Job:
    """A thread that wants a GPU, holds it until told to let go, and remembers which it got."""

    def __init__(self, uuids: list[str]) -> None:
        self.index: int | None = None
        self.got, self.release, self.uuids = threading.Event(), threading.Event(), uuids
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def _work(self) -> None:
        with devices._locked_gpu(self.uuids) as self.index:
            self.got.set()
            self.release.wait(LONG)

    def __enter__(self) -> "Job":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.release.set()
        self.thread.join(LONG)


@pytest.mark.parametrize("threads", [1, 3])
def test_without_a_gpu_the_cpu_computes_with_the_jobs_threads(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with devices.device(threads) as device:
        assert device == torch.device("cpu")
        assert torch.get_num_threads() == threads
        assert pyarrow.cpu_count() == threads


def test_each_job_gets_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made_current: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(UUIDS))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=UUIDS[index]))
    monkeypatch.setattr(torch.cuda, "get_device_name", str)
    monkeypatch.setattr(torch.cuda, "set_device", made_current.append)
    with devices.device(2) as first, devices.device(2) as second:
        assert {first, second} == {torch.device("cuda", 0), torch.device("cuda", 1)}
        assert made_current == [first.index, second.index]
        assert torch.get_num_threads() == pyarrow.cpu_count() == 2


def test_a_third_job_waits_for_two_gpus() -> None:
    with Job(UUIDS) as first, Job(UUIDS) as second:
        assert first.got.wait(LONG)
        assert second.got.wait(LONG)
        assert {first.index, second.index} == {0, 1}
        with Job(UUIDS) as third:
            assert not third.got.wait(SHORT), "a GPU was given to two jobs"
            second.release.set()
            assert third.got.wait(LONG), "a GPU that was released is never given again"
            assert third.index == second.index


def test_a_gpu_is_known_by_its_uuid_not_by_its_place() -> None:
    """CUDA_VISIBLE_DEVICES shows each process its own list: the same GPU can be 0 here and 1 there."""
    with Job(UUIDS) as first:
        assert first.got.wait(LONG)
        assert first.index == 0
        with Job(UUIDS[::-1]) as other_order, Job(UUIDS[:1]) as only_that_one:
            assert other_order.got.wait(LONG)
            assert other_order.index == 0, "the reversed list begins with the GPU that is free"
            assert not only_that_one.got.wait(SHORT)
            first.release.set()
            assert only_that_one.got.wait(LONG)
            assert only_that_one.index == 0


def test_a_job_that_fails_releases_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    locks = []  # kept alive, so that no garbage collector releases them

    def kept(path: Path) -> FileLock:
        locks.append(FileLock(path))
        return locks[-1]

    monkeypatch.setattr(devices, "FileLock", kept)

    def job() -> NoReturn:
        with devices._locked_gpu(UUIDS):
            assert [lock.is_locked for lock in locks] == [True, False]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        job()
    assert [lock.is_locked for lock in locks] == [False, False]


def test_a_killed_job_releases_its_gpu() -> None:
    script = (
        "import time; from vaematrix.common.devices import _locked_gpu\n"
        f"with _locked_gpu({UUIDS!r}) as index: print(index, flush=True); time.sleep(60)"
    )
    library = str(Path(devices.__file__).parents[2])
    with ExitStack() as stack:
        other = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", script],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": library},
            )
        )
        stack.callback(other.kill)
        held = int(other.stdout.readline())
        with Job(UUIDS[held : held + 1]) as waiting:
            assert not waiting.got.wait(SHORT), "another process holds this GPU"
            other.send_signal(signal.SIGKILL)
            assert other.wait(LONG) == -signal.SIGKILL
            assert waiting.got.wait(LONG), "a dead process keeps its GPU"


@pytest.mark.parametrize(
    ("variable", "value", "granted"),
    [
        ("CUDA_VISIBLE_DEVICES", "0", True),
        ("CUDA_VISIBLE_DEVICES", "GPU-1b2c", True),
        ("CUDA_VISIBLE_DEVICES", "", False),
        ("CUDA_VISIBLE_DEVICES", "-1", False),
        ("CUDA_VISIBLE_DEVICES", "NoDevFiles", False),
        ("SLURM_JOB_GPUS", "0", True),
        ("SLURM_GPUS_ON_NODE", "1", True),
        ("SLURM_GPUS_ON_NODE", "0", False),
    ],
)
def test_a_gpu_that_was_given_and_is_not_seen_is_refused(
    variable: str, value: str, granted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(devices, "_driver_version", lambda: "470.57.02")
    monkeypatch.setenv(variable, value)
    with ExitStack() as stack:
        if granted:
            told = rf"{variable}={value} .*built for CUDA 12\.8.*470\.57\.02.*VAEMATRIX_ALLOW_CPU=1"
            stack.enter_context(pytest.raises(PassingError, match=told))
        with devices.device(1) as device:
            assert device.type == "cpu"
    monkeypatch.setenv("VAEMATRIX_ALLOW_CPU", "1")
    with devices.device(1) as device:
        assert device.type == "cpu"


def test_a_cpu_build_is_named_and_no_other_attempt_mends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setenv("SLURM_JOB_GPUS", "3")
    with pytest.raises(UserError, match="is a CPU build") as caught, devices.device(1):
        pass
    assert not isinstance(caught.value, PassingError)


def test_the_drivers_version_is_asked_of_nvidia_smi_where_the_kernel_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if Path("/proc/driver/nvidia/version").exists():
        pytest.skip("the kernel says it here")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices._driver_version() is None
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 470.57.02\n")
    program.chmod(0o755)
    assert devices._driver_version() == "470.57.02"


def test_a_log_begins_with_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with logged(tmp_path / "job.log"), devices.device(3):
        logging.getLogger("vaematrix").info("at work")
    first, _ = (tmp_path / "job.log").read_text().splitlines()
    assert re.search(r" device: .+; threads: 3$", first)


@pytest.mark.parametrize("trap", ["link", "file", "open to others", "another's"])
def test_locks_lie_in_no_folder_that_others_can_change(
    trap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"vaematrix-gpus-{os.getuid()}"
    match trap:
        case "link":
            (tmp_path / "theirs").mkdir()
            folder.symlink_to("theirs")
        case "file":
            folder.touch()
        case "open to others":
            folder.mkdir()
            folder.chmod(0o777)
        case "another's":
            folder.mkdir(mode=0o700)
            uid = os.getuid()
            monkeypatch.setattr(os, "getuid", lambda: uid + 1)
            folder.rename(tmp_path / f"vaematrix-gpus-{uid + 1}")
    with pytest.raises(UserError, match=rf"vaematrix-gpus-{os.getuid()}: .*TMPDIR"), devices._locked_gpu(UUIDS):
        pass
    assert not list(tmp_path.rglob("*.lock"))
