"""``/register``: the user makes an account of the current nick."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.client.handshake import Login
from chatroom.client.plaintext_guard import WARNING
from chatroom.irc.message import Message


@dataclass(frozen=True, slots=True)
class NewPassword:
    """A question for the user: the password to register ``name`` with."""

    name: str
    why: str = ""
    """A warning for the user; empty if there is none."""

    @property
    def is_secret(self) -> bool:
        """True: the answer is not to be shown."""
        return True


class NewAccount:
    """Registers the nick, and has ``login`` use the account from then on."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._password = ""  # of a REGISTER that the server has not answered yet

    def ask(self, nick: str) -> NewPassword:
        """Return the question for the password."""
        return NewPassword(nick, "" if self._login.may_send_password else WARNING)

    def register(self, password: str) -> str:
        """Return the line that registers the nick with the user's answer."""
        self._login.allow_plaintext()  # the question came with the warning
        self._password = password
        return f"REGISTER * * :{password}"

    def read(self, message: Message, nick: str) -> None:
        """Take the server's answer: use the account for the next login if it was accepted."""
        if message.verb == "REGISTER" and message.params[:1] == ["SUCCESS"] and self._password:
            account = message.params[1] if len(message.params) > 2 else nick
            self._login.registered(account, self._password)
        self._password = ""
