"""Debian's Chromium without a window, driven over the Chrome DevTools Protocol, and the page that it shows."""

from __future__ import annotations

import contextlib
import functools
import http.server
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.daemon import CAP_S, until
from websockets.sync.client import ClientConnection, connect

SOURCES = Path(__file__).parents[1] / "e2e" / "browser"
_BUNDLER = SOURCES / "node_modules" / ".bin" / "esbuild"
_START_S = 60.0
"""A browser on a busy machine takes long to start."""
# Most of these keep the browser from looking for the network outside this machine.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


class Page:
    """One page in the browser. ``evaluate`` runs JavaScript there."""

    def __init__(self, devtools: ClientConnection) -> None:
        self._numbers = itertools.count(1)
        self._socket = devtools

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        params = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = self._call("Runtime.evaluate", params)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true; its value."""
        return until(lambda: self.evaluate(expression), expression, _START_S)

    def open(self, address: str) -> None:
        """Show another page."""
        # From elsewhere, so that a page is loaded anew if only the part behind the # differs.
        self._call("Page.navigate", {"url": "about:blank"})
        self.until("location.href === 'about:blank'")
        self._call("Page.navigate", {"url": address})
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        """Give the page that many pixels, and a light or dark appearance."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < height},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", {"features": [scheme]})

    def type(self, text: str) -> None:
        """Type into the element that has the focus."""
        self._call("Input.insertText", {"text": text})

    def press(self, key: str, *, alt: bool = False, shift: bool = False) -> None:
        """Press a key, such as ``Enter``."""
        code = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}[key]
        how = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": alt * 1 + shift * 8}
        for kind in ("rawKeyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", {"type": kind, **how})

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=_START_S))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]


@contextlib.contextmanager
def browsing() -> Iterator[Page]:
    """Chromium with the page of ``tests/e2e/browser`` in it, served from this machine."""
    with tempfile.TemporaryDirectory(prefix="chatroom-browser-", ignore_cleanup_errors=True) as name:
        site, profile = Path(name, "site"), Path(name, "profile")
        site.mkdir()
        _bundle(site)
        with _serving(site) as address, _chromium(profile, address) as page:
            page.until("window.chat !== undefined")
            yield page


@contextlib.contextmanager
def visiting(address: str) -> Iterator[Page]:
    """Chromium with the page of that address in it."""
    temporary = tempfile.TemporaryDirectory(prefix="chatroom-browser-", ignore_cleanup_errors=True)
    with temporary as profile, _chromium(Path(profile), address) as page:
        page.size(1200, 800)
        yield page


def _bundle(site: Path) -> None:
    """Make one script of the page and the libraries that it imports."""
    if not _BUNDLER.exists():
        what = "the libraries of tests/e2e/browser are not installed (npm ci --ignore-scripts there)"
        if os.environ.get("REQUIRE_DEBIAN"):
            pytest.fail(what, pytrace=False)
        pytest.skip(what)
    shutil.copy(SOURCES / "page.html", site / "index.html")
    # What irc-framework takes from Node.js has stand-ins for browsers among the dependencies.
    stand_ins = ["--define:global=window", "--alias:stream=stream-browserify", "--inject:globals.js"]
    call = [str(_BUNDLER), "page.js", "--bundle", *stand_ins, f"--outfile={site / 'page.js'}", "--log-level=error"]
    done = subprocess.run(call, cwd=SOURCES, capture_output=True, text=True, timeout=_START_S)
    assert done.returncode == 0, done.stderr


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextlib.contextmanager
def _serving(site: Path) -> Iterator[str]:
    handler = functools.partial(_QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="page's server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join(CAP_S)


@contextlib.contextmanager
def _chromium(profile: Path, address: str) -> Iterator[Page]:
    call = ["chromium", *_OPTIONS, f"--user-data-dir={profile}", address]
    process = subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port_file = profile / "DevToolsActivePort"
        until(lambda: port_file.exists() and port_file.read_text().count("\n"), "Chromium has started", _START_S)
        port = int(port_file.read_text().split("\n")[0])
        devtools = until(lambda: _find_page(port, address), "Chromium shows the page", _START_S)
        with connect(devtools, open_timeout=CAP_S, proxy=None, max_size=None) as connection:
            yield Page(connection)
    finally:
        process.terminate()
        process.wait(CAP_S)


def _find_page(port: int, address: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=CAP_S) as answer:
        targets = json.load(answer)
    for target in targets:
        if target["type"] == "page" and target["url"] == address:
            return str(target["webSocketDebuggerUrl"])
    return ""
