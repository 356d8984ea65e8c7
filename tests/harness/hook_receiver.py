"""A receiver of outgoing hooks: an HTTP server that answers as the test says, and checks each signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.daemon import until


def is_signed(secret: str, headers: Any, body: bytes) -> bool:
    """True if the headers have the signature of the body, as a receiver computes it."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


class Receiver:
    """Listens on a free port of this machine until the end of a ``with``."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        """The documents of all requests, in order, also of those that were refused."""
        self.taken: list[dict[str, Any]] = []
        """Those that were answered with 2xx."""
        self.headers: list[Any] = []
        self.bodies: list[bytes] = []
        self.status = 204
        self.location = ""
        self.may_answer = threading.Event()
        """An answer waits for it."""
        self.may_answer.set()
        # Bound and not listening, it keeps the port for this receiver while that is gone.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = int(self._reserved.getsockname()[1])
        self._server: _Server | None = None
        self.listen()

    def listen(self) -> None:
        """Begin to answer."""
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.receiver = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?a=b"

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Note a request, and answer it."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        document = json.loads(body)
        self.headers.append(request.headers)
        self.bodies.append(body)
        self.got.append(document)
        self.may_answer.wait(60)
        status = self.status
        if 200 <= status < 300:
            self.taken.append(document)
        request.send_response(status)
        if self.location:
            request.send_header("Location", self.location)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def texts(self) -> list[str]:
        """The texts that were taken, each once, in the order in which they first came."""
        return list(dict.fromkeys(one["text"] for one in list(self.taken)))

    def expect(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something that the receiver sees."""
        until(condition, what, 60)

    def close(self) -> None:
        """End."""
        self.may_answer.set()
        self.leave()
        self._reserved.close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_port = True
    receiver: Receiver

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the sender has gone


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.receiver.take(self)

    def do_GET(self) -> None:
        raise AssertionError("a redirect was followed")

    def log_message(self, format: str, *args: Any) -> None:
        pass
