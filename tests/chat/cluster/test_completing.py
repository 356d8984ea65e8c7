"""Changes of channels that a node has told, and had no time to store before it died."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.cluster_stage import ClusterStage, Node, Person
from harness.new_database import make_database

from chatroom.chat.cluster.completing import AT_ONCE, complete_stored
from chatroom.chat.people.channel import Channel
from chatroom.chat.retries import PAUSE_MS
from chatroom.chat.stored.records import AccountEntry, Role, StoredChannel
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
    work = node.world.work
    while (items := work.take_writes()) or work.put_off:
        if work.put_off:
            with node.turn():
                work.put_off.popleft()()
                log += node.world.log_lines
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


def test_many_channels_are_compared_in_pieces(una: Person, stores: SqlStores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody waits for each piece. What has changed or ended between two of them is stored as it is by then."""
    node, compared = una.node, list[str]()
    with node.turn():
        for number in range(3 * AT_ONCE):
            node.world.make_channel(f"#{number}").stored = True
        complete_stored(node.world, "b/2")
    *_, item = node.world.work.take_writes()
    assert item.then is not None
    to_record = Channel.to_record

    def note(channel: Channel) -> StoredChannel:
        compared.append(channel.name)
        return to_record(channel)

    monkeypatch.setattr(Channel, "to_record", note)
    with node.turn():
        item.then(item.job(stores))
    last, pieces = node.channel(f"#{3 * AT_ONCE - 1}"), 0
    while node.world.work.put_off:
        assert len(compared) <= pieces * AT_ONCE
        with node.turn():
            node.world.work.put_off.popleft()()
            if not pieces:
                last.topic = "of herbs"
                node.world.drop_channel(node.channel(f"#{3 * AT_ONCE - 2}"))
        pieces += 1
    assert len(compared) == 3 * AT_ONCE + 1  # with the two of una
    run_writes(node, stores)
    found = {channel.name: channel.topic for channel in stores.channels.load_all()}
    assert found[last.name] == "of herbs" and len(found) == len(compared)
