"""The AUTHENTICATE lines of a login: SASL EXTERNAL with the client's certificate, or PLAIN with a password.

Source: IRCv3 SASL 3.2; RFC 4616 (PLAIN); RFC 4422, appendix A (EXTERNAL).
"""

from __future__ import annotations

from chatroom.client.login_steps import Send, Step
from chatroom.irc.message import Message
from chatroom.irc.sasl import encode_response, format_plain


class SaslDialogue:
    """One connection's SASL exchanges, one after the other."""

    def __init__(self, *, shows_certificate: bool = False) -> None:
        """``shows_certificate``: the server has the client's certificate."""
        self.shows_certificate = shows_certificate
        self.certificate_refused = False
        """True once EXTERNAL has failed."""
        self.has_succeeded = False
        self.mechanism = ""
        """The mechanism of the exchange under way; empty if there is none."""
        self._offered: list[str] = []
        self._account = self._password = ""

    def read_offer(self, value: str) -> None:
        """Take the mechanisms that the server offers; empty if it does not say which."""
        self._offered = value.upper().split(",") if value else []

    @property
    def is_usable(self) -> bool:
        """True if the client can log in with a mechanism that the server offers."""
        return not self._offered or "PLAIN" in self._offered or self.takes_certificate

    @property
    def takes_certificate(self) -> bool:
        """True if the certificate can still log in."""
        return self.shows_certificate and not self.certificate_refused and "EXTERNAL" in self._offered

    def start(self, account: str, password: str) -> list[Step]:
        """Begin to log in: with the certificate if that was not tried yet, else with the password."""
        self._account = account
        self._password = password
        self.mechanism = "EXTERNAL" if self.takes_certificate else "PLAIN"
        return [Send(f"AUTHENTICATE {self.mechanism}", secret=self.mechanism == "PLAIN")]

    def respond(self, message: Message) -> list[Step]:
        """Answer the server's AUTHENTICATE."""
        if not self.mechanism or message.params != ["+"]:
            return []
        if self.mechanism == "EXTERNAL":
            # Without an account the server finds the one that the certificate belongs to.
            response = self._account.encode()
        else:
            response = format_plain(self._account, self._password)
        return [Send(f"AUTHENTICATE {piece}", secret=self.mechanism == "PLAIN") for piece in encode_response(response)]

    def end(self, *, succeeded: bool) -> None:
        """The server has accepted or refused the exchange."""
        self.has_succeeded = succeeded
        self.certificate_refused = self.certificate_refused or (self.mechanism == "EXTERNAL" and not succeeded)
        self.mechanism = ""
