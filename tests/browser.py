"""Chromium without a window, driven through its own DevTools protocol over a pipe: no driver to install.

https://chromedevtools.github.io/devtools-protocol/; with --remote-debugging-pipe Chromium reads commands from file
descriptor 3 and writes answers and events to 4, each one JSON document that ends in a zero byte.
"""

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TIMEOUT = 60  # seconds, on a busy machine


class Browser:
    """One page. What it complains of and what it asks the network for is collected.

    Attributes:
        complaints: console errors and warnings, uncaught exceptions, failed loads.
        requests: the URLs asked for, but for data: and blob:, which are parts of the page.
    """

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._buffer = b""
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command_read, self._commands = os.pipe()
        self._events, event_write = os.pipe()

        def on_3_and_4() -> None:
            # The pipe's ends may be 3 and 4 already, or the other way round.
            ours, theirs = os.dup(command_read), os.dup(event_write)
            os.dup2(ours, 3)
            os.dup2(theirs, 4)

        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        options += ["--no-first-run", "--remote-debugging-pipe", f"--user-data-dir={self._profile.name}"]
        self._process = subprocess.Popen(
            [str(CHROMIUM), *options],
            preexec_fn=on_3_and_4,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(command_read)
        os.close(event_write)
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._commands)
        os.close(self._events)
        self._profile.cleanup()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command to the page, and its result."""
        return self._send(method, self._session, **parameters)

    def open(self, path: Path, width: int, height: int = 900, phone: bool = False) -> None:
        """Load a file, in a window of so many CSS pixels, and wait until it has loaded."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.send("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState == 'complete' && location.href != 'about:blank'")

    def evaluate(self, script: str, world: dict[str, Any] | None = None) -> Any:
        """The JSON value of an expression in the page, or in a frame's `world`; promises are waited for."""
        outcome = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, **world or {})
        assert "exceptionDetails" not in outcome, outcome["exceptionDetails"]
        return outcome["result"].get("value")

    def frame(self) -> dict[str, Any]:
        """The world of the page's one frame, to evaluate in."""
        (child,) = self.send("Page.getFrameTree")["frameTree"]["childFrames"]
        world = self.send("Page.createIsolatedWorld", frameId=child["frame"]["id"])
        return {"contextId": world["executionContextId"]}

    def until(self, script: str, world: dict[str, Any] | None = None) -> Any:
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + TIMEOUT
        while not (value := self.evaluate(script, world)):
            assert time.monotonic() < deadline, f"{script} has not become true in {TIMEOUT} s"
            time.sleep(0.05)
        return value

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """A PNG of the window, or with `whole` of the page however long."""
        taken = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(taken["data"]))

    def _send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while number not in self._answers:
            self._hear(self._receive())
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer.get('error')}"
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._events], [], [], TIMEOUT)
            assert ready, f"Chromium has said nothing for {TIMEOUT} s"
            heard = os.read(self._events, 1 << 20)
            assert heard, "Chromium has ended"
            self._buffer += heard
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def _hear(self, message: dict[str, Any]) -> None:
        about = message.get("params", {})
        match message.get("method"):
            case None:
                self._answers[message["id"]] = message
            case "Runtime.consoleAPICalled" if about["type"] in ("error", "warning", "assert"):
                said = " ".join(str(part.get("value", part.get("description"))) for part in about["args"])
                self.complaints.append(f"{about['type']}: {said}")
            case "Runtime.exceptionThrown":
                details = about["exceptionDetails"]
                self.complaints.append(details.get("exception", {}).get("description", details["text"]))
            case "Log.entryAdded" if about["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{about['entry']['level']}: {about['entry']['text']}")
            case "Network.requestWillBeSent" if not about["request"]["url"].startswith(("data:", "blob:")):
                self.requests.append(about["request"]["url"])
