"""The way to the server: which address, with TLS or without, and which certificate is trusted.

A ``ChatSession`` asks it before each connection and tells it what the server offers. Rules only: the file is behind
``KnownServers``, the connection behind ``link``.

- A host with an STS policy is reached with TLS, at the port that the policy came from.
- A certificate that the user has accepted is the only one that is accepted there from then on.
- If STS demands TLS, a certificate that is not trusted is no question to the user: an attacker who speaks for the
  server on a plain connection must not get to ask it (IRCv3 "sts", "No immediate user recourse").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from chatroom.client.address import Address
from chatroom.client.chat_events import Event, Trouble
from chatroom.client.known_servers import KnownServers
from chatroom.client.login_steps import Ask
from chatroom.client.sts import make_policy
from chatroom.client.trust import SYSTEM_TRUST, Trust, Untrusted
from chatroom.errors import KnownServersUnusable

WAYS_OUT = "Give it with --fingerprint, or the certificate of its authority with --ca."


class Route:
    """The way to the server at ``address``. ``now`` returns the time, aware.

    ``trust`` is what the command line says. A fingerprint or authorities in it leave nothing to ask the user.
    """

    def __init__(
        self, address: Address, known: KnownServers, now: Callable[[], datetime], trust: Trust = SYSTEM_TRUST
    ) -> None:
        self.address = address
        """Where the next connection goes."""
        self.trust = trust
        """What the next connection trusts. Valid after ``prepare``."""
        self._given = trust
        self._accepted = ""  # the fingerprint that the user has accepted in this run
        self._known = known
        self._now = now
        self._has_told = False  # that the file cannot be changed
        self._demanded = False  # STS demands TLS
        self._duration_s: int | None = None  # of the policy that the server has told on this connection

    @property
    def shows_certificate(self) -> bool:
        """True if the next connection shows a certificate of the client."""
        return self.address.tls and self._given.certificate != ""

    def prepare(self) -> None:
        """Look at what is known of the host, before each connection. Raises ``KnownServersUnusable``."""
        self._duration_s = None
        policy = self._known.find_policy(self.address.host, self._now())
        if policy is not None:
            self._demanded = True
            if not self.address.tls:
                self.address = Address(self.address.host, policy.port, tls=True)
        if self._is_open_to_users():
            remembered = self._accepted or self._known.find_certificate(self.address)
            self.trust = replace(self._given, fingerprint=remembered or "")

    def upgrade(self, port: int) -> None:
        """Use TLS from the next connection on, at this port, because the server demands it (STS)."""
        self.address = Address(self.address.host, port, tls=True)
        self._demanded = True

    def keep_policy(self, duration_s: int) -> list[Event]:
        """Remember for how long the host may only be reached with TLS; 0 forgets it."""
        self._duration_s = duration_s
        policy = make_policy(self.address.port, duration_s, self._now()) if duration_s else None
        return self._remember(lambda: self._known.set_policy(self.address.host, policy))

    def lost(self) -> list[Event]:
        """The connection has ended: a policy counts from now on ("Rescheduling expiry on disconnect")."""
        duration_s, self._duration_s = self._duration_s, None
        return self.keep_policy(duration_s) if duration_s else []

    def judge(self, untrusted: Untrusted) -> Ask | str:
        """Return what to do about a certificate that was not trusted: ask the user, or end with this sentence."""
        found = untrusted.fingerprint
        if self._given.fingerprint:
            return f"The certificate of {self.address} is not the one of --fingerprint. Its fingerprint is {found}."
        if self.trust.fingerprint:
            return (
                f"THE CERTIFICATE OF {self.address} HAS CHANGED since you trusted it: this may be another server that "
                f"wants to read along. Ask its operator for the fingerprint. If that is {found}, "
                f"`chatroom --forget {self.address.host}` removes the old one from {self._known.path}."
            )
        why = f"{self.address} is not trusted: {untrusted.reason}."
        if self._given.authorities or not found:
            return why
        why += f" Its SHA-256 fingerprint is {found}; the operator sees the true one with `chatroomctl tls show`."
        return f"{why} {WAYS_OUT}" if self._demanded else Ask("certificate", found, why)

    def accept(self, fingerprint: str) -> list[Event]:
        """Trust this certificate from now on."""
        self._accepted = fingerprint
        return self._remember(lambda: self._known.add_certificate(self.address, fingerprint))

    def _remember(self, change: Callable[[], None]) -> list[Event]:
        """Change the file, and tell the user the first time that this fails. The chat goes on without it."""
        try:
            change()
        except KnownServersUnusable as error:
            told, self._has_told = self._has_told, True
            return [] if told else [Trouble(str(error))]
        return []

    def _is_open_to_users(self) -> bool:
        """True if the user may accept certificates, because the command line names none and no authority."""
        return self.address.tls and not self._given.fingerprint and not self._given.authorities
