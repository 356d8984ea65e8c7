"""Whether a daemon has metrics. What they need is imported only if it does: 30 ms and some MB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.errors import ServeError

if TYPE_CHECKING:
    from chatroom.config.observing import Metrics
    from chatroom.server.metrics_server import MetricsServer


def open_metrics(settings: Metrics) -> MetricsServer | None:
    """Listen for metrics, if the settings say so. Raises ``ServeError``."""
    if not settings.listen:
        return None
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise ServeError("metrics.listen needs prometheus_client: pip install 'chatroom[metrics]'") from None
    from chatroom.server.metrics_server import MetricsServer

    try:
        return MetricsServer(*settings.address)
    except OSError as error:
        raise ServeError(f"metrics.listen {settings.listen}: {error.strerror or error}") from error
