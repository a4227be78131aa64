"""Downloads from a server of our own that behaves badly on demand."""

import dataclasses
import errno
import hashlib
import http.server
import os
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vaematrix.common.errors import UserError
from vaematrix.data import download as module
from vaematrix.data.celeba import CELEBA, celeba_urls, check_files
from vaematrix.data.download import download

DATA = np.random.default_rng(0).bytes(100_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
QUOTA_PAGE = b"<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head></html>"


class Handler(http.server.BaseHTTPRequestHandler):
    """The path says how to behave, e.g. /good or /cut-30000; each request is noted with its Range."""

    def do_GET(self) -> None:
        kind, _, argument = self.path[1:].partition("-")
        asked = self.headers.get("Range")
        self.server.requests.append((kind, asked))
        body = {"other": DATA[::-1], "html": QUOTA_PAGE, "plainhtml": QUOTA_PAGE, "short": DATA[:-1]}.get(kind, DATA)
        if kind == "status" or (kind == "flaky" and len(self.server.requests) < 3):
            self.send_error(int(argument))
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and kind != "norange" else 0
        if start >= len(body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        sent_from = start + 5 if kind == "wrongrange" and start else start
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {sent_from}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Type", "text/html; charset=utf-8" if kind == "html" else "application/octet-stream")
        if kind not in ("nolength", "silentcut"):
            self.send_header("Content-Length", str(len(body) - sent_from))
        self.end_headers()
        end = (
            min(len(body), start + int(argument)) if kind in ("cut", "norange", "silentcut") and argument else len(body)
        )
        self.wfile.write(body[sent_from:end])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.requests = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch(server, tmp_path, monkeypatch):
    """Download from these behaviours in turn; returns what the server was asked."""
    monkeypatch.setattr(module, "_CHUNK_BYTES", 1 << 12)

    def fetch(*kinds: str, sha256: str = SHA256, size: int = len(DATA)):
        urls = [kind if ":" in kind else f"http://127.0.0.1:{server.server_port}/{kind}" for kind in kinds]
        download(urls, tmp_path / "faces.zip", sha256, size, pause=0)
        assert (tmp_path / "faces.zip").read_bytes() == DATA
        assert [path.name for path in tmp_path.iterdir()] == ["faces.zip"]
        return server.requests

    return fetch


def test_one_good_mirror(fetch):
    assert fetch("good") == [("good", None)]


def test_a_server_that_does_not_tell_the_size(fetch):
    fetch("nolength")


def test_a_file_that_is_there_is_left_alone(fetch, tmp_path):
    (tmp_path / "faces.zip").write_bytes(DATA)
    assert fetch("good") == []


def test_a_wrong_file_is_replaced(fetch, tmp_path):
    (tmp_path / "faces.zip").write_bytes(b"old")
    fetch("good")


def test_cut_connections_are_resumed(fetch):
    assert fetch("cut-28672") == [("cut", None), *(("cut", f"bytes={start}-") for start in (28672, 57344, 86016))]


def test_cuts_that_look_like_the_end_are_resumed(fetch):
    assert len(fetch("silentcut-30000")) == 4


def test_an_interrupted_download_goes_on(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(DATA[:70_000])
    assert fetch("good") == [("good", "bytes=70000-")]


def test_a_mirror_goes_on_where_another_stopped(fetch, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_ATTEMPTS", 1)
    assert fetch("norange-28672", "good")[-1] == ("good", "bytes=28672-")


def test_a_part_that_is_complete_is_only_checked(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(DATA)
    assert fetch("good") == []


def test_a_part_that_is_too_long_is_begun_again(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(DATA + b"more")
    assert fetch("good")[-1] == ("good", None)


def test_a_part_with_wrong_bytes_is_begun_again(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(bytes(50_000))
    assert fetch("good") == [("good", "bytes=50000-"), ("good", None)]


def test_server_that_ignores_ranges(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(bytes(50_000))
    assert fetch("norange") == [("norange", "bytes=50000-")]


def test_server_that_sends_another_range(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(DATA[:50_000])
    fetch("wrongrange", "good")


@pytest.mark.parametrize(
    "bad", ["other", "html", "plainhtml", "short", "status-404", "status-429", "http://127.0.0.1:1/x"]
)
def test_the_next_mirror_is_asked(fetch, bad):
    fetch(bad, "good")


def test_passing_server_errors_are_tried_again(fetch):
    assert len(fetch("flaky-503")) == 3


def test_all_mirrors_fail_and_each_answer_is_told(fetch, server, tmp_path):
    with pytest.raises(UserError) as caught:
        fetch("status-404", "html", "plainhtml", "other", "short", "norange-10", "http://127.0.0.1:1/x")
    message = str(caught.value)
    for line in (
        r"/status-404: HTTP status 404 Not Found",
        r"/html: sent an HTML page \('Google Drive - Quota exceeded'\) instead of the file",
        r"/plainhtml: sent an HTML page",
        rf"/other: yields another file \(SHA-256 {hashlib.sha256(DATA[::-1]).hexdigest()}\)",
        r"/short: offers 99,999 bytes instead of 100,000",
        r"/norange-10: the connection failed",
        r"127\.0\.0\.1:1/x: the connection failed \(.*refused",
    ):
        assert re.search(line, message), line
    assert f"put the file at {tmp_path / 'faces.zip'} yourself (100,000 bytes, SHA-256 {SHA256})" in message
    assert not (tmp_path / "faces.zip").exists()


def test_a_html_page_is_never_kept(fetch, tmp_path):
    with pytest.raises(UserError):
        fetch("html", "plainhtml")
    assert list(tmp_path.iterdir()) == []


def test_a_quota_page_does_not_spoil_what_has_arrived(fetch, tmp_path):
    (tmp_path / "faces.zip.part").write_bytes(DATA[:70_000])
    with pytest.raises(UserError):
        fetch("html", "plainhtml", "status-403")
    assert (tmp_path / "faces.zip.part").read_bytes() == DATA[:70_000]


def test_ctrl_c_leaves_the_part(fetch, tmp_path, monkeypatch):
    class Bar(module.tqdm):
        def update(self, n=1):
            if (tmp_path / "faces.zip.part").stat().st_size > 50_000:
                raise KeyboardInterrupt
            return super().update(n)

    monkeypatch.setattr(module, "tqdm", Bar)
    with pytest.raises(KeyboardInterrupt):
        fetch("good")
    monkeypatch.undo()
    have = (tmp_path / "faces.zip.part").stat().st_size
    assert have > 50_000
    assert fetch("good")[-1] == ("good", f"bytes={have}-")


def test_too_little_space_is_said_before_anything_is_fetched(fetch, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(UserError, match=r"no space left on the disk \(100,000 bytes more are needed\)"):
        fetch("good")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_keeps_the_part(fetch, tmp_path, monkeypatch):
    class Bar(module.tqdm):
        def update(self, n=1):
            if (tmp_path / "faces.zip.part").stat().st_size > 50_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module, "tqdm", Bar)
    with pytest.raises(UserError, match="goes on where it stopped"):
        fetch("good")
    assert (tmp_path / "faces.zip.part").stat().st_size > 50_000


def test_progress_bar_is_silent_away_from_a_terminal(fetch, capsys):
    fetch("good")
    assert capsys.readouterr().err == ""


def test_celebas_table():
    """Sizes and hashes are whole, and a user's mirror is asked first."""
    assert set(CELEBA) == {"img_align_celeba.zip", "list_attr_celeba.txt", "list_eval_partition.txt"}
    for name, remote in CELEBA.items():
        assert re.fullmatch("[0-9a-f]{64}", remote.sha256)
        assert remote.size > 2_000_000
        assert len(remote.urls) >= 2
        assert all(url.startswith("https://") for url in remote.urls)
        assert celeba_urls(name, ["https://example.org/celeba/"]) == [
            f"https://example.org/celeba/{name}",
            *remote.urls,
        ]


def test_files_put_there_by_hand_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CELEBA:
        (tmp_path / name).write_bytes(b"not CelebA's")
    with pytest.raises(UserError, match=r"img_align_celeba\.zip: SHA-256 .* is not that of CelebA's file"):
        check_files(tmp_path)
    right = hashlib.sha256(b"not CelebA's").hexdigest()
    monkeypatch.setattr(
        "vaematrix.data.celeba.CELEBA", {n: dataclasses.replace(r, sha256=right) for n, r in CELEBA.items()}
    )
    check_files(tmp_path)
