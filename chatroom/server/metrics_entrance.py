"""Opens the listener for metrics, if the settings have one. Only then is imported what it needs: 30 ms and some MB."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from chatroom.errors import ServeError
from chatroom.server.listening_sockets import keep_if_wanted

if TYPE_CHECKING:
    from chatroom.config.observing import Metrics
    from chatroom.server.metrics_server import MetricsServer


def open_metrics(settings: Metrics, handed: socket.socket | None = None) -> MetricsServer | None:
    """Listen for metrics, if the settings say so. Raises ``ServeError``.

    ``handed`` is the listening socket of the daemon before this one, if it had one.
    """
    handed = keep_if_wanted(handed, settings.address if settings.listen else None)
    if not settings.listen:
        return None
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise ServeError("metrics.listen needs prometheus_client: pip install 'chatroom[metrics]'") from None
    from chatroom.server.metrics_server import MetricsServer

    try:
        return MetricsServer(*settings.address, handed)
    except OSError as error:
        raise ServeError(f"metrics.listen {settings.listen}: {error.strerror or error}") from error
