"""The login of somebody with a token for a new password: it sets the password, then logs in with it.

RESETPASS is a command of our server, like the token. It goes out before the login, on the way of ``Login``.
"""

from __future__ import annotations

from typing import Literal

from chatroom.client.handshake import Login
from chatroom.client.login_steps import Failed, Send, Step
from chatroom.client.wanted_caps import FOR_PLACES
from chatroom.irc.message import Message

_VERB = "RESETPASS"
_NEEDED = ("sasl", "standard-replies")
"""Without these the answer could not be told from other notices. Our server has both."""


class ResetLogin(Login):
    """Sets a new password of ``account`` with a token, once, and logs in with it."""

    def __init__(
        self,
        nick: str,
        account: str,
        password: str,
        token: str,
        server_password: str = "",
        wanted: tuple[str, ...] = FOR_PLACES,
    ) -> None:
        super().__init__(nick, account, password, server_password, wanted)
        self._token = token
        self._stage: Literal["due", "asked", "done"] = "due"

    def start(self, *, encrypted: bool = False, exposed: bool = False, shows_certificate: bool = False) -> list[Step]:
        """Begin on a new connection, with the token again if the server has not answered it yet."""
        if self._stage == "asked":
            self._stage = "due"
        # A certificate would log in without the new password, and leave the old one.
        return super().start(encrypted=encrypted, exposed=exposed)

    def feed(self, message: Message) -> list[Step]:
        """Take a message of the server. The answer to the token is not for ``Login``."""
        if self._stage == "asked" and message.verb in ("NOTE", "FAIL") and message.params[:1] == [_VERB]:
            if message.verb == "FAIL":
                return self._end(message.params[-1])
            self._stage = "done"
            return self._guard.filter(super()._authenticate())
        if self._stage == "asked" and message.verb in ("400", "421", "461") and message.params[1:2] == [_VERB]:
            return self._end(message.params[-1])
        return super().feed(message)

    def _authenticate(self) -> list[Step]:
        if self._stage == "done":
            return super()._authenticate()
        if not self.caps.issuperset(_NEEDED):
            return self._end("This server does not take the token of the link")
        self._stage = "asked"
        return [Send(f"{_VERB} {self.account} {self._token} :{self.password}", secret=True)]

    def _end(self, text: str) -> list[Step]:
        # The server would wait for another try. The user begins anew: with another token, or another password.
        self._state = "over"
        return [Failed(text, final=True), Send("QUIT")]
