"""``chatroomctl reload``: the running daemon reads its configuration again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

import click

from chatroom.config import MASK
from chatroom.ctl.control_client import exchange, require_done
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import report_result, result_option
from chatroom.ctl.streams import plain, warn
from chatroom.errors import ConfigError, Refused
from chatroom.irc.message import Message
from chatroom.settings.file_template import toml_value

_MOST_SHOWN = 60
"""How many characters of a value are shown. A message of the day can have 16,000 bytes."""


class Changed(NamedTuple):
    """A setting that has changed. The field names are keys of ``--json``."""

    key: str
    before: object
    after: object


@click.command()
@result_option("file", "changed", "needs_restart")
@pass_invocation
def reload(invocation: Invocation) -> None:
    """Make the running daemon read its configuration again.

    What has changed is listed, and what the daemon will use after a restart only. If the file has an error, the daemon
    takes nothing of it and keeps all its settings; the errors are listed and the exit code is 1.

    \b
    Example:
      chatroomctl config set limits.burst_lines 100 && chatroomctl reload
    """
    try:
        answers = exchange(invocation, "REHASH")
    except ConfigError as error:  # it is read here too, for the database's path
        raise _refusal(error.errors) from None
    errors = list(_texts(answers, "WARN", "INVALID_CONFIG").values())
    if errors:
        raise _refusal(errors)
    require_done(answers)
    file = next((message.params[1] for message in answers if message.verb == "382" and len(message.params) > 2), "")
    changed, waiting = (_read_changes(answers, code) for code in ("CHANGED", "WAITING"))
    lines = [f"The daemon has read {file} again."]
    lines += ["Changed, and in force now:", *map(_shown, changed)] if changed else []
    lines += ["Changed, and in force after a restart of the daemon:", *map(_shown, waiting)] if waiting else []
    if not waiting and not changed:
        lines.append("Nothing has changed.")
    report_result(*lines, file=file, changed=changed, needs_restart=waiting)


def _refusal(errors: Sequence[str]) -> Refused:
    for text in errors:
        warn(plain(text))
    return Refused("nothing of the configuration was taken: a running daemon keeps all its settings")


def _read_changes(answers: list[Message], code: str) -> list[Changed]:
    return [Changed(key, *json.loads(text)) for key, text in _texts(answers, "NOTE", code).items()]


def _texts(answers: list[Message], kind: str, code: str) -> dict[str, str]:
    """Return the text of each note or warning with that code. A long one comes in several lines."""
    texts: dict[str, str] = {}
    for message in answers:
        if message.verb == kind and message.params[1:2] == [code] and len(message.params) == 4:
            texts[message.params[2]] = texts.get(message.params[2], "") + message.params[3]
    return texts


def _shown(change: Changed) -> str:
    if MASK in (change.before, change.after):
        return f"  {change.key}: another value"
    before, after = (_shortened(toml_value(value)) for value in (change.before, change.after))
    return f"  {change.key}: {before} -> {after}"


def _shortened(text: str) -> str:
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."
