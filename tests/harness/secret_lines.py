"""Lines that hold a password, in all the ways in which people and clients send one: rightly, wrongly and by mistake."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TOKEN = "kx7qw9zp4v3h"
"""A part of every secret. Nothing else has it in any case; what is encoded has it in three forms.

It is so long that no random hash has one of these forms by chance.
"""
ACCOUNT = "una"
"""The account whose password some of the lines guess."""


@dataclass(frozen=True)
class SecretLines:
    """Lines of one connection. ``{s}`` stands for the secret, and ``{plain}`` and the like for it in base64."""

    lines: tuple[str, ...]
    registered: bool = False
    """True if the connection has completed registration before, as a guest or by ``account``."""
    account: str = ""
    caps: str = ""
    trusted: bool = False
    """True if it comes from the address of the trusted gateway."""


def fill(lines: tuple[str, ...], secret: str) -> list[str]:
    """Put the secret into lines."""
    forms = {
        "s": secret,
        "plain": _encode(f"\0{ACCOUNT}\0{secret}"),
        "swapped": _encode(f"\0{secret}\0{ACCOUNT}"),
        "acting": _encode(f"{secret}\0{ACCOUNT}\0{secret}"),
        "broken": _encode(f"{ACCOUNT}\0{secret}"),
        "alone": _encode(secret),
        "scram": _encode(f"n,,n={secret},r=abcdef"),
        "scram_una": _encode(f"n,,n={ACCOUNT},r=abcdef"),
    }
    return [line.format_map(forms) for line in lines]


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _encoded(text: str) -> Iterator[str]:
    """The token in base64, whatever stands before it: the middle of each form, which is the same behind anything."""
    for start in range(3):
        whole = base64.b64encode(b"\0" * start + text.encode() + b"\0\0").decode()
        yield whole[4 if start else 0 : 4 * ((start + len(text)) // 3)]


def find_leaks(texts: Iterable[str]) -> list[str]:
    """Return what stands around the token, as it is or in base64, in each text that has it."""
    marks = [TOKEN, *(mark.lower() for mark in _encoded(TOKEN))]
    found = []
    for text in texts:
        at = max(text.lower().find(mark) for mark in marks)
        if at >= 0:
            found.append(text[max(0, at - 60) : at + 60])
    return found


_REGISTERS = ("NICK newcomer", "USER u 0 * :U")
_SASL = ("CAP LS 302", "CAP REQ :sasl")

BEFORE = [
    SecretLines(("PASS :{s}", *_REGISTERS)),
    SecretLines(("PASS :{s}", f"NICK {ACCOUNT}", "USER u 0 * :U")),
    SecretLines((f"PASS :{ACCOUNT}:{{s}}", *_REGISTERS)),
    SecretLines((f"PASS :{{s}}:{ACCOUNT}", *_REGISTERS)),
    SecretLines(("PASS", "PASS {s} {s}", "PASS :{s}", "PASS :{s}", "PASS :{s}", "PASS :{s}", *_REGISTERS)),
    SecretLines(("WEBIRC {s} gateway host 192.0.2.44", *_REGISTERS)),
    SecretLines(("WEBIRC {s} gateway host 192.0.2.44", *_REGISTERS), trusted=True),
    SecretLines(("WEBIRC {s}", "WEBIRC {s} gateway host nonsense", *_REGISTERS), trusted=True),
    SecretLines((*_SASL, "AUTHENTICATE PLAIN", "AUTHENTICATE {plain}", *_REGISTERS, "CAP END")),
    SecretLines((*_SASL, "AUTHENTICATE PLAIN", "AUTHENTICATE {swapped}", *_REGISTERS, "CAP END")),
    SecretLines((*_SASL, "AUTHENTICATE PLAIN", "AUTHENTICATE {acting}", *_REGISTERS, "CAP END")),
    SecretLines((*_SASL, "AUTHENTICATE PLAIN", "AUTHENTICATE {broken}", "AUTHENTICATE {plain}")),
    SecretLines((*_SASL, "AUTHENTICATE PLAIN", "AUTHENTICATE :{s}", "AUTHENTICATE {s}", "AUTHENTICATE {alone}")),
    SecretLines((*_SASL, "AUTHENTICATE {plain}", "AUTHENTICATE {s}", "AUTHENTICATE EXTERNAL", "AUTHENTICATE {alone}")),
    SecretLines((*_SASL, "AUTHENTICATE SCRAM-SHA-256", "AUTHENTICATE {scram}", "AUTHENTICATE {alone}")),
    SecretLines((*_SASL, "AUTHENTICATE SCRAM-SHA-256", "AUTHENTICATE {scram_una}", "AUTHENTICATE {alone}")),
    SecretLines(("AUTHENTICATE {plain}", "AUTHENTICATE PLAIN", "AUTHENTICATE {plain}")),
    SecretLines(("REGISTER * * :{s}", f"REGISTER {ACCOUNT} * :{{s}}", "REGISTER {s} * {s}", "REGISTER {s}")),
    SecretLines(("NICK fresh", "CAP LS 302", "REGISTER * * :{s}", "USER u 0 * :U", "CAP END")),
    SecretLines(("NICK fresher", "CAP LS 302", "REGISTER * {s} :good enough", "REGISTER fresher {s}@ :{s}")),
    SecretLines(("NICK fresh2", "CAP LS 302", "REGISTER * * :{s}", "VERIFY * {s}", "VERIFY fresh2 1-{s}")),
    SecretLines(("RESETPASS una {s} :{s}", "RESETPASS una 1-{s} :{s}", "RESETPASS {s} 1-x :{s}", "RESETPASS {s}")),
    SecretLines(("OPER ada :{s}", "NICKSERV IDENTIFY {s}", "PRIVMSG NickServ :IDENTIFY {s}", "CERT ADD {s}")),
    SecretLines(("POST / HTTP/1.1", "PASS {s}")),
]
"""Before registration is complete."""

_OPER = ("OPER ada :{s}", "OPER :{s}", "OPER {s} ada", "OPER {s} {s}", "OPER nobody :{s}", "OPER ada {s} more words")
_NICKSERV = (
    *("REGISTER {s}", "REGISTER {s} {s}", "REGISTER a b {s}", "IDENTIFY {s}", "IDENTIFY una {s}", "IDENTIFY {s} una"),
    *("IDENTIFY una {s} x", "SET PASSWORD {s} {s}", "SET {s}", "SET ALWAYS-ON {s}", "{s}", "INFO {s}", "HELP {s}"),
    *("CERT ADD {s}", "CERT DEL {s}", "CERT LIST {s}", "CERT {s}", "SAREGISTER una {s}", "SAREGISTER other {s}"),
    *("SAREGISTER other2 {s} {s}", "IDENTFY {s}", "GHOST una {s}", "RECOVER una {s}", "SET PASSWORD {s}"),
    *("RESETPASS una {s} {s}", "RESETPASS una 1-{s} {s}", "RESETPASS {s} 1-x {s}", "RESETPASS {s}"),
    *("REGISTER {s} 1-{s}", "REGISTER a b@c 1-{s}"),
)

AFTER = [
    *(SecretLines(_OPER, registered=True, account=account) for account in ("", "mo")),
    *(
        SecretLines(tuple(start + line for line in _NICKSERV), registered=True, account=account, caps=caps)
        for start in ("NICKSERV ", "NS ", "NS :", "PRIVMSG NickServ :", "PRIVMSG nickserv :", "NOTICE NickServ :")
        for account, caps in (("", ""), ("una", "echo-message"), ("ada", "standard-replies"))
    ),
    SecretLines(("PRIVMSG NickServ :\x01IDENTIFY {s}\x01", "TAGMSG NickServ", "SQUERY NickServ :IDENTIFY {s}"), True),
    SecretLines(
        ("BATCH +1 draft/multiline NickServ", "@batch=1 PRIVMSG NickServ :IDENTIFY {s}", "BATCH -1"),
        registered=True,
        account="una",
        caps="draft/multiline batch echo-message message-tags",
    ),
    SecretLines(("PASS {s}", "PASS :una:{s}", "WEBIRC {s} a b c", "IDENTIFY {s}", "LOGIN {s}", "/identify {s}"), True),
    SecretLines(("REGISTER * * :{s}", "REGISTER {s} * {s}", "REGISTER other * :{s}", "VERIFY una {s}"), True),
    SecretLines(("REGISTER * * :{s}", "CERT ADD {s}", "CERT DEL {s}", "CERT {s}"), registered=True, account="una"),
    SecretLines(
        ("AUTHENTICATE PLAIN", "AUTHENTICATE {plain}", "AUTHENTICATE {plain}", "AUTHENTICATE {s}"), True, caps="sasl"
    ),
    SecretLines(("LOGINDELAY LIFT {s}", "LOGINDELAY LIFT una {s}", "LOGINDELAY LIST {s}"), True, account="mo"),
]
"""After registration. The connection that is logged in to ``una`` has another device beside it."""
