"""``chatroomctl upgrade``: a new daemon takes the place of the running one, with its connections."""

from __future__ import annotations

import json

import click

from chatroom.ctl.control_client import follow
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import report_result, result_option
from chatroom.ctl.streams import plain, print_error
from chatroom.errors import NotRunning, Refused


@click.command()
@result_option("pid", "carried", "closed", "seconds", "standstill_s")
@pass_invocation
def upgrade(invocation: Invocation) -> None:
    """Have a new daemon take the place of the running one, without dropping anyone.

    The new daemon runs the program that is on the disk now, with the same arguments, and reads the configuration. It
    takes over the connections without TLS; clients with TLS read that they have to connect again. If it cannot start,
    the running daemon goes on, nobody is disconnected, and the exit code is 1.

    \b
    Example:
      pip install --upgrade chatroom && chatroomctl upgrade
    """
    for message in follow(invocation, "UPGRADE"):
        kind = (message.verb, *message.params[:2])
        if kind == ("NOTE", "UPGRADE", "STAGE"):
            print_error(plain(f"{message.params[-1]} ..."))
        elif kind == ("NOTE", "UPGRADE", "DONE"):
            _report(json.loads(message.params[-1]))
            return
        elif message.verb == "FAIL" or message.verb.isdecimal():
            raise Refused(f"not upgraded, the daemon goes on as it was: {message.params[-1]}")
    raise NotRunning("the daemon ended before the new one was ready; chatroomctl status and the log say more")


def _report(done: dict[str, float]) -> None:
    carried, closed = round(done["carried"]), round(done["closed"])
    again = f"{closed} with TLS or a command under way have" if closed else "nobody has"
    report_result(
        f"The new daemon is process {done['pid']:.0f}, after {done['seconds']:.1f} s; the chat stood still for"
        f" {done['standstill_s']:.2f} s.",
        f"It has {carried} connection{'' if carried == 1 else 's'}; {again} to connect again.",
        **done,
    )
