"""``/register``: the user makes an account of the current nick."""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.client.handshake import Login
from chatroom.client.invited_login import InvitedLogin
from chatroom.client.login_steps import Send, Step
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
        self._token = ""  # of the invite that goes with it; empty if there is none

    def ask(self, nick: str, token: str) -> NewPassword:
        """Return the question for the password. ``token`` is that of an invite, or empty."""
        self._token = token
        return NewPassword(nick, "" if self._login.may_send_password else WARNING)

    def begin(self) -> list[Step]:
        """Return the line that registers the nick of who came with an invite, if that was not possible before."""
        login = self._login
        if not isinstance(login, InvitedLogin) or not login.is_due_later:
            return []
        self._token = login.token
        return [Send(self.register(login.new_password))]

    def register(self, password: str) -> str:
        """Return the line that registers the nick with the user's answer."""
        self._login.allow_plaintext()  # the question came with the warning
        self._password = password
        return f"REGISTER * * :{password}"

    def read(self, message: Message, nick: str) -> list[Step]:
        """Take the server's answer: bring the token, or use the account for the next login if it was accepted."""
        if not self._password or (message.verb == "FAIL" and message.params[:1] not in (["REGISTER"], ["VERIFY"])):
            return []
        account = message.params[1] if len(message.params) > 2 else nick
        if message.params[:1] == ["VERIFICATION_REQUIRED"]:
            if self._token:
                return [Send(f"VERIFY {account} {self._token}")]
            return []
        if message.params[:1] == ["SUCCESS"]:
            self._login.registered(account, self._password)
        self._password = self._token = ""
        return []
