"""The settings of a cluster: what belongs together, and where the password of Redis is."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatroom.config import Settings, find_changes, find_unsafe, load, settings_without_restart
from chatroom.config.clustering import Cluster
from chatroom.config.load import find_exposure
from chatroom.config.redis_url import RedisAddress, parse_redis_url
from chatroom.database_address import ServerAddress
from chatroom.errors import ConfigError

REDIS = "redis://chat@redis.example:6380/2"
WITH_PASSWORD = "redis://chat:hunter2@redis.example:6380/2"
DATABASE = "postgresql://chat@localhost/chat?sslmode=require"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The configuration file of the test."""
    return tmp_path / "chatroom.toml"


def set_up(
    file: Path, *lines: str, database: str = f'url = "{DATABASE}"', environ: dict[str, str] | None = None
) -> Settings:
    """Load a file with these lines in its section, and one for the database."""
    file.write_text("\n".join(["[database]", database, "[cluster]", *lines]))
    return load(file, environ or {})


def test_without_the_section_a_daemon_is_alone(file: Path) -> None:
    """So it is by default."""
    assert set_up(file).cluster.address is None


def test_what_a_node_needs(file: Path) -> None:
    """Redis and a name are enough; the file of the password lies beside the configuration."""
    found = set_up(file, f'redis = "{REDIS}"', 'node = "a"', 'password_file = "secret"').cluster
    assert found.address == RedisAddress(REDIS, None, file.parent / "secret")
    assert (found.node, found.name, found.lease_s) == ("a", "chatroom", 6)


@pytest.mark.parametrize(
    "url, parts",
    [
        ("redis://localhost", ("redis", None, "localhost", 6379, 0)),
        (REDIS, ("redis", "chat", "redis.example", 6380, 2)),
        ("rediss://[2001:db8::1]?db=3", ("rediss", None, "2001:db8::1", 6379, 3)),
    ],
)
def test_the_parts_of_an_address(url: str, parts: tuple[object, ...]) -> None:
    """What the URL leaves out is Redis's default."""
    found = parse_redis_url(url)
    assert (found.scheme, found.user, found.host, found.port, found.database) == parts


def test_the_path_of_a_socket() -> None:
    """A socket has a path, and perhaps the number of a database."""
    found = parse_redis_url("unix://chat:hunter2@/run/redis%20x.sock?db=1")
    assert (found.path, found.database, found.user) == ("/run/redis x.sock", 1, "chat")
    assert (found.password, found.masked) == ("hunter2", "unix://chat:********@/run/redis%20x.sock?db=1")
    assert str(parse_redis_url("unix:///run/s")) == "unix:///run/s"
    assert parse_redis_url("redis://:p@h").masked == "redis://:********@h"


@pytest.mark.parametrize(
    "lines, said",
    [
        (('node = "a"',), "cluster.node is set, and cluster.redis is not"),
        (('password_file = "x"',), "cluster.password_file is set, and cluster.redis is not"),
        ((f'redis = "{REDIS}"',), "cluster.redis needs cluster.node"),
        ((f'redis = "{REDIS}"', 'node = "a/b"'), "cluster.node must be letters, digits and -"),
        ((f'redis = "{REDIS}"', 'node = "a"', 'name = "x:y"'), "cluster.name must be letters, digits"),
        ((f'redis = "{WITH_PASSWORD}"', 'node = "a"', 'password_file = "x"'), "cluster.redis has a password"),
        (('redis = "http://chat:hunter2@h"',), "cluster.redis: the URL of Redis must begin with redis://"),
        (('redis = "redis://chat:a/hunter2@h"',), "cluster.redis: the URL of Redis cannot be read"),
        (('redis = "redis://h:port"',), "cluster.redis: the URL of Redis cannot be read"),
        (('redis = "redis://h/x"',), "cluster.redis: the URL of Redis cannot be read"),
        (('redis = "unix://host/path"',), "cluster.redis: the URL of Redis cannot be read"),
        (('redis = "unix:///s?password=hunter2"',), "cluster.redis: the URL of Redis cannot have password"),
        (("redis = 5",), "cluster.redis must be the URL of a Redis server"),
        ((f'redis = "{REDIS}"', 'node = "a"', "[history]", "enabled = false"), "cluster.redis needs history.enabled"),
        (("lease_s = 0.1",), "cluster.lease_s must be a number from 0.5 to 60"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(file: Path, lines: tuple[str, ...], said: str) -> None:
    """It names the file and the key, and no password."""
    with pytest.raises(ConfigError) as caught:
        set_up(file, *lines)
    assert str(caught.value).startswith(f"{file}: {said}")
    assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)


def test_a_cluster_needs_a_database_on_a_server(file: Path) -> None:
    """A file is on one machine only."""
    with pytest.raises(ConfigError, match=r"cluster\.redis needs database\.url"):
        set_up(file, f'redis = "{REDIS}"', 'node = "a"', database='path = "chat.db"')
    with pytest.raises(ConfigError, match=r"CHATROOM_CLUSTER__REDIS: cluster\.redis needs database\.url"):
        load(None, {"CHATROOM_CLUSTER__REDIS": REDIS, "CHATROOM_CLUSTER__NODE": "a"})


@pytest.mark.parametrize("other", [Path("/chat.db"), ServerAddress("postgresql://other/chat")])
def test_another_database_is_not_that_of_the_cluster(file: Path, other: object) -> None:
    """A command with --database works on that one, whatever the configuration says of a cluster."""
    set_up(file, f'redis = "{REDIS}"', 'node = "a"')
    name = "database.path" if isinstance(other, Path) else "database.url"
    settings = load(file, {}, {name: other})
    assert settings.cluster == Cluster()
    assert not [key for key in settings.key_sources if key.startswith("cluster.")]


def test_a_password_is_nowhere_to_be_seen(file: Path) -> None:
    """It is in no representation of the settings, and not in what a reload tells."""
    node = 'node = "a"'
    settings = set_up(file, f'redis = "{WITH_PASSWORD}"', node)
    assert settings.cluster.address == RedisAddress(REDIS, "hunter2")
    assert "hunter2" not in repr(settings) + str(settings.cluster.address)
    (change,) = find_changes(set_up(file, f'redis = "{WITH_PASSWORD.replace("hunter2", "hunter3")}"', node), settings)
    masked = "redis://chat:********@redis.example:6380/2"
    assert (change.key.path, change.before, change.after) == ("cluster.redis", masked, masked)


def test_a_reload_changes_nothing_of_it(file: Path) -> None:
    """A node cannot leave one cluster for another while people chat."""
    before = set_up(file, f'redis = "{REDIS}"', 'node = "a"')
    after = set_up(file, 'redis = "redis://other"', 'node = "b"', 'name = "x"', "lease_s = 7", 'password_file = "f"')
    assert settings_without_restart(before, after).cluster == before.cluster


def test_what_is_unsafe(file: Path) -> None:
    """A connection without TLS over a network, and passwords that every user of the machine can read."""
    settings = set_up(file, f'redis = "{WITH_PASSWORD}"', 'node = "a"')
    file.chmod(0o600)
    (finding,) = find_unsafe(settings)
    assert f"cluster.redis {REDIS}: messages and a password may cross a network without TLS" in str(finding)
    file.chmod(0o644)
    exposure = find_exposure(settings)
    assert exposure is not None and "cluster.redis" in str(exposure)
    for url in ("redis://localhost", "rediss://redis.example", "unix:///s"):
        assert find_unsafe(set_up(file, f'redis = "{url}"', 'node = "a"')) == []
    secret = file.parent / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    (finding,) = find_unsafe(set_up(file, 'redis = "redis://localhost"', 'node = "a"', 'password_file = "secret"'))
    assert "can read the password of Redis" in str(finding)


def test_the_log_is_not_written_into_the_password(file: Path) -> None:
    """As with the file of the database's password."""
    file.write_text(
        f'[database]\nurl = "{DATABASE}"\n[cluster]\nredis = "{REDIS}"\nnode = "a"\npassword_file = "secret"\n'
        '[log]\nfile = "secret"\n'
    )
    with pytest.raises(ConfigError, match=r"log\.file must be a file of its own"):
        load(file, {})
