from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.world import SHELL, Here, params_of
from hypothesis import given
from hypothesis import strategies as st

from chatroom.chat.people.channel import FLAG_MODES, Channel, prefixes
from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import ListEntry, StoredChannel
from chatroom.chat.stored_channels import restore_channels
from chatroom.storage.sqlite.sqlite_stores import open_stores

moments = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
masks = st.text("abcXYZ*?!@.", min_size=1, max_size=20)
entries = st.builds(
    ListEntry,
    st.sampled_from(["b", "e", "I"]),
    masks,
    st.text(max_size=10),
    moments,
    until_at=st.none(),
    reason=st.text(max_size=10),
    is_over=st.just(False),
)
records = st.builds(
    StoredChannel,
    name=st.text("abcé-", min_size=1, max_size=10).map("#{}".format),
    founder_id=st.none() | st.integers(1, 9),
    created_at=moments,
    flags=st.sets(st.sampled_from(FLAG_MODES)).map(lambda flags: "".join(sorted(flags))),
    key=st.none() | st.text("abc", min_size=1),
    limit=st.none() | st.integers(1, 999_999_999),
    topic=st.text(max_size=50),
    topic_by=st.text(max_size=10),
    topic_at=st.none() | moments.filter(lambda moment: moment.timestamp() > 0),
    lists=st.lists(entries, max_size=8, unique_by=lambda entry: (entry.mode, entry.mask.lower())).map(
        lambda found: tuple(sorted(found, key=lambda entry: "beI".index(entry.mode)))
    ),
    access=st.dictionaries(st.integers(1, 9), st.sampled_from(["founder", "o", "v"]), max_size=4),
    join_throttle=st.none() | st.builds("{}:{}".format, st.integers(1, 1000), st.integers(1, 3600)),
    nick_throttle=st.none() | st.builds("{}:{}".format, st.integers(1, 1000), st.integers(1, 3600)),
    slow_mode_s=st.none() | st.integers(1, 21_600),
)


@given(records)
def test_a_record_becomes_a_channel_and_a_record_again(record: StoredChannel) -> None:
    """A restored channel has all that was stored."""
    channel = Channel("#other", 0)
    channel.restore(record)
    assert channel.to_record() == record
    assert channel.stored


def test_a_channel_comes_back_from_the_disk_as_it_was(here: Here, tmp_path: Path) -> None:
    """Through the verbs, the database and a restart: topic, modes, lists with author and time, access."""
    una, ben = here.member(), here.member("ben")
    una.say("JOIN #Ärger", "TOPIC #Ärger :no\ttrouble")
    ben.say("JOIN #Ärger")
    here.wait(61.5)
    una.say(
        "MODE #Ärger +ovklm ben ben s3same 7",
        "MODE #Ärger +jFW 5:10 2:60 30",
        "MODE #Ärger +bbeI a!*@* B!*@* *!ben@* c",
        "MODE #Ärger -b a!*@*",
    )
    before = here.channel("#Ärger").to_record()
    assert [entry.mask for entry in before.lists] == ["B!*@*", "*!ben@*", "c!*@*"]
    here.restart()
    assert here.channel("#Ärger").to_record() == before
    with open_stores(tmp_path / "chatroom.db") as stores:
        assert stores.channels.find("#Ärger") == before


def test_a_restored_channel_keeps_its_members(here: Here) -> None:
    """A channel that is restored while it has members gets the stored modes."""
    una = here.member()
    una.say("JOIN #a")
    record = here.channel("#a").to_record()
    here.stores.channels.save(StoredChannel(record.name, record.founder_id, record.created_at, "s"), SHELL, "", "")
    found = here.stores.channels.find("#a")
    assert found is not None
    restore_channels(here.world, [found])
    assert here.channel("#a").flags == {"s"}
    assert list(here.channel("#a").members) == [una.user]


@pytest.mark.parametrize("standing, one, several", [(0, "", ""), (1, "+", "+"), (2, "@", "@"), (3, "@", "@+")])
def test_standings_show_as_signs(standing: int, one: str, several: str) -> None:
    """The highest sign, or all of them with multi-prefix."""
    assert prefixes(standing, False) == one
    assert prefixes(standing, True) == several


def test_a_configured_channel_knows_when_it_was_created(here: Here) -> None:
    """The time of #lobby is that of its first start, and not that of the last one."""
    ann = here.connect("ann")
    created = params_of(ann.ask("MODE #lobby"), "329")[2]
    here.restart()
    here.now += timedelta(hours=1)
    here.restart()
    assert params_of(here.connect("ann").ask("MODE #lobby"), "329")[2] == created


def test_a_channel_that_a_reload_names_is_stored(here: Here) -> None:
    """From the reload on a channel of the settings outlives a restart, with the time of its creation."""
    ann = here.connect("ann")
    ann.say("JOIN #news")
    created = here.channel("#news").created_ms
    channels = replace(here.world.settings.channels, autojoin=("#lobby", "#news"))
    with here.tick():
        use_settings(here.world, replace(here.world.settings, channels=channels))
    here.now += timedelta(hours=1)
    here.restart()
    assert here.channel("#news").created_ms == created
