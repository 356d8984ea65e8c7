"""The file of the servers that the client knows."""

from __future__ import annotations

import multiprocessing
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chatroom.client.address import Address
from chatroom.client.known_servers import KnownServers, default_path
from chatroom.client.sts import Policy
from chatroom.errors import KnownServersUnusable

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOST = Address("Chat.LAN.", 6697, tls=True)
PRINT = "ab" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A path in a directory that is not there yet."""
    return tmp_path / "new" / "state" / "known-servers"


def test_it_is_in_the_users_state_directory(state_directory: Path) -> None:
    """As the XDG base directory specification says."""
    assert default_path() == state_directory / "known-servers"


def test_what_is_added_is_found(path: Path) -> None:
    """Hosts are compared without their case and a dot at the end; the file is for the user alone."""
    known = KnownServers(path)
    assert known.find_certificate(HOST) is None
    before = os.umask(0)
    try:
        known.add_certificate(HOST, PRINT)
    finally:
        os.umask(before)
    known.set_policy("chat.lan", Policy(6697, NOW + timedelta(days=1)))
    assert KnownServers(path).find_certificate(Address("chat.lan", 6697)) == PRINT
    assert known.find_policy("CHAT.LAN", NOW) == Policy(6697, NOW + timedelta(days=1))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert os.listdir(path.parent) == ["known-servers"]


def test_people_may_edit_it(path: Path) -> None:
    """Comments and empty lines are ignored, as is a byte order mark, and fingerprints may be written with colons."""
    path.parent.mkdir(parents=True)
    path.write_text(f"\ufeff# mine\n\n  certificate chat.lan  6697 {':'.join(['AB'] * 32)}\n")
    assert KnownServers(path).find_certificate(HOST) == PRINT


@pytest.mark.parametrize(
    "line",
    [
        "certificate chat.lan 6697",
        f"certificate chat.lan port {PRINT}",
        "certificate chat.lan 6697 abc",
        "sts chat.lan 6697 tomorrow",
        "sts chat.lan 6697 2030-01-01T00:00:00",
        "unheard of it all",
        "\ufffd",
    ],
)
def test_a_line_that_makes_no_sense_is_an_error(path: Path, line: str) -> None:
    """It could have held the certificate that the user trusts, so the client does not go on without it."""
    path.parent.mkdir(parents=True)
    path.write_text(f"# first\n{line}\n")
    with pytest.raises(KnownServersUnusable, match="line 2") as refusal:
        KnownServers(path).find_certificate(HOST)
    assert str(path) in str(refusal.value)
    with pytest.raises(KnownServersUnusable, match="line 2"):
        KnownServers(path).forget("chat.lan")


def test_bytes_that_are_no_text_are_an_error(path: Path) -> None:
    """The same for a file of another program."""
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe\0")
    with pytest.raises(KnownServersUnusable):
        KnownServers(path).find_certificate(HOST)


def test_a_directory_in_its_place_is_an_error(path: Path) -> None:
    """Reading and writing name the path."""
    path.mkdir(parents=True)
    with pytest.raises(KnownServersUnusable, match="cannot be read"):
        KnownServers(path).find_certificate(HOST)


def test_the_home_of_another_user_is_not_ours(tmp_path: Path) -> None:
    """A place in which no file of ours can be does not keep the client from a connection; writing there says why."""
    (tmp_path / "file").write_text("")
    known = KnownServers(tmp_path / "file" / "known-servers")
    assert known.find_certificate(HOST) is None
    with pytest.raises(KnownServersUnusable, match="cannot be written"):
        known.add_certificate(HOST, PRINT)


def test_without_a_home_nothing_is_remembered() -> None:
    """Reading finds nothing, writing says why."""
    known = KnownServers(None)
    assert known.find_policy("chat.lan", NOW) is None
    with pytest.raises(KnownServersUnusable, match="no home directory"):
        known.add_certificate(HOST, PRINT)


def _add_ten(path: Path, name: str) -> None:
    for port in range(1, 11):
        KnownServers(path).add_certificate(Address(name, port), PRINT)


def test_several_clients_write_without_losing_lines(path: Path) -> None:
    """Each takes its turn."""
    context = multiprocessing.get_context("spawn")
    clients = [context.Process(target=_add_ten, args=(path, name)) for name in ("a", "b")]
    for client in clients:
        client.start()
    for client in clients:
        client.join(60)
        assert client.exitcode == 0
    known = KnownServers(path)
    assert all(known.find_certificate(Address(name, port)) for name in ("a", "b") for port in range(1, 11))
