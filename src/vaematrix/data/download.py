"""Large files from several mirrors: resumed, checked by SHA-256, and named only when they are right."""

import errno
import os
import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.util import Retry

from vaematrix.common.errors import UserError
from vaematrix.common.files import sha256 as sha256_of
from vaematrix.data.html import looks_like_html

_CHUNK_BYTES = 1 << 16  # what a broken connection loses at most
_TIMEOUT_SECONDS = (10, 60)  # to connect, and between two packets
_ATTEMPTS = 3  # without a byte of progress, before a mirror is given up


def download(
    urls: Sequence[str],
    output: str | Path,
    sha256: str,
    size: int,
    *,
    pause: float = 1.0,
) -> None:
    """Download `output` from the first of the mirrors that yields it.

    What has arrived stays in `<output>.part` through interruptions, and the next call or mirror goes on from there.
    `output` appears when its SHA-256 is right, and not before.

    Args:
        urls: the mirrors, in the order of trial.
        sha256: hexadecimal.
        size: in bytes; a mirror that offers another is left at once.
        pause: seconds before a mirror is tried again after a broken connection; doubled each time.

    Raises:
        UserError: no mirror had the file (each one's answer is listed), or the disk is full.
    """
    output = Path(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists() and sha256_of(output) == sha256:
        return
    part = output.with_name(output.name + ".part")
    answers = []
    with _session() as session:
        for url in urls:
            try:
                _from_mirror(session, url, part, sha256, size, pause)
            except _Refused as refused:
                answers.append(f"  {url}: {refused}")
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise _disk_full(part, size) from error
            else:
                _give_name(part, output)
                return
    raise UserError(
        "\n".join([f"{output.name} could not be downloaded. What the mirrors answered:", *answers])
        + f"\nTry again later, or put the file at {output} yourself ({size:,} bytes, SHA-256 {sha256})."
    )


class _Refused(Exception):
    """Why a mirror did not yield the file."""


def _session() -> requests.Session:
    session = requests.Session()
    # "Retry-After" is not obeyed: the next mirror is nearer than the hours that a quota may ask for.
    retry = Retry(
        connect=0,
        read=0,
        status=2,
        backoff_factor=0.5,
        status_forcelist=(500, 502, 503, 504),
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    session.headers["Accept-Encoding"] = "identity"  # a compressed answer could not be resumed
    return session


def _from_mirror(session: requests.Session, url: str, part: Path, sha256: str, size: int, pause: float) -> None:
    """Complete `part` and check it; after a wrong hash begin once more if others' bytes were in it."""
    while True:
        resumed = _size_of(part) > 0
        _complete(session, url, part, size, pause)
        found = sha256_of(part)
        if found == sha256:
            return
        part.unlink()
        if not resumed:
            raise _Refused(f"yields another file (SHA-256 {found})")


def _complete(session: requests.Session, url: str, part: Path, size: int, pause: float) -> None:
    """Ask for the rest of the file until it is there; broken connections are taken up again."""
    furthest, fruitless = _size_of(part), 0
    while _size_of(part) != size:
        try:
            _append(session, url, part, size)
            return
        except requests.RequestException as error:
            fruitless = 0 if _size_of(part) > furthest else fruitless + 1
            furthest = max(furthest, _size_of(part))
            if fruitless >= _ATTEMPTS:
                raise _Refused(_reason(error)) from None
            time.sleep(pause * 2 ** max(0, fruitless - 1))


def _append(session: requests.Session, url: str, part: Path, size: int) -> None:
    """One request: append what is missing, or begin again where the server knows no ranges."""
    have = _size_of(part)
    if have > size:
        part.unlink()
        have = 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
        chunks = answer.iter_content(_CHUNK_BYTES)
        at = _first_byte(answer)
        first = next(chunks, b"") if answer.ok else b""
        _check(answer, first, at, have, size)
        if shutil.disk_usage(part.parent).free < size - at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        bar = tqdm(desc=part.stem, total=size, initial=at, unit="B", unit_scale=True, disable=None)
        with part.open("ab" if at else "wb") as file, bar:
            while first:
                file.write(first)
                bar.update(len(first))
                first = next(chunks, b"")
    if _size_of(part) < size:
        raise requests.ConnectionError("the connection ended early")


def _check(answer: requests.Response, first: bytes, at: int, have: int, size: int) -> None:
    """Refuse an answer that cannot be the file, before a byte of it is kept."""
    if not answer.ok:
        raise _Refused(f"HTTP status {answer.status_code} {answer.reason}")
    if "text/html" in answer.headers.get("Content-Type", "") or (at == 0 and looks_like_html(first)):
        raise _Refused(f"sent an HTML page{_title(first)} instead of the file, perhaps because a quota is used up")
    if at not in (0, have):
        raise _Refused(f"sent another part of the file than the one asked for (from byte {have} on)")
    if (offered := _total(answer)) not in (None, size):
        raise _Refused(f"offers {offered:,} bytes instead of {size:,}")


def _first_byte(answer: requests.Response) -> int:
    if answer.status_code != 206:
        return 0
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return int(match[1]) if match else -1


def _total(answer: requests.Response) -> int | None:
    """The whole file's size, as far as the answer tells."""
    if answer.status_code == 206:
        match = re.search(r"/(\d+)$", answer.headers.get("Content-Range", ""))
        return int(match[1]) if match else None
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def _title(page: bytes) -> str:
    match = re.search(rb"<title[^>]*>([^<]{1,80})", page, re.IGNORECASE)
    return f" ({match[1].decode(errors='replace').strip()!r})" if match else ""


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    inner = error.args[0] if error.args else error
    return f"the connection failed ({str(getattr(inner, 'reason', inner))[:160]})"


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _disk_full(part: Path, size: int) -> UserError:
    return UserError(
        f"{part}: no space left on the disk ({size - _size_of(part):,} bytes more are needed). Free some space there "
        "and run the same command again: the download goes on where it stopped."
    )


def _give_name(part: Path, output: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(output)
