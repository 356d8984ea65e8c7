"""The files of a web client: read at the start, and from then on in memory, by the paths that a browser asks for.

So no path of a request ever reaches the file system. Directories, links, names with a dot in front, and files that
have secrets are left out.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from chatroom.config.values import OWN_PAGE
from chatroom.errors import ServeError
from chatroom.findings import Finding
from chatroom.server.web_secrets import find_kind, find_named

if TYPE_CHECKING:
    from chatroom.config import Settings

MOST_FILES = 2000
FILE_BYTES = 8 << 20
"""The longest file."""
ALL_BYTES = 32 << 20
"""The longest sum of all files: they stay in memory."""
INDEX = "index.html"
CONFIG = "config.json"
"""What web clients read first: gamja, and our own page."""

log = logging.getLogger(__name__)

_PAGE = Path(__file__).parents[1] / "web_page"
_WELL_KNOWN = ".well-known"
_TEXT = "; charset=utf-8"
_TYPES = {
    ".css": f"text/css{_TEXT}",
    ".gif": "image/gif",
    ".html": f"text/html{_TEXT}",
    ".ico": "image/x-icon",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": f"text/javascript{_TEXT}",
    ".json": "application/json",
    ".map": "application/json",
    ".md": f"text/plain{_TEXT}",
    ".mjs": f"text/javascript{_TEXT}",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ttf": "font/ttf",
    ".txt": f"text/plain{_TEXT}",
    ".wasm": "application/wasm",
    ".wav": "audio/wav",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_UNKNOWN_TYPE = "application/octet-stream"
_OWN_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types"
    " 'none'"
)
# Other clients set styles from scripts, show pictures that people link, and may be told to connect elsewhere. None of
# them gets scripts from elsewhere, or eval. Of the scripts within a page, those run that were there at the start.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https:; "
    "media-src 'self' data: blob: https:; font-src 'self' data:; connect-src 'self' ws: wss: https:; "
    "frame-src 'self' https:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file with the header fields that each answer with it has."""

    body: bytes
    tag: str
    """Its entity tag, in quotation marks (RFC 9110, section 8.8.3)."""
    fields: bytes

    @classmethod
    def make(cls, name: str, body: bytes, policy: str) -> WebFile:
        """Make the file of that name."""
        tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        kind = _TYPES.get(Path(name).suffix.lower(), _UNKNOWN_TYPE)
        if kind.startswith("text/html"):
            policy = policy.replace("script-src 'self'", " ".join(["script-src 'self'", *_hash_scripts(body)]), 1)
        fields = (
            f"Content-Type: {kind}\r\nETag: {tag}\r\nCache-Control: no-cache\r\n"
            f"Content-Security-Policy: {policy}\r\nX-Content-Type-Options: nosniff\r\n"
            "Referrer-Policy: no-referrer\r\nCross-Origin-Opener-Policy: same-origin\r\n"
            "Cross-Origin-Resource-Policy: same-origin\r\n"
        )
        return cls(body, tag, fields.encode())


def read_files(
    webroot: Path | str, settings: Settings, on_left_out: Callable[[Finding], object] = log.warning
) -> Mapping[str, WebFile]:
    """Return the files of a ``webroot`` setting, by their paths in a request. Raises ``ServeError``.

    ``on_left_out`` is told of each file that is left out because of what is in it. A ``config.json`` is added if there
    is none.
    """
    is_own = webroot == OWN_PAGE
    root = _PAGE if is_own else Path(webroot)
    policy = _OWN_POLICY if is_own else _POLICY
    files: dict[str, WebFile] = {}
    left = ALL_BYTES
    secrets = find_named(settings)
    try:
        for name, path in _find_files(root):
            body, kind = _read_file(path, secrets)
            if kind is not None:
                on_left_out(Finding(f"listen.webroot: {path} is {kind}: browsers do not get it", "move it elsewhere"))
                continue
            left -= len(body)
            if left < 0 or len(files) >= MOST_FILES:
                raise ServeError(f"listen.webroot {root}: more than {MOST_FILES} files, or {ALL_BYTES >> 20} MiB")
            files[f"/{quote(name)}"] = WebFile.make(name, body, policy)
    except OSError as error:
        raise ServeError(f"listen.webroot {error.filename or root}: {error.strerror or error}") from error
    if f"/{INDEX}" not in files:
        raise ServeError(
            f"listen.webroot {root}: there is no {INDEX}; name the directory of a web client's built files "
            f'("chatroomctl web install FILE" unpacks some), or "{OWN_PAGE}"'
        )
    files.setdefault(f"/{CONFIG}", WebFile.make(CONFIG, make_config(settings), policy))
    for target in [target for target in files if target.endswith(f"/{INDEX}")]:
        files[target.removesuffix(INDEX)] = files[target]
    return files


class _InlineScripts(HTMLParser):
    """Collects the scripts that stand within a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._is_in_one = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the begin of a script that is in no file of its own."""
        self._is_in_one = tag == "script" and not any(name == "src" for name, _ in attrs)
        if self._is_in_one:
            self.found.append("")

    def handle_data(self, data: str) -> None:
        """Take the text of a script. It may come in pieces."""
        if self._is_in_one:
            self.found[-1] += data

    def handle_endtag(self, tag: str) -> None:
        """Note the end of a script."""
        self._is_in_one = False


def _hash_scripts(page: bytes) -> list[str]:
    """Return the sources for a policy that allow the scripts within a page (CSP 3, section 2.3.1)."""
    parser = _InlineScripts()
    # Browsers hash the text as they read it: every line ends with LF.
    parser.feed(page.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    parser.close()
    hashes = (hashlib.sha256(script.encode()).digest() for script in parser.found)
    return [f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes]


def make_config(settings: Settings) -> bytes:
    """Return the ``config.json`` for a client that is served from the WebSocket listener itself."""
    channels = list(settings.channels.autojoin)
    config = {"name": settings.server.network, "server": {"url": "/", "autojoin": channels}}
    return json.dumps(config, ensure_ascii=False, indent=2).encode() + b"\n"


def _find_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Walk over the regular files below a directory, in order: each with its name relative to it. Raises ``OSError``.

    A directory or file behind a link is left out.
    """

    def fail(error: OSError) -> None:
        raise error

    for directory, folders, names in os.walk(root, onerror=fail, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name == _WELL_KNOWN)
        for name in sorted(names):
            path = Path(directory, name)
            if not name.startswith(".") and stat.S_ISREG(path.lstat().st_mode):
                yield path.relative_to(root).as_posix(), path


def _read_file(path: Path, secrets: frozenset[tuple[int, int]]) -> tuple[bytes, str | None]:
    """Return what a file has, and what it is if it has secrets. Raises ``OSError`` and ``ServeError``."""
    # O_NOFOLLOW: a file that became a link meanwhile is refused by the system.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) in secrets:
            raise ServeError(f"listen.webroot: {path} is no file for everybody; name a directory of its own")
        body = file.read(FILE_BYTES + 1)
    kind = find_kind(body)
    if kind is None and len(body) > FILE_BYTES:
        raise ServeError(f"listen.webroot: {path} has more than {FILE_BYTES >> 20} MiB")
    return body, kind
