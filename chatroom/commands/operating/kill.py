"""KILL: disconnect a user from the server. Bans are in ``uban``.

Source: Modern IRC Client Protocol, "KILL message".
"""

from __future__ import annotations

from chatroom.chat.admission import ban_policy
from chatroom.chat.people.user import User
from chatroom.chat.stored.records import Role
from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.errors import NotPermitted
from chatroom.irc import numerics
from chatroom.irc.limits import KICK_BYTES


@command("KILL", "<nick> [<reason>]", role=Role.MODERATOR, control=True)
def kill(context: Context, params: list[str]) -> Pending | None:
    """Disconnects a user from the server."""
    target = context.world.find_user(params[0])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[0]))
        return None
    require_rank(context, target)
    reason = context.use_reason(params, 1, KICK_BYTES)
    nick = target.nick
    kick_off(context, target, reason)
    actor = context.actor
    context.world.work.write(lambda stores: stores.audit.add(actor, "kick", nick, reason))
    context.note("DONE", nick, text=f"{nick} was kicked")
    return None


@command("KILLAT", "<node> <nick> [<reason>]", when=When.CONTROL)
def kill_at(context: Context, params: list[str]) -> Pending | None:
    """Disconnects a user from one node of a cluster. Its devices on other nodes stay."""
    world, node = context.world, params[0]
    target = world.find_user(params[1])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[1]))
        return None
    nick = target.nick
    there = [session for session in target.sessions if world.node_of(session) == node]
    if not there:
        context.fail("NOT_THERE", node, nick, text=f"{nick} is not connected to a node {printable(node)}")
        return None
    reason = context.use_reason(params, 2, KICK_BYTES)
    if len(there) == len(target.sessions):
        kick_off(context, target, reason)
    else:
        own, others = kick_words(context.role, nick, reason)
        world.log_line(f"kicked {nick} from node {node} by {context.actor.name}" + (f": {reason}" if reason else ""))
        event = world.outbox.event(context.source, f"KILL {nick} :{reason}")
        for session in there:
            world.tell_event(session, event)
            world.close(session, own, others, returns=False)
    actor, detail = context.actor, f"node {node}" + (f": {reason}" if reason else "")
    world.work.write(lambda stores: stores.audit.add(actor, "kick", nick, detail))
    context.note("DONE", nick, text=f"{nick} was kicked from node {node}")
    return None


def require_rank(context: Context, target: User) -> None:
    """Raise ``NotPermitted`` unless the session's role is higher than the target's. The shell may kick any user."""
    if context.session.control is not None:
        return
    if target is context.session.user:
        raise NotPermitted("that is yourself")
    ban_policy.require_rank(context.role, target.nick, target.rank)


def kick_words(role: Role, nick: str, reason: str) -> tuple[str, str]:
    """Return the texts for the kicked user and for the other users."""
    ending = f": {reason}" if reason else ""
    by = role.with_article
    return f"You were kicked by {by}{ending}", f"{nick} was kicked by {by}{ending}"


def kick_off(context: Context, target: User, reason: str) -> None:
    """Disconnect a user and log it.

    The user reads the issuer in the KILL line. The others read only the issuer's role.
    """
    own, others = kick_words(context.role, target.nick, reason)
    context.world.log_line(f"kicked {target.nick} by {context.actor.name}" + (f": {reason}" if reason else ""))
    # Before the session is closed: it gets no more lines then.
    context.world.tell_user(target, context.world.outbox.event(context.source, f"KILL {target.nick} :{reason}"))
    context.world.close_user(target, own, others)
