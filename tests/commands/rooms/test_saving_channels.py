from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.session_client import Client
from harness.world import Here, params_of, verbs

from chatroom.errors import StorageError

WARNING = "The change holds, but could not be stored: it is tried again, and ends with a restart until then"


@pytest.fixture
def una(here: Here) -> Client:
    """The founder of #a, a stored channel that bob is in as well."""
    client = here.member(caps="standard-replies")
    client.say("JOIN #a")
    here.connect("bob").say("JOIN #a")
    here.forget_unread()
    return client


def client_of(here: Here, nick: str) -> Client:
    """The client of the one session of a user."""
    return here.clients[here.user(nick).sessions[0].id]


def test_a_change_to_a_channel_that_is_not_stored_needs_no_worker(here: Here) -> None:
    """A guest's channel is told at once."""
    alice = here.connect("alice")
    alice.say("JOIN #a")
    here.holding = True
    assert alice.ask("MODE #a +m") == [f":{alice.prefix} MODE #a +m"]
    assert not here.held


def test_the_next_line_is_judged_by_a_change_that_is_not_stored_yet(here: Here, una: Client) -> None:
    """The change is in memory at once: a member without voice cannot speak, although no one has read +m yet."""
    bob = client_of(here, "bob")
    here.holding = True
    una.say("MODE #a +m")
    assert verbs(bob.ask("PRIVMSG #a :x")) == ["404"]
    here.release()
    assert bob.read() == [f":{una.prefix} MODE #a +m"]


def test_further_lines_of_the_session_wait_for_the_save(here: Here, una: Client) -> None:
    """The session's own next line is answered after the change, so its replies keep their order."""
    here.holding = True
    una.say("MODE #a +m", "PING x")
    assert una.read() == []
    here.release()
    assert verbs(una.read()) == ["MODE", "PONG"]


def test_each_save_has_the_whole_channel(here: Here, una: Client) -> None:
    """The first of two saves stores the channel as it was then, the second one both changes."""
    client_of(here, "bob").say("PART #a")
    ben = here.member("ben")
    ben.say("JOIN #a")
    una.say("MODE #a +o ben")
    here.holding = True
    una.say("TOPIC #a :tea")
    ben.say("MODE #a +m")
    here.release(1)
    stored = here.stores.channels.find("#a")
    assert stored is not None
    assert (stored.topic, stored.flags) == ("tea", "nt")
    here.release()
    stored = here.stores.channels.find("#a")
    assert stored is not None
    assert (stored.topic, stored.flags) == ("tea", "mnt")


def test_the_audit_has_the_action_and_its_detail(here: Here, una: Client) -> None:
    """The row of a topic has its text, and the account that set it."""
    una.say("TOPIC #a :tea")
    entry = here.stores.audit.list_entries(actor="una")[-1]
    assert (entry.action, entry.target, entry.detail) == ("channel.topic", "#a", "tea")


@pytest.mark.parametrize("change", ["TOPIC #a :tea", "MODE #a +m"])
def test_a_failed_save_is_told_with_a_warning_and_logged(
    here: Here, una: Client, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The members read the change, its author a warning before it, and the operator the reason."""

    def fail(*_: object) -> None:
        raise StorageError("disk full")

    monkeypatch.setattr(type(here.stores.channels), "save", fail)
    bob = client_of(here, "bob")
    before = here.channel("#a").to_record()
    sent = una.ask(change)
    assert params_of(sent, "WARN") == [change.split()[0], "NOT_STORED", "#a", WARNING]
    assert sent[1:] == bob.read() == [f":{una.prefix} {change}"]
    assert "#a could not be stored, and is tried again: disk full" in here.world.log_lines
    assert here.channel("#a").to_record() != before


def test_the_members_read_a_change_whose_author_has_left(here: Here, una: Client) -> None:
    """A session that ends while its change is being saved does not take the change along."""
    bob, prefix = client_of(here, "bob"), una.prefix
    here.holding = True
    una.say("MODE #a +m")
    una.vanish()
    bob.read()
    here.release()
    assert bob.read() == [f":{prefix} MODE #a +m"]


def test_an_author_outside_the_channel_reads_the_change_too(here: Here, una: Client) -> None:
    """A moderator who is not in the channel reads the answer to its line."""
    mo = here.moderator()
    assert mo.ask("MODE #a +m") == [f":{mo.prefix} MODE #a +m"]


def test_the_history_keeps_a_saved_change(make_here: Callable[..., Here]) -> None:
    """A topic becomes an entry when the members read it, under the account that set it."""
    here = make_here(keeping=True, channels={"autojoin": ()})
    una = here.member()
    una.say("JOIN #a")
    here.holding = True
    una.say("TOPIC #a :tea")
    assert here.stores.history.latest("#a", 9, events=True) == []
    here.release()
    (entry,) = here.stores.history.latest("#a", 9, events=True)
    assert (entry.kind.name, entry.text, entry.account) == ("TOPIC", "tea", "una")


def test_a_stored_channels_change_is_told_once_it_is_stored(here: Here) -> None:
    """The members of a stored channel read a MODE after the database has it."""
    una, bob = here.member(), here.connect("bob")
    una.say("JOIN #a")
    bob.say("JOIN #a")
    here.forget_unread()
    here.holding = True
    una.say("MODE #a +m")
    assert una.read() == bob.read() == []
    here.release()
    assert una.read() == bob.read() == [f":{una.prefix} MODE #a +m"]
    stored = here.stores.channels.find("#a")
    assert stored is not None
    assert stored.flags == "mnt"


def test_two_changes_saved_at_the_same_time_lose_nothing(here: Here) -> None:
    """Two changes that are being saved at the same time are both told and both stored."""
    una, ben = here.member(), here.member("ben")
    una.say("JOIN #a")
    ben.say("JOIN #a")
    una.say("MODE #a +o ben")
    here.forget_unread()
    here.holding = True
    una.say("MODE #a +m")
    ben.say("MODE #a +k sesame")
    una.say("TOPIC #a :both")
    assert una.read() == []
    here.release(1)
    assert una.read() == [f":{una.prefix} MODE #a +m"]
    here.release()
    assert una.read() == [f":{ben.prefix} MODE #a +k sesame", f":{una.prefix} TOPIC #a :both"]
    stored = here.stores.channels.find("#a")
    assert stored is not None
    assert (stored.flags, stored.key, stored.topic) == ("mnt", "sesame", "both")


def test_a_change_is_told_under_its_authors_present_nick(here: Here) -> None:
    """A change that was being saved is told under the nick that its author has by then."""
    alice = here.admin(address="10.0.0.3")
    bob = here.connect("bob")
    here.world.rename(alice.user, "renamed")  # an account's nick need not be its name
    here.forget_unread()
    here.holding = True
    alice.say("MODE #lobby +m")
    here.account("renamed")
    bob.read()
    here.release()
    assert bob.read() == [f":{alice.prefix} MODE #lobby +m"]
