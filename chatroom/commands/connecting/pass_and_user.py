"""PASS and USER, which a client sends before registration is complete.

Source: Modern IRC Client Protocol, "Connection Messages".
"""

from __future__ import annotations

from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.registration import advance
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.irc import numerics
from chatroom.irc.limits import REALNAME_BYTES, USERNAME_BYTES
from chatroom.irc.packing import shorten

_UNNAMED = "user"
"""The user name of a client that sends one without any allowed character."""
_MOST_PASSWORDS = 4
"""How many PASS lines are taken: one for the server, one for the account, and some to spare."""


@command("PASS", "<password>", when=When.BEFORE)
def password(context: Context, params: list[str]) -> Pending | None:
    """Gives the password of the server, if it has one, or the password of the account with the name of your nick.

    PASS account:password: the password of the account that you name
    """
    registration = context.session.registration
    if registration is not None and len(registration.passwords) < _MOST_PASSWORDS:
        registration.passwords.append(params[0])
        return advance(context)
    return None


@command("USER", "<username> <mode> <unused> <realname>", when=When.BEFORE)
def user(context: Context, params: list[str]) -> Pending | None:
    """Gives your user name and real name when you connect."""
    registration = context.session.registration
    if registration is None or registration.username:
        return None
    if not params[0] or not params[3]:
        context.reply(numerics.ERR_NEEDMOREPARAMS, "USER")
        return None
    # A ``!``, ``@`` or ``*`` in it would make masks ambiguous.
    username = params[0]
    if not username.isalnum():
        username = "".join(char for char in username if char.isalnum() or char in "-_.")
    registration.username = shorten(username, USERNAME_BYTES) or _UNNAMED
    registration.realname = context.cut(params[3], REALNAME_BYTES)
    return advance(context)
