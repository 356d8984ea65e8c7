"""Turns the errors of psycopg into those of ``chatroom.errors``."""

from __future__ import annotations

import psycopg
from psycopg import errors

from chatroom.database_address import ServerAddress
from chatroom.errors import DatabaseBusy, DatabaseDamaged, DatabaseMissing, DiskFull, InvalidValue, StorageError

ERRORS = (psycopg.Error, UnicodeEncodeError, OverflowError)
"""The errors of a statement. The last two are for parameters: half a surrogate pair, and more than 64 bits."""

_LOCKED = "another connection keeps the database locked"
_NOT_UNICODE = "this text is not valid Unicode"
_KINDS: dict[type[psycopg.Error], tuple[type[StorageError], str]] = {
    errors.LockNotAvailable: (DatabaseBusy, _LOCKED),
    errors.SerializationFailure: (DatabaseBusy, _LOCKED),
    errors.DeadlockDetected: (DatabaseBusy, _LOCKED),
    errors.DiskFull: (DiskFull, "there is no room left on the disk of the server"),
    errors.InsufficientPrivilege: (StorageError, "this user may not do that: make it the owner of the database"),
    errors.ReadOnlySqlTransaction: (StorageError, "the server only lets read: it is a standby, or set so"),
    errors.QueryCanceled: (StorageError, "the server has ended a query of ours"),
    errors.OutOfMemory: (StorageError, "the server has no memory left"),
}
"""What our errors say instead of the server."""
_DAMAGED = (errors.DataCorrupted, errors.IndexCorrupted, errors.UndefinedTable, errors.UndefinedFunction)
_VALUES: dict[type[psycopg.Error], str] = {
    errors.NumericValueOutOfRange: "this number is too large",
    errors.CharacterNotInRepertoire: _NOT_UNICODE,
    errors.UntranslatableCharacter: _NOT_UNICODE,
    errors.ProgramLimitExceeded: "this text is too long",
}
"""What is wrong with a value that somebody gave."""


def is_of_the_session(error: Exception) -> bool:
    """True if a new connection may not have this error: what a session may do is settled when it begins.

    Such as that of a server that only lets read for a while; or another one may have taken its place.
    """
    return isinstance(error, errors.ReadOnlySqlTransaction)


def from_postgresql(address: ServerAddress, error: Exception) -> Exception:
    """The exception to raise for one of ``ERRORS``: ``error`` itself if the fault is in our SQL."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValue(_NOT_UNICODE)
    if isinstance(error, OverflowError):
        return InvalidValue("this number is too large")
    for kind in type(error).__mro__:
        if kind in _KINDS:
            made, words = _KINDS[kind]
            return made(f"{address}: {words}")
        if kind in _VALUES:
            return InvalidValue(_VALUES[kind])
    if isinstance(error, _DAMAGED):
        return DatabaseDamaged(f"{address}: the database is damaged ({_first_line(error)})")
    # psycopg itself refuses a NUL, which PostgreSQL's texts cannot hold. The server is not asked, so there is no code.
    if isinstance(error, psycopg.DataError) and error.sqlstate is None:
        return InvalidValue("this text has a character that the database cannot hold (NUL)")
    if isinstance(error, psycopg.OperationalError):
        return StorageError(f"{address}: {_first_line(error)}")
    return error


def from_connecting(address: ServerAddress, error: psycopg.Error) -> StorageError:
    """The error to raise if a connection could not be made. The library gives no code for that, only words."""
    words = " ".join(str(error).split()).partition(" Is the server running")[0]
    for start in ("connection failed: ", "connection is bad: "):
        words = words.removeprefix(start)
    if "does not exist" in words and "database" in words:
        return DatabaseMissing(f"{address}: there is no such database: createdb makes one ({words})")
    if "password" in words:
        return StorageError(f"{address}: {words}; PGPASSWORD, PGPASSFILE or database.password_file gives the password")
    return StorageError(f"{address}: {words}")


def lost(address: ServerAddress) -> StorageError:
    """The error of a statement after the connection was lost, within the same transaction."""
    return StorageError(f"{address}: the connection to the server was lost")


def _first_line(error: Exception) -> str:
    """What the server or its library says, without the lines of hints that follow."""
    return str(error).strip().partition("\n")[0]
