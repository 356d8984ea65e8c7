"""``chatroomctl serve``: run the daemon, in a terminal or under a service manager."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import tzinfo

import click

from chatroom.compiled_modules import leave_compiled_modules, use_compiled_modules
from chatroom.ctl.invocation import Invocation, pass_invocation, utc_option
from chatroom.errors import ConfigError
from chatroom.irc.times import format_stamp


class _Formatter(logging.Formatter):
    """Writes a warning as a log line, in the same zone."""

    def __init__(self, zone: tzinfo | None) -> None:
        super().__init__("%(asctime)s %(message)s")
        self._zone = zone

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the time of a warning."""
        return format_stamp(record.created, self._zone)


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    help="Listen on this address instead of the configured ones. Example: --host 0.0.0.0",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="Listen on this port; 0 picks a free one. Example: --port 7000",
)
@utc_option
@pass_invocation
def serve(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Run the chat server until Ctrl-C or SIGTERM stops it.

    It prints a line when a user joins or leaves, and for everything else worth knowing. SIGHUP makes it read the
    configuration again.

    \b
    Examples:
      chatroomctl serve
      chatroomctl --database ./team.db serve --host 0.0.0.0 --port 6667
    """
    overrides = {"listen.host": host, "listen.port": port}
    if use_compiled_modules() and _is_node(invocation, overrides):
        leave_compiled_modules()
    from chatroom.server.daemon_life import serve as run  # here, so that "serve --help" starts quickly

    # The running daemon shows everything on a screen of its own. This is for its start and its end.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(invocation.zone))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # A function, because the daemon loads the settings again at every reload.
    run(lambda: invocation.load_settings(overrides), invocation.zone)


def _is_node(invocation: Invocation, overrides: Mapping[str, object]) -> bool:
    """True for a node of a cluster. Its classes note each change of an attribute, which compiled modules do not tell.

    The few modules of ``irc`` that read settings stay compiled: nothing of a cluster stands on their classes, and they
    import no other compiled module later.
    """
    try:
        return invocation.load_settings(overrides).cluster.redis is not None
    except ConfigError:
        return False  # the daemon says it, and ends
