"""Verbs about the connection: capabilities, registration, logins, NickServ, PING and QUIT."""

from chatroom.commands.connecting import (
    cap,
    cert,
    nick,
    nickserv,
    pass_and_user,
    ping_and_quit,
    register,
    sasl_and_oper,
    verify,
    webirc,
)

__all__ = [
    "cap",
    "cert",
    "nick",
    "nickserv",
    "pass_and_user",
    "ping_and_quit",
    "register",
    "sasl_and_oper",
    "verify",
    "webirc",
]
