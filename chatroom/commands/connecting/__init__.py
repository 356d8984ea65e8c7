"""Verbs about the connection: capabilities, registration, logins, PING and QUIT."""

from chatroom.commands.connecting import cap, nick, pass_and_user, ping_and_quit, register, sasl_and_oper, webirc

__all__ = ["cap", "nick", "pass_and_user", "ping_and_quit", "register", "sasl_and_oper", "webirc"]
