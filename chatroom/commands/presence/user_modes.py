"""MODE for users: ``i``, ``w``, ``B``, ``R``, ``T`` and ``o``.

Mode ``o`` is that of one session, which can only remove it: it comes with a login or OPER. The others are the user's.

Source: Modern IRC Client Protocol, "User mode" and "User Modes"; IRCv3 bot mode.
"""

from __future__ import annotations

from chatroom.chat.people.user import User
from chatroom.commands.about.server_info import USER_MODES
from chatroom.commands.context import Context, printable
from chatroom.irc import numerics
from chatroom.irc.modes import ModeChange, ModeKinds, format_changes, parse_changes


def user_mode(context: Context, params: list[str]) -> None:
    """Show or change the user's own modes. ``params`` are the parameters of MODE, the nick first."""
    user = context.user
    target = context.world.find_user(params[0])
    if target is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(params[0]))
        return
    if target is not user:
        context.reply(numerics.ERR_USERSDONTMATCH)
        return
    if len(params) < 2:
        context.reply(numerics.RPL_UMODEIS, user.modes_of(context.session))
        return
    changes = parse_changes(params[1:2], ModeKinds(flags=USER_MODES))
    done = [change for change in changes if _change(context, user, change)]
    if done:
        context.world.whereabouts.save_user(user)
    for line in format_changes(done):
        context.say(context.world.outbox.event(user.prefix, f"MODE {user.nick} {line}", user))
    for line in format_changes([change for change in done if change.letter != "o"]):
        event = context.world.outbox.event(user.prefix, f"MODE {user.nick} {line}", user)
        context.world.tell_user(user, event, skip=context.session)
    # One reply for all unknown letters: 501 does not name them.
    if any(change.letter not in USER_MODES for change in changes):
        context.reply(numerics.ERR_UMODEUNKNOWNFLAG)


def _change(context: Context, user: User, change: ModeChange) -> bool:
    """Make one change. Returns True if the modes differ afterwards. ``+o`` is ignored (RFC 2812, section 3.1.5)."""
    adding, letter, _ = change
    session = context.session
    before = user.modes_of(session)
    if letter == "i":
        context.world.online.set_invisible(user, adding)
    elif letter == "w":
        user.wallops = adding
    elif letter == "B":
        user.bot = adding
    elif letter == "R":
        user.registered_only = adding
    elif letter == "T":
        user.no_ctcp = adding
    elif letter == "o" and not adding and session.is_operator:
        context.world.online.step_down(user, session)
    return user.modes_of(session) != before
