from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chatroom.chat.stored.invite_records import NewInvite
from chatroom.chat.stored.records import Actor, ListEntry, Role, StoredChannel
from chatroom.errors import AlreadyExists, NotFound
from chatroom.storage.sql.sql_stores import SqlStores
from chatroom.storage.sql.timestamps import to_ms

MOMENT = datetime(2030, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)


@pytest.fixture
def channel(stores: SqlStores, by: Actor) -> StoredChannel:
    """A channel with everything that a channel can have. Its two accounts exist."""
    ada = stores.accounts.create("ada", Role.USER, [], by)
    bob = stores.accounts.create("bob", Role.USER, [], by)
    return StoredChannel(
        "#Café",
        ada.id,
        MOMENT,
        flags="imnst",
        key="sesame",
        limit=50,
        forward="#Tea",
        topic="all about tea",
        topic_by="ada!ada@host",
        topic_at=MOMENT,
        lists=(
            ListEntry("b", "zzz!*@*", "ada", MOMENT),
            ListEntry("I", "*!*@friends", "bob", MOMENT),
            ListEntry("b", "aaa!*@*", "ada", MOMENT, MOMENT + timedelta(hours=12), "calm down"),
            ListEntry("e", "*!*@192.0.2.*", "ada", MOMENT),
            ListEntry("b", "old!*@*", "ada", MOMENT, MOMENT + timedelta(hours=1), "over", is_over=True),
        ),
        access={ada.id: "founder", bob.id: "v"},
        metadata={"avatar": "https://tea.example/cup.png", "url": ""},
        join_throttle="5:10",
        nick_throttle="2:60",
        slow_mode_s=30,
        used_at=MOMENT + timedelta(days=1),
    )


def test_channel_comes_back_whole(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """A channel is stored as a whole, its lists in their order, and found by its name in any case."""
    stores.channels.save(channel, by, "", "")
    assert stores.channels.find("#cAFé") == channel
    assert list(stores.channels.load_all()) == [channel]
    assert stores.channels.find("#other") is None


def test_bare_channel(stores: SqlStores, by: Actor) -> None:
    """A configured channel with nothing set has no founder, no key and no lists."""
    bare = StoredChannel("#lobby", None, MOMENT)
    stores.channels.save(bare, by, "", "")
    assert stores.channels.find("#lobby") == bare


def test_the_last_use_is_stored_alone(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """Without a change for other processes, and without the rest of the channel."""
    stores.channels.save(channel, by, "", "")
    changes = stores.last_change_id()
    later = MOMENT + timedelta(days=9)
    stores.channels.record_use(["#CAFé", "#none"], to_ms(later))
    assert stores.channels.find("#café") == replace(channel, used_at=later)
    assert stores.last_change_id() == changes


def test_saving_again_replaces_all_but_the_row(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """A second save replaces everything of the first, and the row keeps its id."""
    stores.channels.save(channel, by, "", "")
    bare = replace(channel, name="#CAFé", flags="", key=None, limit=None, topic="", topic_at=None, lists=(), access={})
    stores.channels.save(bare, by, "", "")
    assert list(stores.channels.load_all()) == [bare]
    rows = stores.database.rows("SELECT DISTINCT row_id FROM changes WHERE tbl = 'channels'")
    assert len(rows) == 1


def test_lists_stay_with_their_channel(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """Several channels are loaded, each with its own lists and access."""
    other = replace(channel, name="#other", lists=channel.lists[:1], access={})
    stores.channels.save(channel, by, "", "")
    stores.channels.save(other, by, "", "")
    assert list(stores.channels.load_all()) == [channel, other]
    assert stores.channels.find("#other") == other


def test_accounts_deleted_meanwhile_are_left_out(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """If an account was deleted meanwhile, a channel is saved without it."""
    assert channel.founder_id is not None
    stores.accounts.delete(channel.founder_id, by)
    stores.channels.save(channel, by, "", "")
    saved = stores.channels.find("#café")
    assert saved is not None
    assert saved.founder_id is None
    assert list(saved.access.values()) == ["v"]


def test_forgotten_channel(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """A deleted channel leaves no row in any of its tables, and cannot be deleted again."""
    stores.channels.save(channel, by, "", "")
    stores.channels.delete("#CAFé", by)
    assert stores.channels.find("#Café") is None
    assert stores.database.number("SELECT count(*) FROM channel_lists") == 0
    assert stores.database.number("SELECT count(*) FROM channel_access") == 0
    with pytest.raises(NotFound, match="#CAFé"):
        stores.channels.delete("#CAFé", by)


def test_audit_of_channels(stores: SqlStores, by: Actor) -> None:
    """A save adds an audit row with the action it was given, and none without an action."""
    channel = StoredChannel("#a", None, MOMENT)
    stores.channels.save(channel, by, "", "quiet")
    stores.channels.save(channel, by, "channel.topic", "tea")
    stores.channels.delete("#A", by)
    entries = [(entry.action, entry.target, entry.detail) for entry in stores.audit.list_entries()]
    assert entries == [("channel.topic", "#a", "tea"), ("channel.delete", "#a", "")]


def test_renamed_channel(stores: SqlStores, by: Actor, channel: StoredChannel) -> None:
    """A renamed channel keeps its row, and other channels still forward to it. It cannot take another one's name."""
    other = replace(channel, name="#other", forward="#CAFé", lists=(), access={})
    stores.channels.save(channel, by, "", "")
    stores.channels.save(other, by, "", "")
    renamed = replace(channel, name="#Tea", topic="new")
    stores.channels.rename("#café", "#Tea", renamed, by)
    assert stores.channels.find("#café") is None
    assert stores.channels.find("#tea") == renamed
    assert stores.channels.find("#other") == replace(other, forward="#Tea")
    stores.channels.rename("#tea", "#TEA", replace(renamed, name="#TEA"), by)
    assert [found.name for found in stores.channels.load_all()] == ["#TEA", "#other"]
    with pytest.raises(AlreadyExists, match="#OTHER"):
        stores.channels.rename("#tea", "#OTHER", replace(renamed, name="#OTHER"), by)
    assert len(stores.database.rows("SELECT DISTINCT row_id FROM changes WHERE tbl = 'channels'")) == 2


def test_invites_follow_the_name_of_their_channel(stores: SqlStores, by: Actor) -> None:
    """Who registers with one comes in there, and not into a later channel of the old name."""
    for name in ("#OLD", "#other", ""):
        stores.invites.add(NewInvite(1, 60, name), by)
    stores.channels.rename("#old", "#new", None, by)
    assert sorted(invite.channel for invite in stores.invites.list_all()) == ["", "#new", "#other"]


def test_what_accounts_have_of_a_channel_follows_its_name(stores: SqlStores, by: Actor) -> None:
    """Read markers and presences move, also of a channel that is not stored. Those under the new name are deleted."""
    una, bob = (stores.accounts.create(name, Role.USER, [], by).id for name in ("una", "bob"))
    for account_id, name, value in ((una, "#old", 1), (una, "#new", 2), (bob, "#new", 3), (bob, "#other", 4)):
        stores.account_data.set_marker(account_id, name, value)
        stores.presence.go(account_id, name, value)
    stores.channels.rename("#Old", "#New", None, by)
    assert stores.account_data.load(una).markers == {"#new": 1}
    assert stores.account_data.load(bob).markers == {"#other": 4}
    assert [stores.presence.find_left(una, name) for name in ("#old", "#new")] == [None, 1]
    assert [stores.presence.find_left(bob, name) for name in ("#new", "#other")] == [None, 4]
    stores.channels.rename("#New", "#NEW", None, by)
    assert stores.account_data.load(una).markers == {"#new": 1}
    assert [(row.action, row.target, row.detail) for row in stores.audit.list_entries(limit=1)] == [
        ("channel.rename", "#New", "#NEW")
    ]
