"""Reads lists of accounts: CSV with a header, or JSON Lines with the same keys.

The columns are ``name`` and, if there are any, ``role``, ``email``, ``created_at`` (ISO 8601), ``password``,
``password_hash`` (bcrypt of the password, as ``htpasswd -B`` and PHP make it) and ``disabled`` (yes or no).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from chatroom.chat.admission import passwords, scram
from chatroom.chat.stored.records import Credential, Role
from chatroom.ctl.moving.arrivals import Arrivals, ArrivingAccount
from chatroom.errors import InvalidValue, Refused

COLUMNS = ("name", "role", "email", "created_at", "password", "password_hash", "disabled")
_TRUE, _FALSE = ("yes", "true", "1"), ("no", "false", "0", "")


def read_accounts(lines: Iterable[str]) -> tuple[Arrivals, list[str]]:
    """Return the accounts of a list, and the errors in the other lines, as ``NUMBER: text``.

    Raises ``InvalidValue`` for a CSV file whose header is not understood.
    """
    found, errors, seen = Arrivals(), [], set[str]()
    for number, given in _rows(lines):
        try:
            account = _account(given if isinstance(given, dict) else {}, is_object=isinstance(given, dict))
            if account.name.casefold() in seen:
                raise InvalidValue(f"{account.name} is listed twice")
        except Refused as error:
            errors.append(f"{number}: {error}")
        else:
            seen.add(account.name.casefold())
            found.accounts.append(account)
    return found, errors


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, Any]]:
    """The numbers of lines, and what they say by column."""
    numbered = iter(enumerate(lines, 1))
    for number, line in numbered:
        first = line.lstrip("\ufeff")
        if first.strip().startswith("{"):
            yield number, _parse(first)
            yield from ((later, _parse(text)) for later, text in numbered if text.strip())
            return
        if first.strip():
            yield from _csv_rows(first, numbered, number)
            return


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _csv_rows(header: str, rest: Iterator[tuple[int, str]], number: int) -> Iterator[tuple[int, Any]]:
    separator = next((one for one in (",", ";", "\t") if one in header), ",")
    columns = [column.strip().strip('"').lower() for column in header.split(separator)]
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or "name" not in columns:
        wrong = f"there is no column {unknown[0]!r}" if unknown else "there must be a column name"
        raise InvalidValue(f"line {number}: {wrong}; the first line names the columns, out of {', '.join(COLUMNS)}")
    reader = csv.reader((line for _, line in rest), delimiter=separator)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number + reader.line_num, None
            continue
        if any(cell.strip() for cell in row):
            values = {column: cell.strip() for column, cell in zip(columns, row, strict=False)}
            yield number + reader.line_num, values if len(row) <= len(columns) else None


def _account(given: dict[str, Any], *, is_object: bool) -> ArrivingAccount:
    if not is_object:
        raise InvalidValue("not valid JSON, or more cells than the header has")
    unknown = sorted(given.keys() - set(COLUMNS))
    if unknown:
        raise InvalidValue(f"there is no key {unknown[0]!r}")
    name, role = _text(given, "name"), _text(given, "role") or "user"
    if not name:
        raise InvalidValue("name is missing")
    if role.upper() not in Role.__members__:
        raise InvalidValue("role must be user, moderator or admin")
    password, verifier = _text(given, "password"), _text(given, "password_hash")
    if password and verifier:
        raise InvalidValue("there must be a password or a password_hash, and not both")
    if password:
        passwords.normalise(password)  # raises InvalidValue
    return ArrivingAccount(
        name,
        Role.from_word(role),
        _text(given, "email") or None,
        (_credential(verifier),) if verifier else (),
        password or None,
        disabled=_truth(given, "disabled"),
        created_at=_moment(_text(given, "created_at")),
    )


def _credential(verifier: str) -> Credential:
    if scram.read_verifier(verifier) is not None:
        return Credential(scram.KIND, verifier)
    stored = verifier if verifier.startswith(passwords.SHA3) else passwords.PLAIN + verifier
    if not passwords.is_verifier(stored):
        raise InvalidValue("password_hash must be bcrypt ($2b$12$...) or SCRAM-SHA-256; other hashes cannot be used")
    return Credential("bcrypt", stored)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable():
        raise InvalidValue(f"{name} must be one line of text")
    return value


def _truth(given: dict[str, Any], name: str) -> bool:
    value = given.get(name) or False
    word = str(value).lower()
    if word not in (*_TRUE, *_FALSE):
        raise InvalidValue(f"{name} must be yes or no")
    return word in _TRUE


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.year < 1970:
        raise InvalidValue("created_at must be a date or a time, such as 2030-01-31")
    at = at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    if at > datetime.now(UTC):
        raise InvalidValue("created_at is in the future")
    return at
