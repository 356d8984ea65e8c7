"""Verbs of a connection: registration, logins, capabilities, leaving."""

from chatroom.commands.connecting import cap, nick, pass_and_user, ping_and_quit, register, sasl_and_oper, webirc

__all__ = ["cap", "nick", "pass_and_user", "ping_and_quit", "register", "sasl_and_oper", "webirc"]
