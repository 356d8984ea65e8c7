"""ACCEPT: which guests may write to the user in spite of user mode R.

Source: solanum, ``doc/features/modeg.txt``; the numerics are 281, 282 and 456 to 458.
"""

from __future__ import annotations

from chatroom.commands.command_table import command
from chatroom.commands.context import Context, printable
from chatroom.commands.pending import Pending
from chatroom.irc import numerics


@command("ACCEPT", "[<nicks>]")
def accept(context: Context, params: list[str]) -> Pending | None:
    """Lets guests write to you in spite of your user mode +R, or lists those that may.

    ACCEPT <nick>,<nick>: lets them write to you, until they leave or change their nick
    ACCEPT -<nick>: no longer lets them
    ACCEPT *: lists them
    A user you write to may answer without it.
    """
    if not params or params[0] in ("", "*"):
        _list(context)
        return None
    for word in params[0].split(","):
        if word.startswith("-"):
            _discard(context, word[1:])
        elif word:
            _add(context, word)
    return None


def _list(context: Context) -> None:
    nicks = [user.nick for user in context.world.accepts.list_of(context.user)]
    context.reply_words(numerics.RPL_ACCEPTLIST, words=nicks)
    context.reply(numerics.RPL_ENDOFACCEPT)


def _add(context: Context, nick: str) -> None:
    user, accepts = context.world.find_user(nick), context.world.accepts
    if user is None:
        context.reply(numerics.ERR_NOSUCHNICK, printable(nick))
    elif accepts.has(context.user, user):
        accepts.add(context.user, user)  # it may be there only because it was written to
        context.reply(numerics.ERR_ACCEPTEXIST, user.nick)
    elif not accepts.add(context.user, user):
        context.reply(numerics.ERR_ACCEPTFULL)


def _discard(context: Context, nick: str) -> None:
    user = context.world.find_user(nick)
    if user is None or not context.world.accepts.discard(context.user, user):
        context.reply(numerics.ERR_ACCEPTNOT, printable(nick))
