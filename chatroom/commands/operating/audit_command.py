"""AUDIT: who did what to whom, for those who keep the peace. It has no specification."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue
from chatroom.irc import numerics
from chatroom.irc.times import format_moment

if TYPE_CHECKING:
    from chatroom.chat.stored.records import AuditEntry
    from chatroom.chat.stored.stores import Stores

MOST_LISTED = 200
"""How many entries an answer has at most."""
USUALLY_LISTED = 50
OF_MODERATORS = ("announce", "ban", "channel", "filter", "invite", "kick", "server")
"""The groups of actions that moderators read. Those on accounts, the history and the database are for admins."""


@command("AUDIT", "[<count> [<before id>]]", role=Role.MODERATOR)
def audit(context: Context, params: list[str]) -> Pending | None:
    """Lists who did what to whom: kicks, bans, filters, lockdowns, changes of channels.

    AUDIT [<count>]: the newest entries, the newest first
    AUDIT <count> <id>: those before the entry with that id
    """
    count = min(_number(params[0]), MOST_LISTED) if params and params[0] else USUALLY_LISTED
    before = _number(params[1]) if len(params) > 1 and params[1] else None

    role = context.role
    groups = None if role >= Role.ADMIN else OF_MODERATORS

    def job(stores: Stores) -> list[AuditEntry]:
        return stores.audit.list_entries(limit=count, before_id=before, groups=groups)

    def then(context: Context, entries: list[AuditEntry]) -> None:
        if context.role < role:  # it was taken away meanwhile
            context.reply(numerics.ERR_NOPRIVILEGES)
            return
        for entry in reversed(entries):
            words = (str(entry.id), entry.action, entry.actor, entry.target)
            context.note("ENTRY", *words, text=_describe(context, entry))
        text = f"{len(entries)} entr{'y' if len(entries) == 1 else 'ies'}"
        if len(entries) == count:
            text += f"; AUDIT {count} {entries[0].id} shows those before"
        context.note("END", str(len(entries)), str(count), text=text)

    return Pending("store", job, then, reads=True)


def _number(text: str) -> int:
    # Python refuses to convert more than 4,300 digits; ids have at most 18 here.
    if not (text.isascii() and text.isdigit() and len(text) < 18 and int(text)):
        raise InvalidValue("AUDIT takes numbers: how many entries, and the id of the one that they are before")
    return int(text)


def _describe(context: Context, entry: AuditEntry) -> str:
    """Return an entry as one line."""
    # Not ``printable``: only line breaks end a line, and the shell may have put some into a detail.
    words = f"{entry.actor} ({entry.origin}) {entry.action} {entry.target}".rstrip()
    detail = f": {entry.detail}" if entry.detail else ""
    return " ".join(f"{format_moment(entry.at, context.world.bans.zone)} {words}{detail}".split())
