"""The lines of an archive: each record as one JSON object, whose keys are the fields of the record.

A time (``_at``, ``at``) is ISO 8601 in UTC, bytes are base64, a role is its word. A key that is missing has the default
of its field, so that an archive of an older chatroom can be read; one that is not known is an error, because something
would be lost.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import types
import typing
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, Union

from chatroom.chat.stored.archive_records import SECTIONS, ArchivedMessage, ArchiveRecord, Section
from chatroom.chat.stored.records import AuditEntry, Role
from chatroom.ctl.output import to_json
from chatroom.errors import InvalidValue

Record = TypeVar("Record")
_Reader = Callable[[Any], Any]
_LARGEST = 2**63 - 1
# What never becomes a part of a line of IRC, or is cut into lines first, may have line ends.
_WITH_LINE_ENDS = {ArchivedMessage: {"text"}, AuditEntry: {"target", "detail"}}


def format_record(record: ArchiveRecord) -> str:
    """Return the record as one line of JSON."""
    return to_json(record)


def reader_of(section: Section) -> Callable[[bytes], ArchiveRecord]:
    """Return what makes a record of a section from a line. It raises ``InvalidValue`` for a line that is wrong."""
    read = _reader(SECTIONS[section])

    def read_line(line: bytes) -> ArchiveRecord:
        try:
            document = json.loads(line)
        except (ValueError, RecursionError):  # deep nesting such as "[[[[..." ends in a RecursionError
            raise InvalidValue("not valid JSON") from None
        record: ArchiveRecord = read(document)
        return record

    return read_line


def _reader(kind: Any) -> _Reader:
    """Return what reads a value of a type: those of the fields of records, and no others."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return _optional(_reader(next(one for one in arguments if one is not types.NoneType)))
    if origin is Literal:
        return _choice(arguments)
    if origin is tuple:
        return _sequence(_reader(arguments[0]))
    if origin is dict:
        return _mapping(_reader(arguments[1]), has_numbers=arguments[0] is int)
    if kind in _PLAIN:
        return _PLAIN[kind]
    return _record(kind)


def _record(kind: type[Any]) -> _Reader:
    hints, defaults = typing.get_type_hints(kind), _fields_with_defaults(kind)
    loose = _WITH_LINE_ENDS.get(kind, set())
    fields = {name: _text if name in loose else _reader(hints[name]) for name in defaults}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise InvalidValue("not a JSON object")
        if not fields.keys() >= value.keys():
            raise InvalidValue(f"the key {sorted(value.keys() - fields.keys())[0]!r} is not known")
        found = []
        for name, read_field in fields.items():
            if name in value:
                try:
                    found.append(read_field(value[name]))
                except InvalidValue as error:
                    raise InvalidValue(f"{name}: {error}") from None
            elif defaults[name] is dataclasses.MISSING:
                raise InvalidValue(f"{name} is missing")
            else:
                found.append(defaults[name])
        return kind(*found)

    return read


def _fields_with_defaults(kind: type[Any]) -> dict[str, Any]:
    """The names of a record's fields, in order, and their defaults; ``MISSING`` if there is none."""
    if not dataclasses.is_dataclass(kind):
        defaults = kind._field_defaults
        return {name: defaults.get(name, dataclasses.MISSING) for name in kind._fields}
    return {
        one.name: one.default_factory() if one.default_factory is not dataclasses.MISSING else one.default
        for one in dataclasses.fields(kind)
    }


def _optional(read: _Reader) -> _Reader:
    return lambda value: None if value is None else read(value)


def _choice(words: tuple[Any, ...]) -> _Reader:
    def read(value: Any) -> Any:
        if value not in words:
            raise InvalidValue(f"must be one of {', '.join(words)}")
        return value

    return read


def _sequence(read_item: _Reader) -> _Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidValue("must be a list")
        return tuple(map(read_item, value))

    return read


def _mapping(read_item: _Reader, *, has_numbers: bool) -> _Reader:
    def read(value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise InvalidValue("must be an object")
        if has_numbers and not all(key.isascii() and key.isdecimal() for key in value):
            raise InvalidValue("its keys must be numbers")
        return {int(key) if has_numbers else _line(key): read_item(item) for key, item in value.items()}

    return read


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise InvalidValue("must be text")
    # JSON can escape half of a surrogate pair, which no database can store.
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("not valid Unicode") from None
    return value


def _line(value: Any) -> str:
    text = _text(value)
    if "\n" in text or "\r" in text:
        raise InvalidValue("must be one line")
    return text


def _number(value: Any) -> int:
    # True is an int too.
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise InvalidValue("must be a whole number")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue("must be true or false")
    return value


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (AttributeError, UnicodeEncodeError, binascii.Error):
        raise InvalidValue("must be base64") from None


def _moment(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None and at.astimezone(UTC).year >= 1970:
            return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        pass
    raise InvalidValue("must be a time with a zone, such as 2030-01-31T12:00:00.000Z")


def _role(value: Any) -> Role:
    try:
        return Role.from_word(_line(value))
    except KeyError:
        raise InvalidValue("must be user, moderator or admin") from None


_PLAIN: dict[Any, _Reader] = {
    str: _line,
    int: _number,
    bool: _truth,
    bytes: _bytes,
    datetime: _moment,
    Role: _role,
}
