"""Verbs about the connection: capabilities, registration, logins, NickServ, PING and QUIT."""

from chatroom.commands.connecting import (
    cap,
    nick,
    nickserv,
    pass_and_user,
    ping_and_quit,
    register,
    sasl_and_oper,
    webirc,
)

__all__ = ["cap", "nick", "nickserv", "pass_and_user", "ping_and_quit", "register", "sasl_and_oper", "webirc"]
