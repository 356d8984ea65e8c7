"""``chatroomctl history`` beside a running daemon whose users chat on."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, until


@pytest.fixture
def una(shared: Daemon) -> Iterator[Client]:
    """A session of an account that asks for history itself."""
    with shared.open() as client:
        wanted = "draft/chathistory batch message-tags server-time echo-message"
        client.send(f"CAP REQ :{wanted}", f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :u", "CAP END")
        client.expect("366")
        yield client


def bytes_of(place: Place) -> bytes:
    """Return all bytes of the database and of the files that SQLite keeps beside it."""
    return b"".join(file.read_bytes() for file in place.root.iterdir() if file.name.startswith(place.database.name))


def test_forgotten_while_the_daemon_serves(shared: Daemon, una: Client) -> None:
    """What an account said is gone at once for all readers, and soon from the files. The account chats on."""
    una.ask(*(f"PRIVMSG #lobby :zanzibarkey number {count}" for count in range(20)))
    with shared.connect("guest") as guest:
        guest.ask("PRIVMSG #lobby :mine stays")
    assert len(shared.place.ctl_json("history", "list", "una")) >= 20
    assert b"zanzibarkey" in bytes_of(shared.place)
    shared.place.ctl("history", "forget", "una", "--yes")
    answer = una.ask("CHATHISTORY LATEST #lobby * 50")
    assert not any("zanzibarkey" in line for line in answer)
    assert any("mine stays" in line for line in answer)
    until(lambda: b"anzibarkey" not in bytes_of(shared.place), "its bytes leave the files")
    una.ask("PRIVMSG #lobby :here I am again")
    assert [entry["text"] for entry in shared.place.ctl_json("history", "list", "una")] == ["here I am again"]
    assert shared.is_well()


def test_imported_while_users_chat(shared: Daemon, una: Client) -> None:
    """An import of thousands of lines stops no message. All of it is there, in its place."""
    old = {"channel": "#lobby", "kind": "PRIVMSG", "source": "old!o@old.example", "account": None}
    script = ""
    for count in range(8000):
        minute, second, after = count // 60 % 60, count % 60, count // 3600
        at = f"2020-01-01T00:{minute:02}:{second:02}.{after:03}Z"
        script += json.dumps({**old, "at": at, "text": f"once {count}"}) + "\n"
    result: list[str] = []
    importing = threading.Thread(target=lambda: result.append(shared.place.ctl("history", "import", "-", stdin=script)))
    importing.start()
    said = 0
    while importing.is_alive():
        assert any(f"live {said}" in line for line in una.ask(f"PRIVMSG #lobby :live {said}"))
        said += 1
    importing.join()
    assert "Added 8000" in result[0]
    assert said > 0
    last = una.ask("CHATHISTORY LATEST #lobby * 1")[1]
    assert last.endswith(f":live {said - 1}")
    oldest = una.ask("CHATHISTORY AFTER #lobby timestamp=2019-12-31T00:00:00.000Z 3")
    assert [line.rpartition(":")[2] for line in oldest[1:-1]] == ["once 0", "once 3600", "once 7200"]
    assert shared.place.ctl_json("history", "search", "once", "--limit", "10000")[-1]["text"] == "once 7199"
    assert shared.is_well()
