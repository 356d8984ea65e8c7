"""``chatroomctl serve``: run the daemon in this terminal or under a service manager."""

from __future__ import annotations

import logging
import sys

import click

from chatroom.ctl.invocation import Invocation, pass_invocation


@click.command()
@click.option(
    "--host",
    metavar="ADDRESS",
    help="The address to listen on, instead of the configured ones. Example: --host 0.0.0.0",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes any that is free. Example: --port 7000",
)
@pass_invocation
def serve(invocation: Invocation, host: str | None, port: int | None) -> None:
    """Run the chat server until it is told to stop (Ctrl-C, SIGTERM).

    The screen shows who comes and goes. SIGHUP reads the configuration again.

    \b
    Examples:
      chatroomctl serve
      chatroomctl --database ./team.db serve --host 0.0.0.0 --port 6667
    """
    from chatroom.server.daemon import serve as run

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%F %T")
    run(lambda: invocation.load_settings({"listen.host": host, "listen.port": port}))
