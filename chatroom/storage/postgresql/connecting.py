"""Makes connections: who logs in, how long that may take, and which values go over them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.adapt import Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper

from chatroom.database_address import ServerAddress
from chatroom.errors import StorageError
from chatroom.plain_file import read_plain_text
from chatroom.storage import file_errors
from chatroom.storage.postgresql import postgresql_errors
from chatroom.storage.sql.contract import Row

if TYPE_CHECKING:
    from psycopg.abc import PQGen

MINIMUM_SERVER = 13
"""The oldest major version that its makers still care for."""
PATIENCE_S = 4.0
"""How long those who keep others waiting wait for an answer."""
_LOOK_EVERY_S = 0.1
"""How often a wait is interrupted to see whether a signal has come."""
_Answer = TypeVar("_Answer")
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 5,
    "application_name": "chatroom",
    # A server whose machine is gone is found out in 15 seconds, and not in two hours.
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": 15_000,
}
"""What the URL does not say. The timeouts are in seconds, the last one in milliseconds."""


_SERVER_SIDE = b"SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"
"""The same for the server: it must not keep the locks of a machine that is gone."""


class _NumberDumper(Dumper):
    """Sends a truth value as the number that its column has."""

    oid = psycopg.adapters.types["int8"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class NoAnswer(psycopg.OperationalError):
    """The server has not answered in time. The connection is closed."""


class ImpatientConnection(psycopg.Connection[Row]):
    """A connection that is closed if the server does not answer for ``patience_s``, also if its machine is there."""

    patience_s = PATIENCE_S

    def wait(self, gen: PQGen[_Answer], interval: float = _LOOK_EVERY_S, timeout: float | None = None) -> _Answer:
        """Wait for an answer, as all methods do. Raises ``NoAnswer``, or another ``OperationalError``."""
        give_up_at = time.monotonic() + self.patience_s
        try:
            return super().wait(gen, interval, self.patience_s if timeout is None else timeout)
        except psycopg.OperationalError as error:
            if timeout is None and time.monotonic() >= give_up_at:
                self.pgconn.finish()
                raise NoAnswer("the server does not answer") from error
            raise


def connect(address: ServerAddress, *, patience_s: float | None = None) -> psycopg.Connection[Row]:
    """Connect to the server. Raises ``StorageError`` with one line that names the address, but no password.

    ``patience_s``: how long the connection waits for an answer before it is closed; None for as long as it takes.
    """
    kind = psycopg.Connection if patience_s is None else ImpatientConnection
    try:
        options: dict[str, Any] = {**_DEFAULTS, **conninfo_to_dict(address.url)}
    except (psycopg.Error, UnicodeError):  # an escape such as %ff is no UTF-8
        raise StorageError(f"{address}: not a URL that PostgreSQL understands") from None
    password = _read_password(address.password_file) if address.password_file is not None else address.password
    if password is not None:
        options["password"] = password
    try:
        connection: psycopg.Connection[Row] = kind.connect(
            "", autocommit=True, cursor_factory=psycopg.RawCursor, client_encoding="utf-8", **options
        )
    except psycopg.Error as error:
        raise postgresql_errors.from_connecting(address, error) from error
    except UnicodeError as error:  # psycopg looks up the host itself, in Python
        raise StorageError(f"{address}: the server has no valid host name") from error
    if isinstance(connection, ImpatientConnection) and patience_s is not None:
        connection.patience_s = patience_s
    connection.adapters.register_dumper(bool, _NumberDumper)
    # Always eight bytes: otherwise each size of a number would be another statement to prepare.
    connection.adapters.register_dumper(int, Int8Dumper)
    try:
        connection.execute(_SERVER_SIDE)
        _require_usable(address, connection)
    except psycopg.Error as error:
        connection.close()
        raise postgresql_errors.from_connecting(address, error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _read_password(path: Path) -> str:
    try:
        return read_plain_text(path, "utf-8-sig").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise file_errors.from_os(path, "read the password of the database", error) from error
    except UnicodeDecodeError:
        raise StorageError(f"{path}: the password of the database is not UTF-8") from None


def _require_usable(address: ServerAddress, connection: psycopg.Connection) -> None:
    if connection.info.server_version < MINIMUM_SERVER * 10_000:
        raise StorageError(f"{address}: PostgreSQL {MINIMUM_SERVER} or newer is needed")
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StorageError(
            f"{address}: the database has the encoding {encoding}: make one with createdb -E UTF8 -T template0"
        )
