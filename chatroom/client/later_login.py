"""``/login``: the user logs in to an account while connected.

Source: IRCv3 SASL 3.2, "Re-authentication".
"""

from __future__ import annotations

from dataclasses import dataclass

from chatroom.client.handshake import Login
from chatroom.client.login_steps import Step, Tell
from chatroom.client.plaintext_guard import WARNING
from chatroom.client.sasl_dialogue import SaslDialogue
from chatroom.irc.message import Message


@dataclass(frozen=True, slots=True)
class AccountPassword:
    """A question for the user: the password of the account ``name``."""

    name: str
    why: str = ""
    """A warning for the user; empty if there is none."""

    @property
    def is_secret(self) -> bool:
        """True: the answer is not to be shown."""
        return True


class LaterLogin:
    """Logs in by SASL, and has ``login`` use the account from then on."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._sasl = SaslDialogue()
        self._asked = ("", "")  # account and password that the server has not judged yet

    def ask(self, account: str) -> AccountPassword:
        """Return the question for the password."""
        return AccountPassword(account, "" if self._login.may_send_password else WARNING)

    def start(self, account: str, password: str) -> list[Step]:
        """Begin with the user's answer."""
        self._login.allow_plaintext()  # the question came with the warning
        self._asked = account, password
        self._sasl = SaslDialogue()
        return self._sasl.start(account, password)

    def feed(self, message: Message) -> list[Step]:
        """Take a message of the server that may belong to it."""
        if not self._sasl.mechanism:
            return []
        if message.verb == "AUTHENTICATE":
            return self._sasl.respond(message)
        if message.verb == "903":
            self._sasl.end(succeeded=True)
            self._login.registered(*self._asked)
        elif message.verb in ("902", "904", "905", "906", "908"):
            self._sasl.end(succeeded=False)
            why = message.params[-1] if message.params else ""
            return [Tell(f"You are not logged in to {self._asked[0]}: {why}")]
        return []
