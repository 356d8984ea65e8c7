"""Reads the database of Ergo (``ircd.db``): accounts, channels and bans.

Ergo has no export. Its database is the log of a BuntDB: commands as Redis writes them, each ``set KEY VALUE``, with the
seconds that it lives if that is limited, ``del KEY`` or ``flushdb``. What is cut off at the end was not committed.

A password is bcrypt of the SHA3-512 of what was typed, raw and not in hexadecimal. Ergo's SCRAM verifiers are those of
RFC 5802, so they can be used as they are.

Source: ``irc/accounts.go``, ``irc/channelreg.go``, ``irc/dline.go``, ``irc/database.go`` and ``irc/passwd/bcrypt.go``
of Ergo, ``buntdb.go`` of BuntDB.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from chatroom.chat.admission.ban_targets import format_network, parse_network
from chatroom.chat.admission.passwords import SHA3
from chatroom.chat.admission.scram import KIND, MECHANISM, read_verifier
from chatroom.chat.people.ban_masks import normalise_ban
from chatroom.chat.people.channel import FLAG_MODES
from chatroom.chat.stored.records import AccessLevel, Credential, ListEntry, ListMode, NewBan
from chatroom.ctl.moving.arrivals import Arrivals, ArrivingAccount, ArrivingChannel
from chatroom.errors import InvalidTarget, InvalidValue
from chatroom.irc.names import is_nick

_OLDEST = 18
"""The version of Ergo's schema from which on suspended accounts and times are as here."""
_MOST_PART = 64 * 1024 * 1024
_SHA3_BCRYPT = 1
"""``CredentialsSHA3Bcrypt``, the only kind of password that Ergo itself makes."""
_LISTS: dict[ListMode, tuple[str, str]] = {
    "b": ("Bans", "banlist"),
    "e": ("Excepts", "exceptlist"),
    "I": ("Invites", "invitelist"),
}
"""Our lists, by their names in a channel's document and in the older keys."""


def read_ergo(file: IO[bytes], now: datetime) -> Arrivals:
    """Return what the database has. Raises ``InvalidValue`` if it is none of Ergo's, or too old."""
    try:
        return _read(_load(file), now)
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise InvalidValue(f"has values that Ergo does not write ({error})") from None


def _read(keys: dict[str, str], now: datetime) -> Arrivals:
    version = _number(keys.get("db.version"))
    if version is None:
        raise InvalidValue("not a database of Ergo: it has no version")
    if version < _OLDEST:
        raise InvalidValue(f'of an old Ergo (schema {version}): run "ergo upgradedb" with a newer Ergo first')
    found = Arrivals()
    names = {name: keys.get(f"account.name {name}", name) for name in _names(keys, "account.exists ")}
    for folded, name in names.items():
        _add_account(found, keys, folded, name)
    for document in _channel_documents(keys):
        _add_channel(found, document, names)
    for target in _names(keys, "bans.dlinev2 "):
        _add_network_ban(found, target, _document(keys[f"bans.dlinev2 {target}"]), now)
    for mask in _names(keys, "bans.klinev2 "):
        _add_mask_ban(found, mask, _document(keys[f"bans.klinev2 {mask}"]), now)
    return found


def _load(file: IO[bytes]) -> dict[str, str]:
    """Replay the log."""
    keys: dict[str, str] = {}
    for parts in _commands(file):
        verb = parts[0].lower()
        if verb == "set" and len(parts) in (3, 5):
            keys[parts[1]] = parts[2]
        elif verb == "del" and len(parts) == 2:
            keys.pop(parts[1], None)
        elif verb == "flushdb":
            keys.clear()
        else:
            raise InvalidValue("not a database of Ergo")
    return keys


def _commands(file: IO[bytes]) -> Iterator[list[str]]:
    while line := file.readline(64).lstrip(b"\0"):
        parts = []
        for _ in range(_length(line, b"*", 9)):
            head = file.readline(64)
            if not head.endswith(b"\n"):
                return  # the end was cut off
            length = _length(head, b"$", _MOST_PART)
            part = file.read(length + 2)
            if len(part) < length + 2:
                return
            parts.append(part[:-2].decode(errors="replace"))
        if parts:
            yield parts


def _length(line: bytes, sign: bytes, most: int) -> int:
    digits = line[1:].rstrip(b"\r\n")
    if line[:1] != sign or not digits.isdigit() or int(digits) > most:
        raise InvalidValue("not a database of Ergo")
    return int(digits)


def _names(keys: dict[str, str], prefix: str) -> list[str]:
    return sorted(key.removeprefix(prefix) for key in keys if key.startswith(prefix))


def _document(text: str | None) -> dict[str, Any]:
    try:
        document = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _number(text: object) -> int | None:
    try:
        return int(str(text))
    except ValueError:
        return None


def _add_account(found: Arrivals, keys: dict[str, str], folded: str, name: str) -> None:
    if f"account.verified {folded}" not in keys:
        found.leave_out("accounts that were never verified")
        return
    given = _document(keys.get(f"account.credentials {folded}"))
    credentials = []
    if given.get("PassphraseHash"):
        if given.get("Version") == _SHA3_BCRYPT:
            bcrypt = base64.b64decode(given["PassphraseHash"]).decode("ascii", "replace")
            credentials.append(Credential("bcrypt", SHA3 + bcrypt))
            credentials += _scram(given)
        else:
            found.leave_out("passwords that came to Ergo from other services: give these accounts new ones")
    settings = _document(keys.get(f"account.settings {folded}"))
    email = settings.get("Email") or keys.get(f"account.callback {folded}", "").partition("mailto:")[2]
    if keys.get(f"account.additionalnicks {folded}"):
        found.leave_out("further nicks of accounts: an account has one name here")
    if _document(keys.get(f"account.vhost {folded}")).get("ApprovedVHost"):
        found.leave_out("vhosts: hosts are hidden by one key here")
    found.accounts.append(
        ArrivingAccount(
            name,
            email=email or None,
            credentials=tuple(credentials),
            fingerprints=tuple(one for one in given.get("Certfps") or () if isinstance(one, str)),
            disabled=f"account.suspended {folded}" in keys,
            created_at=_nanoseconds(keys.get(f"account.registered.time {folded}")),
        )
    )


def _scram(given: dict[str, Any]) -> list[Credential]:
    if not given.get("Iters"):
        return []
    value = f"{MECHANISM}${given['Iters']}:{given.get('Salt')}${given.get('StoredKey')}:{given.get('ServerKey')}"
    return [Credential(KIND, value)] if read_verifier(value) is not None else []


def _channel_documents(keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    """The registered channels: documents since schema 23, and keys of their own before."""
    for key in sorted(keys):
        if key.startswith("1 "):  # the number of the table of channels
            yield _document(keys[key])
    for folded in _names(keys, "channel.exists "):

        def get(name: str, folded: str = folded) -> str:
            return keys.get(f"channel.{name} {folded}", "")

        yield {
            "Name": get("name") or folded,
            "Founder": get("founder"),
            "RegisteredAt": get("registered.time"),
            "Topic": get("topic"),
            "TopicSetBy": get("topic.setby"),
            "TopicSetTime": get("topic.settime"),
            "Modes": get("modes"),
            "Key": get("key"),
            "UserLimit": _number(get("userlimit")),
            "AccountToUMode": _document(get("accounttoumode")),
            **{name: _document(get(old)) for name, old in _LISTS.values()},
        }


def _add_channel(found: Arrivals, document: dict[str, Any], names: dict[str, str]) -> None:
    flags, access = set(), dict[str, AccessLevel]()
    for letter in map(_letter, document.get("Modes") or ()):
        if letter in FLAG_MODES:
            flags.add(letter)
        elif letter not in "klf":  # they have fields of their own
            found.leave_out(f"channel mode {letter}")
    founder = names.get(document.get("Founder") or "")
    for folded, given in (document.get("AccountToUMode") or {}).items():
        letter = _letter(given)
        if letter == "h":
            found.leave_out("the standing of half-operators: they get voice")
        if folded in names:
            access[names[folded]] = "o" if letter in "qao" else "v"
    if founder is not None:
        access[founder] = "founder"
    found.channels.append(
        ArrivingChannel(
            str(document.get("Name") or ""),
            founder=founder,
            created_at=_moment(document.get("RegisteredAt")),
            flags="".join(sorted(flags)),
            key=document.get("Key") or None,
            limit=document.get("UserLimit") or None,
            forward=document.get("Forward") or None,
            topic=document.get("Topic") or "",
            topic_by=document.get("TopicSetBy") or "",
            topic_at=_moment(document.get("TopicSetTime")) if document.get("Topic") else None,
            lists=tuple(_list_entries(found, document)),
            access=access,
        )
    )


def _list_entries(found: Arrivals, document: dict[str, Any]) -> Iterator[ListEntry]:
    for mode, (name, _) in _LISTS.items():
        for given, info in (document.get(name) or {}).items():
            mask = normalise_ban(f"~{given}" if given.startswith("m:") else given)
            if mask is None:
                found.leave_out("masks of a kind that there is not here")
                continue
            at = _moment(info.get("TimeCreated")) or datetime.now(UTC)
            yield ListEntry(mode, mask, info.get("CreatorNickmask") or info.get("CreatorAccount") or "ergo", at)


def _letter(mode: object) -> str:
    """The letter of a mode, which Ergo writes as its number in JSON."""
    return chr(mode) if isinstance(mode, int) and 32 < mode < 127 else str(mode)


def _add_network_ban(found: Arrivals, target: str, info: dict[str, Any], now: datetime) -> None:
    if info.get("RequireSASL"):
        found.leave_out("bans that let in whoever logs in")
        return
    try:
        network = format_network(parse_network(target).network)
    except InvalidTarget:
        found.leave_out("bans of what is no network")
        return
    _add_ban(found, lambda *facts: NewBan("ip", network, *facts), info, now)


def _add_mask_ban(found: Arrivals, mask: str, info: dict[str, Any], now: datetime) -> None:
    nick = mask.removesuffix("!*@*")
    if nick == mask or not is_nick(nick):
        found.leave_out("bans of masks: a name, an address or a network can be banned here")
        return
    _add_ban(found, lambda *facts: NewBan("name", nick, *facts), info, now)


def _add_ban(found: Arrivals, make: Callable[..., NewBan], info: dict[str, Any], now: datetime) -> None:
    created_at = _moment(info.get("TimeCreated"))
    lasts = timedelta(microseconds=(_number(info.get("Duration")) or 0) // 1000)
    until_at = (created_at or now) + lasts if lasts else None
    if until_at is None or until_at > now:
        found.bans.append(make(str(info.get("reason") or ""), until_at, created_at))


def _nanoseconds(text: str | None) -> datetime | None:
    number = _number(text)
    if not number or number < 0:
        return None
    # Databases that "ergo importdb" has made have seconds.
    return datetime.fromtimestamp(number // 1_000_000_000 if number > 10**15 else number, UTC)


def _moment(value: object) -> datetime | None:
    """A time as Go writes it in JSON, or as nanoseconds; None if there is none."""
    if not isinstance(value, str) or value.isdigit():
        return _nanoseconds(str(value)) if value else None
    try:
        # Go writes up to nine digits of the second, and Python reads six.
        head, _, rest = value.partition(".")
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        at = datetime.fromisoformat(f"{head}.{digits[:6]:0<6}{rest[len(digits) :]}" if digits else value)
    except ValueError:
        return None
    if at.tzinfo is None or at.year < 1970:
        return None
    return at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)  # what a database has
