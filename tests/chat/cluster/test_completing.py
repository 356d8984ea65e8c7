"""Changes of channels that a node has told, and had no time to store before it died."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.cluster_stage import ClusterStage, Node, Person
from harness.new_database import make_database

from chatroom.chat.cluster.completing import complete_stored
from chatroom.chat.retries import PAUSE_MS
from chatroom.chat.stored.records import AccountEntry, Role
from chatroom.errors import StorageError
from chatroom.storage.opening import open_stores
from chatroom.storage.sql.sql_stores import SqlStores

UNA = AccountEntry(7, "una", Role.USER, False)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    """A database that has una's account."""
    with open_stores(make_database(tmp_path / "chat.db")) as opened:
        opened.database.execute(
            "INSERT INTO accounts (id, name, folded, role, created_ms) VALUES (7, 'una', 'una', 'user', 0)"
        )
        yield opened


@pytest.fixture
def una() -> Person:
    """A person of a node, in a stored channel with all that a channel can have."""
    una = ClusterStage(accounts=(UNA,)).add("a").connect("una", account=UNA)
    una.say(
        *("JOIN #tea", "JOIN #mine", "MODE #tea +ntk key", "MODE #tea +l 9", "MODE #tea +b *!*@spam"),
        *("MODE #tea +e una!*@*", "MODE #tea +j 3:5", "MODE #tea +W 4", "TOPIC #tea :of leaves"),
        *("MODE #tea +f #mine", "METADATA #tea SET url :https://tea.example"),
    )
    for channel in una.node.world.channels.values():  # no stores have answered, so it waits for these
        una.node.world.retries.discard(("channel", channel.number))
    return una


def run_writes(node: Node, stores: SqlStores) -> list[str]:
    """Do what a node has its store worker write, and what that leads to. Return the lines of the log."""
    log = []
    while items := node.world.work.take_writes():
        for item in items:
            try:
                outcome: object = item.job(stores)
            except StorageError as error:
                outcome = error
            if item.then is not None:
                with node.turn():
                    item.then(outcome)
                    log += node.world.log_lines
    return log


def test_what_is_stored_is_not_stored_again(una: Person, stores: SqlStores) -> None:
    """A channel that comes out of the database is the same as the one that went in."""
    node = una.node
    with node.turn():
        complete_stored(node.world, "b/2")
    assert any("#tea is stored again" in line for line in run_writes(node, stores))
    with node.turn():
        complete_stored(node.world, "b/2")
    assert run_writes(node, stores) == []


def test_what_is_not_stored_is(una: Person, stores: SqlStores) -> None:
    """As all nodes know it. A channel that is not to be stored is not."""
    node = una.node
    with node.turn():
        complete_stored(node.world, "b/2")
    run_writes(node, stores)
    with node.turn():
        node.channel("#tea").topic = "of herbs"
        node.world.make_channel("#temporary")
        complete_stored(node.world, "b/2")
    assert any("#tea is stored again" in line for line in run_writes(node, stores))
    assert {channel.name: channel.topic for channel in stores.channels.load_all()} == {"#tea": "of herbs", "#mine": ""}


def test_it_is_tried_until_the_database_answers(
    una: Person, stores: SqlStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node may have died because of the same trouble."""
    node = una.node

    def fail(home: str) -> None:
        raise StorageError("it is away")

    with monkeypatch.context() as patch:
        patch.setattr("chatroom.storage.sql.channel_store.SqlChannels.finish_renames", lambda self, home: fail(home))
        with node.turn():
            complete_stored(node.world, "b/2")
        run_writes(node, stores)
    with node.turn():
        node.world.retries.try_again(node.world.mono_ms + PAUSE_MS)
    run_writes(node, stores)
    assert [channel.name for channel in stores.channels.load_all()] == ["#tea", "#mine"]
