"""INVITELINK: invites, with which others register accounts. ``chatroomctl invite`` does the same from the shell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from chatroom.chat.admission.durations import looks_like_duration, parse_duration
from chatroom.chat.admission.invite_rules import DEFAULT_S, make_invite, make_link, make_page_link
from chatroom.chat.stored.invite_records import Invite, IssuedInvite
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.errors import InvalidValue

if TYPE_CHECKING:
    from chatroom.chat.stored.stores import Stores

MOST_LISTED = 100
"""How many invites one answer lists."""
_MOST_DIGITS = 9


@command("INVITELINK", "<subcommand> [<parameters>]", role=Role.MODERATOR)
def invite_link(context: Context, params: list[str]) -> Pending | None:
    """Makes, lists and removes invites: tokens with which others register accounts:

    INVITELINK CREATE [<uses>] [<duration, like 7d>] [<channel>]: once, for 7 days, without a channel
    INVITELINK LIST: those that are open
    INVITELINK DEL <number>
    """
    subcommand, words = params[0].upper(), [word for param in params[1:] for word in param.split()]
    if subcommand == "CREATE":
        return _create(context, words)
    if subcommand == "LIST":
        return _list(context)
    if subcommand == "DEL":
        if len(words) != 1 or not _is_number(words[0]):
            raise InvalidValue("INVITELINK DEL needs the number of an invite, which INVITELINK LIST shows")
        return _remove(context, int(words[0]))
    raise InvalidValue(f"there is no subcommand INVITELINK {params[0][:20]}; use CREATE, LIST or DEL")


def _create(context: Context, words: list[str]) -> Pending:
    uses, duration_s, channel = 1, DEFAULT_S, ""
    for word in words:
        if _is_number(word):
            uses = int(word)
        elif looks_like_duration(word):
            duration_s = parse_duration(word)
        elif word.startswith(("#", "&")):
            channel = word
        else:
            raise InvalidValue(f"{word[:64]} is no number of uses, no duration such as 7d, and no channel")
    known = context.world.find_channel(channel) if channel else None
    new, actor = make_invite(uses, duration_s, known.name if known is not None else channel), context.actor

    def then(context: Context, issued: IssuedInvite) -> None:
        invite, token = issued
        context.world.log_line(f"invite {invite.id} made by {actor.name}")
        link = make_link(context.world.settings, token, invite.channel)
        context.note("CREATED", str(invite.id), token, text=f"{_describe(invite)}: {link}")
        if page := make_page_link(context.world.settings, token, invite.channel):
            context.note("PAGE", str(invite.id), text=f"the same for a browser: {page}")
        if invite.channel and context.world.find_channel(invite.channel) is None:
            text = f"there is no {invite.channel} now: the first who joins it makes it"
            context.warn("NO_SUCH_CHANNEL", invite.channel, text=text)
        if context.world.settings.accounts.registration == "closed":
            text = "accounts.registration is closed: nobody can use the invite now"
            context.warn("REGISTRATION_CLOSED", str(invite.id), text=text)

    return Pending("store", lambda stores: stores.invites.add(new, actor), then)


def _list(context: Context) -> Pending:
    now = datetime.fromtimestamp(context.world.wall_ms / 1000, UTC)

    def job(stores: Stores) -> list[Invite]:
        return [one for one in stores.invites.list_all() if not one.find_fault(now)]

    def show(context: Context, invites: list[Invite]) -> None:
        for one in invites[:MOST_LISTED]:
            context.note("ENTRY", str(one.id), text=f"{_describe(one)}, by {one.by}")
        rest = f"; chatroomctl invite list shows all {len(invites)}" if len(invites) > MOST_LISTED else ""
        count = min(len(invites), MOST_LISTED)
        context.note("END", "*", text=f"{count} open invite{'' if count == 1 else 's'}{rest}")

    return Pending("store", job, show, reads=True)


def _remove(context: Context, invite_id: int) -> Pending:
    actor = context.actor

    def then(context: Context, removed: Invite) -> None:
        context.world.log_line(f"invite {removed.id} removed by {actor.name}")
        context.note("REMOVED", str(removed.id), text=f"invite {removed.id} is removed: its link opens nothing now")

    return Pending("store", lambda stores: stores.invites.remove(invite_id, actor), then)


def _describe(one: Invite) -> str:
    used = f"used {one.used} of {one.uses} times"
    if not one.used:
        used = "for 1 account" if one.uses == 1 else f"for {one.uses} accounts"
    channel = f" and {one.channel}" if one.channel else ""
    return f"invite {one.id}{channel}, {used}, until {one.until_at:%Y-%m-%d %H:%M} UTC"


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= _MOST_DIGITS
