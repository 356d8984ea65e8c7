"""A connection to Redis: who logs in, what cannot be used, and what is told of failures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.redis_server import RedisServer
from harness.tls import Pair
from redis.connection import UnixDomainSocketConnection

from chatroom.config.redis_url import parse_redis_url
from chatroom.errors import RedisUnreachable
from chatroom.server.cluster.redis_line import RedisLine, find_unusable

pytestmark = pytest.mark.debian("redis-server")
SECRET = "hunter2"


@pytest.fixture
def guarded() -> Iterator[RedisServer]:
    """A Redis with a password."""
    with RedisServer.running() as server:
        server.ask("CONFIG", "SET", "requirepass", SECRET)
        yield server


def line_to(url: str, password_file: Path | None = None, answer_s: float = 2.0) -> RedisLine:
    """A line that is not connected yet."""
    address = parse_redis_url(url)
    return RedisLine(type(address)(address.url, address.password, password_file), "test", answer_s)


def refusal(line: RedisLine) -> str:
    """What connecting says."""
    with pytest.raises(RedisUnreachable) as caught:
        line.connect()
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_a_line_knows_the_run_of_redis(own_redis: RedisServer) -> None:
    """It is another one after a restart, and no command goes to the new one unnoticed."""
    line = line_to(own_redis.url)
    before = line.connect()
    assert line.connect() == before and line.connections == 1
    assert line.call("PING") == b"PONG"
    own_redis.restart()
    with pytest.raises(RedisUnreachable, match="Redis cannot be reached"):
        line.call("PING")
    # Not connected is an error too: there is no silent connection to another run.
    with pytest.raises(RedisUnreachable, match="not connected"):
        line.call("PING")
    assert line.connect() != before
    assert line.call("PING") == b"PONG"
    line.close()
    line.close()


def test_a_line_tells_if_redis_has_ended_it(own_redis: RedisServer) -> None:
    """Without a question to Redis, so not if it only stands still."""
    line = line_to(own_redis.url)
    assert line.has_ended()
    line.connect()
    assert not line.has_ended()
    own_redis.pause()
    assert not line.has_ended()
    own_redis.stop()
    assert line.has_ended()
    own_redis.start()
    assert line.has_ended()
    line.close()
    line.connect()
    assert not line.has_ended()
    line.close()
    assert line.has_ended()


def test_a_password_comes_from_the_url_or_a_file(guarded: RedisServer, tmp_path: Path) -> None:
    """The file is read for each connection, so it may change."""
    file = tmp_path / "secret"
    place = guarded.url.removeprefix("unix://")
    for line in (line_to(f"unix://:{SECRET}@{place}"), line_to(guarded.url, file)):
        file.write_text(f"{SECRET}\nnot this line\n")
        line.connect()
        line.close()
        file.write_text("wrong\n")
    assert refusal(line) == (
        f"{guarded.url}: Redis refuses the login: check the user in cluster.redis, and cluster.password_file"
    )
    for text in (SECRET, f"\ufeff{SECRET}\r\n"):  # the second one is a file from Windows
        file.write_text(text)
        line.connect()
        line.close()


def test_what_is_wrong_with_a_password(guarded: RedisServer, tmp_path: Path) -> None:
    """One line that tells what to do, and shows no password."""
    place = guarded.url.removeprefix("unix://")
    refused = "Redis refuses the login"
    assert refused in refusal(line_to(guarded.url))
    assert refused in refusal(line_to(f"unix://:x{SECRET}@{place}"))
    assert refused in refusal(line_to(f"unix://nobody:{SECRET}@{place}"))
    missing = tmp_path / "missing"
    assert refusal(line_to(guarded.url, missing)).startswith(f"{missing}: cannot read the password of Redis: No such")
    missing.write_bytes(b"\xff\n")
    assert refusal(line_to(guarded.url, missing)) == f"{missing}: the password of Redis is not UTF-8"


def test_redis_that_does_not_know_the_command_repeats_no_password(own_redis: RedisServer) -> None:
    """An administrator can rename AUTH; Redis's answer has the arguments of what it does not know."""
    own_redis.settings["rename-command"] = "AUTH HIDDEN"
    own_redis.restart()
    place = own_redis.url.removeprefix("unix://")
    assert "unknown command" in refusal(line_to(f"unix://:{SECRET}@{place}"))


def test_a_user_who_may_not_do_it(own_redis: RedisServer) -> None:
    """Redis's own words tell which command it is."""
    own_redis.ask("ACL", "SETUSER", "chat", "on", f">{SECRET}", "~*", "+@all", "-info", "-xadd")
    place = own_redis.url.removeprefix("unix://")
    line = line_to(f"unix://chat:{SECRET}@{place}")
    assert "the user may not do in Redis what a node does: " in refusal(line)
    own_redis.ask("ACL", "SETUSER", "chat", "+info")
    line.connect()
    with pytest.raises(RedisUnreachable, match=r"may not do in Redis what a node does: .*xadd"):
        line.call("XADD", "x", "*", "a", "b")
    # Redis has answered, so the connection is still good.
    assert line.call("PING") == b"PONG"
    line.close()


def test_redis_that_takes_no_writes(own_redis: RedisServer) -> None:
    """A replica, and one that is full."""
    line = line_to(own_redis.url)
    line.connect()
    own_redis.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(RedisUnreachable, match="Redis has no memory left: raise its maxmemory"):
        line.call("SET", "x", "y")
    own_redis.ask("CONFIG", "SET", "maxmemory", "0")
    own_redis.ask("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(RedisUnreachable, match="this Redis is a replica"):
        line.call("SET", "x", "y")
    with pytest.raises(RedisUnreachable, match="Redis refuses: unknown command"):
        line.call("NONSENSE", SECRET)
    line.close()


def test_redis_that_is_not_there_or_silent(own_redis: RedisServer, tmp_path: Path) -> None:
    """Both are told in one line, and neither keeps the caller for long."""
    assert "Redis cannot be reached" in refusal(line_to(f"unix://{tmp_path}/none"))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert f"redis://127.0.0.1:{port}: Redis cannot be reached" in refusal(line_to(f"redis://127.0.0.1:{port}"))
    line = line_to(own_redis.url, answer_s=0.1)
    line.connect()
    own_redis.pause()
    try:
        with pytest.raises(RedisUnreachable, match="Redis does not answer"):
            line.call("PING")
        assert "Redis does not answer" in refusal(line)
    finally:
        own_redis.resume()
    line.connect()
    # The answer to the command before is not taken for one to this.
    assert line.call("ECHO", "hello") == b"hello"
    line.close()


def test_a_line_that_another_thread_closes(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for its answer is told that Redis is away, as the daemon stops or has lost it."""
    line = line_to(own_redis.url)
    line.connect()
    send = UnixDomainSocketConnection.send_command

    def send_and_close(connection: UnixDomainSocketConnection, *words: object) -> None:
        send(connection, *words)
        line.close()

    monkeypatch.setattr(UnixDomainSocketConnection, "send_command", send_and_close)
    with pytest.raises(RedisUnreachable, match="the connection was closed"):
        line.call("PING")


def test_a_line_with_tls(own_redis: RedisServer, tmp_path: Path) -> None:
    """The certificate is checked, against the system's authorities or a file."""
    pair = Pair(tmp_path, "localhost")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    files = {"tls-cert-file": str(pair.certificate), "tls-key-file": str(pair.key), "tls-ca-cert-file": ""}
    own_redis.settings |= files | {"tls-port": str(port), "tls-auth-clients": "no", "bind": "127.0.0.1"}
    del own_redis.settings["tls-ca-cert-file"]
    own_redis.restart()
    assert "certificate verify failed" in refusal(line_to(f"rediss://localhost:{port}"))
    line = line_to(f"rediss://localhost:{port}?ssl_ca_certs={pair.certificate}")
    line.connect()
    assert line.call("PING") == b"PONG"
    line.close()


@pytest.mark.parametrize(
    "about, said",
    [
        ({"redis_version": "6.2.14"}, "Redis 7.0 or newer is needed, and this is 6.2.14"),
        ({}, "Redis 7.0 or newer is needed, and this is of unknown version"),
        ({"redis_version": "7.0.0", "redis_mode": "standalone"}, ""),
        ({"redis_version": "10.0.1"}, ""),
        ({"redis_version": "7.2.4", "server_name": "valkey", "valkey_version": "8.1.0"}, ""),
        ({"redis_version": "7.0.15", "role": "slave"}, "this Redis is a replica"),
        ({"redis_version": "7.0.15", "redis_mode": "cluster"}, "a Redis Cluster cannot be used"),
    ],
)
def test_which_redis_can_be_used(about: dict[str, str], said: str) -> None:
    """By what INFO tells; Valkey tells the version of Redis that it is like."""
    assert find_unusable(about).startswith(said) and bool(find_unusable(about)) is bool(said)


@pytest.mark.parametrize("host", ["redis..example.org", f"{'x' * 64}.example.org"])
def test_a_host_that_is_no_name(host: str) -> None:
    """DNS has no empty parts, and none of more than 63 bytes: Python says so by an error of its own."""
    assert "cluster.redis has no valid host name" in refusal(line_to(f"redis://{host}:6379"))


@pytest.mark.parametrize("answer", [b"$abc\r\n", b":abc\r\n", b"*1\r\n" * 5000])
def test_what_answers_is_no_redis(answer: bytes) -> None:
    """Its answer is one that Redis's client does not expect."""

    def serve(server: socket.socket) -> None:
        client = server.accept()[0]
        with client:
            client.recv(1000)
            client.sendall(answer)
            while client.recv(1000):
                pass

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        assert "what answers there is no Redis" in refusal(line_to(f"redis://127.0.0.1:{server.getsockname()[1]}"))
        thread.join()
