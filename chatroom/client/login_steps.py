"""What the registration asks of the session: lines to send, questions for the user, the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

QuestionKind = Literal["nick", "password", "server-password", "plaintext", "certificate"]
"""The last two are to be answered with yes or no: send a password without encryption, trust a certificate."""

PROMPTS: dict[QuestionKind, str] = {
    "plaintext": "Send it anyway? [y/N]: ",
    "certificate": "Trust this certificate from now on? [y/N]: ",
}
"""What the user is asked to answer with yes or no."""


@dataclass(frozen=True, slots=True)
class Send:
    """A line to send to the server."""

    line: str
    secret: bool = field(default=False, compare=False)
    """True if nobody but the server may read it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for the user. A later question replaces an earlier one.

    ``Login`` takes the answers, except that of ``certificate``, which the session asks itself.
    """

    kind: QuestionKind
    name: str
    """The nick, account or fingerprint that the question is about; empty if there is none."""
    why: str
    """What has happened, as a sentence for the user; empty if there is nothing to say."""
    in_use: bool = False
    """True if another connection has the nick now, and it is not reserved."""

    @property
    def is_secret(self) -> bool:
        """True if the answer is not to be shown."""
        return self.kind in ("password", "server-password")

    @property
    def is_yes_or_no(self) -> bool:
        """True if the answer is yes or no."""
        return self.kind in PROMPTS


@dataclass(frozen=True, slots=True)
class Welcomed:
    """Registration is complete; ``nick`` is the user's nick."""

    nick: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The server has refused the connection."""

    text: str
    """Why, as a sentence for the user."""
    final: bool
    """True if the client must not try again unasked."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Something has not worked that the user counts on; the login goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Secure:
    """The server demands TLS (STS): hang up at once, and connect to this port with TLS."""

    port: int


@dataclass(frozen=True, slots=True)
class KeepPolicy:
    """The server asks to be reached with TLS only, for ``duration_s`` from now; 0 ends that."""

    duration_s: int


Step = Send | Ask | Welcomed | Failed | Tell | Secure | KeepPolicy
