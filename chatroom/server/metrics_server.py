"""The HTTP server that a Prometheus asks for metrics. One thread answers one request after the other."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app

from chatroom.server.loop_thread import LoopThread
from chatroom.server.metered import MeteredHub, MeteredIoThread
from chatroom.server.metrics import Sources, make_registry

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from chatroom.config import Settings
    from chatroom.server.backups import BackupState
    from chatroom.server.connection_counter import ConnectionCounter
    from chatroom.server.hook_deliveries import HookState
    from chatroom.server.hook_listener import HookListener
    from chatroom.server.hub import Hub
    from chatroom.server.io_thread import IoThread
    from chatroom.server.supervisor import Supervisor

PATH = "/metrics"
_PATIENCE_S = 5.0
"""How long a client may take for its request and for reading the answer; others wait meanwhile."""

_PAUSE_S = 0.5
"""The pause after a client could not be accepted: it stays in the kernel's queue, and would be reported at once."""


class _Handler(WSGIRequestHandler):
    timeout = _PATIENCE_S

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: a Prometheus asks four times a minute."""


class _Server(WSGIServer):
    is_ending: threading.Event

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a client. If that fails, as it does when no more files may be opened, wait before the next try."""
        try:
            return super().get_request()
        except OSError:
            self.is_ending.wait(_PAUSE_S)
            raise

    def server_bind(self) -> None:
        # Not the parent's, which asks DNS for the name of the address.
        socket_address = self.server_address
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(socket_address)
        self.server_address = self.socket.getsockname()
        self.name_itself()

    def name_itself(self) -> None:
        """Set what an answer's environment says of the server."""
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave a client that went away or was too slow alone."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class MetricsServer(LoopThread):
    """The listening socket and its thread."""

    def __init__(self, host: str, port: int, listening: socket.socket | None = None) -> None:
        """Listen, unless there is a listening socket of that address already. Raises ``OSError``."""
        super().__init__("metrics")
        kind = _Server6 if ":" in host else _Server
        self._is_ending = threading.Event()
        if listening is None:
            self._server = kind((host, port), _Handler)
        else:
            self._server = kind((host, port), _Handler, bind_and_activate=False)
            self._server.socket.close()
            self._server.socket = listening
            self._server.server_address = listening.getsockname()
            self._server.name_itself()
        self._server.is_ending = self._is_ending

    def fileno(self) -> int:
        """The descriptor of the listening socket."""
        return self._server.fileno()

    @property
    def url(self) -> str:
        """Where the metrics are."""
        host, port = self._server.server_name, self._server.server_port
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"

    def begin(
        self,
        settings: Settings,
        hub: Hub,
        threads: list[IoThread],
        counter: ConnectionCounter,
        supervisor: Supervisor,
        backups: Callable[[], BackupState],
        hooks: Callable[[], HookState],
        hook_listener: Callable[[], HookListener | None],
        find_nodes: Callable[[], tuple[bool, int]] | None,
    ) -> None:
        """Start to answer, from these parts of a daemon. The hub and its threads are metered."""
        assert isinstance(hub, MeteredHub)
        metered = [thread for thread in threads if isinstance(thread, MeteredIoThread)]
        certificates = [path for listen in settings.listen for path in listen.certificate]
        sources = Sources(
            *(hub, metered, hub.world.runtime.counts, counter, supervisor),
            *(None if settings.database.url else settings.database.path, certificates, backups, hooks, hook_listener),
            find_nodes,
        )
        self._server.set_app(_only_metrics(make_wsgi_app(make_registry(sources))))
        self.start()

    def run(self) -> None:
        """Answer until stopped."""
        while not self._is_ending.is_set():
            self._server.handle_request()

    def stop(self, patience_s: float) -> None:
        """End, wait at most that long for an answer under way, and close the socket. From any other thread."""
        self._is_ending.set()
        if self.is_started:  # or else the socket may be that of a daemon that goes on, which has it too
            with contextlib.suppress(OSError):
                self._server.socket.shutdown(socket.SHUT_RDWR)  # ends the wait for a client
        self.join(patience_s)
        self._server.server_close()


def _only_metrics(app: WSGIApplication) -> WSGIApplication:
    """Return an application that answers one path."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == PATH and environ["REQUEST_METHOD"] == "GET":
            return app(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [f"The metrics are at {PATH}\n".encode()]

    return answer
