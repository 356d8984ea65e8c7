"""A login of somebody who has an invite and no account yet: it registers the nick with the token, then logs in.

Before the welcome, if the server takes REGISTER there: a private server lets in nobody who has no account. Otherwise
``NewAccount`` does the same behind the welcome. The dialogue is one step more on the way of ``Login``::

    CAP ACK ──> REGISTER ──VERIFICATION_REQUIRED──> VERIFY ──SUCCESS──> CAP END

Source: IRCv3 draft/account-registration.
"""

from __future__ import annotations

from typing import Literal

from chatroom.client.handshake import Login
from chatroom.client.login_steps import Ask, Failed, Send, Step
from chatroom.client.wanted_caps import FOR_PLACES
from chatroom.irc.message import Message

CAPABILITY = "draft/account-registration"
_OF_THE_NICK = ("ACCOUNT_EXISTS", "BAD_ACCOUNT_NAME", "ACCOUNT_NAME_MUST_BE_NICK", "NEED_NICK")
_FAULTS = ("400", "421", "461")
"""Numerics with which a server says that it has not understood REGISTER or VERIFY, or cannot do it."""


class InvitedLogin(Login):
    """Registers ``nick`` with ``password`` and the token of an invite, once; later logins use the account."""

    def __init__(
        self,
        nick: str,
        password: str,
        token: str,
        server_password: str = "",
        wanted: tuple[str, ...] = FOR_PLACES,
    ) -> None:
        super().__init__(nick, "", "", server_password, wanted)
        self.new_password = password
        self.token = token
        self._stage: Literal["due", "asked", "asks-nick", "later", "done"] = "due"

    @property
    def is_due_later(self) -> bool:
        """True if the account is still to be registered, behind the welcome."""
        return self._stage == "later"

    def start(self, *, encrypted: bool = False, exposed: bool = False, shows_certificate: bool = False) -> list[Step]:
        """Begin on a new connection, with the registration again if the server has not accepted it yet."""
        if self._stage != "done":
            self._stage = "due"
        return super().start(encrypted=encrypted, exposed=exposed, shows_certificate=shows_certificate)

    def feed(self, message: Message) -> list[Step]:
        """Take a message of the server. What answers the registration is not for ``Login``."""
        if self._stage == "asked" and message.verb in ("REGISTER", "VERIFY", "FAIL"):
            return self._guard.filter(self._on_registration(message))
        if self._stage == "asked" and message.verb in _FAULTS and message.params[1:2] in (["REGISTER"], ["VERIFY"]):
            return self._end(message.params[-1])
        return super().feed(message)

    def answer_nick(self, nick: str) -> list[Step]:
        """Use another nick, and register that one."""
        steps = super().answer_nick(nick)
        if self._stage != "asks-nick" or self._state == "idle":
            return steps
        self._stage = "asked"
        return [*steps, *self._guard.filter([self._register()])]

    def registered(self, account: str, password: str) -> None:
        """Use an account that the user has just registered at the next ``start``."""
        self._stage = "done"
        super().registered(account, password)

    def _end_negotiation(self) -> list[Step]:
        if self._state != "negotiating" or self._stage not in ("due", "asked", "asks-nick"):
            return super()._end_negotiation()
        if self._stage != "due":
            return []  # the answer to REGISTER ends it
        if CAPABILITY not in self._offered:
            self._stage = "later"
            return super()._end_negotiation()
        self._stage = "asked"
        return [self._register()]

    def _register(self) -> Send:
        return Send(f"REGISTER * * :{self.new_password}", secret=True)

    def _on_registration(self, message: Message) -> list[Step]:
        about, text = message.params[:1], message.params[-1] if message.params else ""
        account = message.params[1] if len(message.params) > 2 else self.nick
        if message.verb != "FAIL" and about == ["SUCCESS"]:
            steps = super()._end_negotiation()
            self.registered(account, self.new_password)
            return steps
        if message.verb == "REGISTER" and about == ["VERIFICATION_REQUIRED"]:
            return [Send(f"VERIFY {account} {self.token}", secret=True)]
        if message.verb != "FAIL" or about not in (["REGISTER"], ["VERIFY"]):
            return super().feed(message)
        code = message.params[1] if len(message.params) > 2 else ""
        if code == "COMPLETE_CONNECTION_REQUIRED":
            self._stage = "later"
            return super()._end_negotiation()
        if code in _OF_THE_NICK:
            self._stage = "asks-nick"
            hint = " If it is yours, start chatroom without the invite." if code == "ACCOUNT_EXISTS" else ""
            return [Ask("nick", self.nick, f"{text}.{hint}")]
        return self._end(text)

    def _end(self, text: str) -> list[Step]:
        # The server would wait for another try. The user begins anew: with another invite, or another password.
        self._state = "over"
        return [Failed(text, final=True), Send("QUIT")]
