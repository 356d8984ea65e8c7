"""One connection to Redis. It knows which run of Redis it is connected to, and never connects to another one unnoticed.

Nothing else in chatroom imports Redis's client.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import Any

from chatroom.config.redis_url import RedisAddress
from chatroom.errors import RedisUnreachable
from chatroom.plain_file import read_plain_text
from chatroom.server.cluster.scripts import Script

try:
    from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
    from redis.exceptions import (
        AuthenticationError,
        AuthenticationWrongNumberOfArgsError,
        BusyLoadingError,
        ConnectionError,
        NoPermissionError,
        NoScriptError,
        OutOfMemoryError,
        ReadOnlyError,
        RedisError,
        ResponseError,
        TimeoutError,
    )
except ImportError:
    raise RedisUnreachable("a cluster needs a package: pip install 'chatroom[cluster]'") from None

MINIMUM_REDIS = (7, 0)
ANSWER_S = 2.0
"""How long to wait for an answer, and for a connection."""
BULK_ANSWER_S = 20.0
"""How long, if a whole world or many entries go over the connection."""
_FAILURES = (RedisError, OSError, ValueError, RecursionError)
"""What Redis's client raises. The last two are for a host that is no name, and for an answer that no Redis gives."""


class RedisLine:
    """A connection that is made when it is needed, and again after a failure. For one thread."""

    def __init__(self, address: RedisAddress, client_name: str, answer_s: float = ANSWER_S) -> None:
        self._address = address
        self._client_name = client_name
        self._answer_s = answer_s
        self._connection: Any = None
        self.about: dict[str, str] = {}
        """What Redis has told of itself when the connection was made (INFO)."""
        self.connections = 0
        """How many were made."""

    def connect(self) -> str:
        """Connect, if there is no connection. Return the run of Redis: another one after each of its starts.

        Raises ``RedisUnreachable``, also for a Redis that is too old or is a Redis Cluster.
        """
        if self._connection is None:
            connection = self._make()
            try:
                connection.connect()
                connection.send_command("INFO")
                self.about = _read_info(connection.read_response(disable_decoding=True))
            except _FAILURES as error:
                connection.disconnect()
                raise self._unreachable(error) from None
            except BaseException:
                connection.disconnect()
                raise
            fault = find_unusable(self.about)
            if fault:
                connection.disconnect()
                raise RedisUnreachable(f"{self._address}: {fault}")
            self._connection = connection
            self.connections += 1
        return self.about["run_id"]

    def has_ended(self) -> bool:
        """Return True if there is no connection, or Redis has ended it: it does nothing more that comes over it.

        Redis is not asked, so it may also be gone if this is False. From any thread.
        """
        connection = self._connection
        if connection is None:
            return True
        try:
            its_socket = connection._sock  # Redis's client has no other way to it
        except AttributeError:
            return False
        poll = select.poll()
        try:
            poll.register(its_socket, select.POLLRDHUP)
            return bool(poll.poll(0))
        except (OSError, TypeError, ValueError):  # the thread of the line closes it just now
            return True

    def call(self, *words: str | bytes | int, wait_s: float = 0.0) -> Any:
        """Send a command and return the answer, as bytes. ``wait_s`` is how long the command itself may wait.

        Raises ``RedisUnreachable``. The connection has to be there (``connect``): a command for one run of Redis must
        not come to the next one.
        """
        try:
            return self._ask(words, wait_s)
        except _FAILURES as error:
            raise self._unreachable(error) from None

    def run(self, script: Script, prefix: str, arguments: Sequence[str | bytes | int]) -> list[Any]:
        """Run a script and return its answer. Raises ``RedisUnreachable``."""
        try:
            try:
                answer = self._ask(("EVALSHA", script.digest, 1, prefix, *arguments))
            except NoScriptError:
                answer = self._ask(("EVAL", script.text, 1, prefix, *arguments))
        except _FAILURES as error:
            raise self._unreachable(error) from None
        assert isinstance(answer, list)
        return answer

    def close(self) -> None:
        """Close the connection, if there is one. Idempotent; the next ``connect`` makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _ask(self, words: Sequence[str | bytes | int], wait_s: float = 0.0) -> Any:
        connection = self._connection
        if connection is None:
            raise ConnectionError("not connected")
        try:
            connection.send_command(*words)
            return connection.read_response(disable_decoding=True, timeout=self._answer_s + wait_s)
        except ResponseError:  # Redis has answered, so the connection is as it should be
            raise
        except BaseException as error:
            if self._connection is not connection:
                # Another thread has closed it meanwhile. Redis's client does not expect that, and fails anyhow.
                raise ConnectionError("the connection was closed") from error
            # Whatever comes over it next may be the answer to this.
            self.close()
            raise

    def _make(self) -> Any:
        address = self._address
        options: dict[str, Any] = {
            "db": address.database,
            "username": address.user,
            "password": self._read_password(),
            "socket_timeout": self._answer_s,
            "socket_connect_timeout": min(self._answer_s, ANSWER_S),
            "client_name": self._client_name,
            "protocol": 2,
        }
        if address.scheme == "unix":
            return UnixDomainSocketConnection(path=address.path, **options)
        options |= {"host": address.host, "port": address.port, "socket_keepalive": True}
        if address.scheme == "rediss":
            return SSLConnection(**options, **{key: text for key, text in address.options.items() if key != "db"})
        return Connection(**options)

    def _read_password(self) -> str | None:
        path = self._address.password_file
        if path is None:
            return self._address.password
        try:
            return read_plain_text(path, "utf-8-sig").partition("\n")[0].rstrip("\r")
        except OSError as error:
            raise RedisUnreachable(f"{path}: cannot read the password of Redis: {error.strerror}") from None
        except UnicodeDecodeError:
            raise RedisUnreachable(f"{path}: the password of Redis is not UTF-8") from None

    def _unreachable(self, error: Exception) -> RedisUnreachable:
        return RedisUnreachable(f"{self._address}: {_describe(error)}")


def find_unusable(about: dict[str, str]) -> str:
    """Return why a Redis cannot be used, by what it tells of itself; empty if it can."""
    version = about.get("redis_version", "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < MINIMUM_REDIS:
        needed = ".".join(map(str, MINIMUM_REDIS))
        return f"Redis {needed} or newer is needed, and this is {version or 'of unknown version'}"
    if about.get("redis_mode") == "cluster":
        return "a Redis Cluster cannot be used: the nodes need one server, with or without replicas"
    if about.get("role") == "slave":
        return "this Redis is a replica and takes no writes: name the primary in cluster.redis"
    return ""


def _describe(error: Exception) -> str:
    """What to tell of an error of Redis's client, with the way out. No password is in it."""
    if isinstance(error, UnicodeError):
        return "Redis cannot be reached: cluster.redis has no valid host name"
    if isinstance(error, ValueError | RecursionError):
        return "what answers there is no Redis: check cluster.redis"
    text = str(error).partition(", with args beginning with")[0]  # Redis repeats what it does not know
    if isinstance(error, AuthenticationError | AuthenticationWrongNumberOfArgsError):
        return "Redis refuses the login: check the user in cluster.redis, and cluster.password_file"
    if isinstance(error, NoPermissionError):
        return f"the user may not do in Redis what a node does: {text}"
    if isinstance(error, BusyLoadingError):
        return "Redis is reading its data and does not answer yet"
    if isinstance(error, ReadOnlyError):
        return "this Redis is a replica and takes no writes: name the primary in cluster.redis"
    if isinstance(error, OutOfMemoryError):
        return "Redis has no memory left: raise its maxmemory"
    if isinstance(error, TimeoutError):
        return "Redis does not answer: check that it runs, and cluster.redis"
    if isinstance(error, ConnectionError | OSError):
        return f"Redis cannot be reached ({text.rstrip('.')}): check that it runs, and cluster.redis"
    return f"Redis refuses: {text}"


def _read_info(answer: bytes) -> dict[str, str]:
    """Return what INFO has answered: lines of a name, a colon and a value."""
    lines = answer.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))
