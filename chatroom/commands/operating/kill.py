"""Kicking somebody off the server: KILL. Bans are in ``bans``.

Source: Modern IRC Client Protocol, "KILL message".
"""

from __future__ import annotations

from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import NotPermitted
from chatroom.irc import numerics
from chatroom.irc.limits import KICK_BYTES
from chatroom.irc.packing import shorten


@command("KILL", "<nick> [<reason>]", role=Role.MODERATOR, control=True)
def kill(context: Context, params: list[str]) -> Pending | None:
    """Kicks somebody off the server."""
    target = context.world.find_user(params[0])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[0]))
        return None
    require_rank(context, target)
    reason = shorten(params[1], KICK_BYTES) if len(params) > 1 else ""
    nick = target.nick
    kick_off(context, target, reason)
    actor = context.actor
    context.world.work.write(lambda stores: stores.audit.add(actor, "kick", nick, reason))
    context.note("DONE", nick, text=f"{nick} was kicked")
    return None


def require_rank(context: Context, target: User) -> None:
    """Raise ``NotPermitted`` unless whoever acts has a higher role than the target. The shell outranks everybody."""
    if context.session.control is None and (target.role or Role.USER) >= context.role:
        if target is context.session.user:
            raise NotPermitted("that is yourself")
        raise NotPermitted(f"{target.nick} is {(target.role or Role.USER).with_article}, as high as you or higher")


def kick_words(role: Role, nick: str, reason: str) -> tuple[str, str]:
    """What the person kicked reads, and what everybody else does."""
    ending = f": {reason}" if reason else ""
    by = role.with_article
    return f"You were kicked by {by}{ending}", f"{nick} was kicked by {by}{ending}"


def kick_off(context: Context, target: User, reason: str) -> None:
    """Disconnect somebody; they read by whom (KILL) and in which role, the others in which role, and all why."""
    told, others = kick_words(context.role, target.nick, reason)
    context.world.log_line(f"kicked {target.nick} by {context.actor.name}" + (f": {reason}" if reason else ""))
    context.world.tell_user(target, context.world.event(context.source, f"KILL {target.nick} :{reason}"))
    context.world.close_user(target, told, others)
