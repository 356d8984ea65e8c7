from __future__ import annotations

from chatroom.client.joined_channel import Channel
from chatroom.client.people import People
from chatroom.client.server_features import ServerFeatures

FEATURES = ServerFeatures()
NOBODY = People(FEATURES.fold, lambda folded: ())


def tea() -> Channel:
    """#tea with bob as operator, Carol with voice, and dave."""
    channel = Channel("#tea", NOBODY)
    channel.incoming_names = ["dave", "+Carol", "@bob"]
    channel.finish_names(FEATURES)
    return channel


def signed(channel: Channel) -> list[str]:
    """The members, each with its signs."""
    return sorted(channel.prefixes.get(folded, "") + nick for folded, nick in channel.members.items())


def test_names_are_sorted_with_signs_first() -> None:
    """The list for the user begins with operators and voices; each nick has its highest sign."""
    channel = Channel("#tea", NOBODY)
    channel.incoming_names = ["dave", "@+bob!b@host", "+Carol", "ann"]
    assert channel.finish_names(FEATURES) == ["@bob", "+Carol", "ann", "dave"]
    assert signed(channel) == ["+Carol", "@+bob", "ann", "dave"]
    assert channel.incoming_names == []


def test_names_replace_the_members() -> None:
    """A second list is the whole truth: members that are not in it are gone."""
    channel = tea()
    channel.incoming_names = ["erin"]
    channel.finish_names(FEATURES)
    assert signed(channel) == ["erin"]


def test_an_entry_without_a_nick_breaks_nothing() -> None:
    """A server may send a sign alone, or no nick before the user name."""
    channel = Channel("#tea", NOBODY)
    channel.incoming_names = ["@", "!user@host", "bob"]
    assert channel.finish_names(FEATURES)[-1] == "bob"


def test_members_come_and_go() -> None:
    """A rename keeps the signs; a removal reports if the member was there."""
    channel = tea()
    channel.rename("bob", "robert", "Robert")
    channel.rename("nobody", "somebody", "somebody")
    assert signed(channel) == ["+Carol", "@Robert", "dave"]
    assert channel.remove("dave")
    assert not channel.remove("dave")
    assert signed(channel) == ["+Carol", "@Robert"]


def test_modes_change_signs() -> None:
    """Parameters of other modes are not taken for nicks, and -l has none."""
    channel = tea()
    channel.apply_modes("+klb-v+o", ["key", "10", "*!*@bad", "carol", "dave"], FEATURES)
    assert signed(channel) == ["@bob", "@dave", "Carol"]
    channel.apply_modes("-lk+v-o", ["key", "bob", "dave"], FEATURES)
    assert signed(channel) == ["@+bob", "Carol", "dave"]
    channel.apply_modes("+o", [], FEATURES)
    assert signed(channel) == ["@+bob", "Carol", "dave"]
