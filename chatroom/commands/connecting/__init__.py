"""Verbs about the connection: capabilities, registration, logins, NickServ, PING and QUIT."""

from chatroom.commands.connecting import (
    approving,
    cap,
    cert,
    nick,
    nickserv,
    pass_and_user,
    ping_and_quit,
    register_command,
    reset_password,
    sasl_and_oper,
    verify,
    webirc,
)

__all__ = [
    "approving",
    "cap",
    "cert",
    "nick",
    "nickserv",
    "pass_and_user",
    "ping_and_quit",
    "register_command",
    "reset_password",
    "sasl_and_oper",
    "verify",
    "webirc",
]
