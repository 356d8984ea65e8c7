from __future__ import annotations

from pathlib import Path

import pytest
from harness.session_client import Client
from harness.world import SERVER, Here, make_settings, verbs

from chatroom.chat.farewell import end_all
from chatroom.chat.stored.entries import Kind

WHY = "Server is shutting down"
NOTICE = f":{SERVER} NOTICE * :{WHY}"
ERROR = f"ERROR :Closing Link: 10.0.0.1 ({WHY})"


def stop(here: Here, *without_error: Client) -> None:
    """Stop the world, in one tick."""
    sessions = [client.session for client in without_error]
    with here.tick():
        end_all(here.world, WHY, lambda session: session not in sessions)


def test_each_session_reads_of_its_own_end_only(here: Here) -> None:
    """A NOTICE, an ERROR for those that get one, and no QUIT or 731 of the others."""
    alice, bob, carl = (here.connect(nick) for nick in ("alice", "bob", "carl"))
    for client in (alice, bob, carl):
        client.say("JOIN #a", "MONITOR + alice,bob,carl")
    unregistered = here.open()
    unregistered.say("NICK dora")
    here.forget_unread()
    stop(here, carl)
    assert [client.read() for client in (alice, bob, unregistered)] == [[NOTICE, ERROR]] * 3
    assert carl.read() == [NOTICE]
    assert all(client.closed for client in (alice, bob, carl, unregistered))
    assert not here.world.users and not here.world.sessions


def test_all_devices_of_a_user_read_it(here: Here) -> None:
    """The user's sessions end one by one, and each reads why."""
    phone, laptop = here.member(), here.connect("una", login="una")
    here.forget_unread()
    stop(here)
    assert phone.read() == laptop.read() == [NOTICE, ERROR]


def test_what_was_said_just_before_is_read(here: Here) -> None:
    """The last tick's lines come before the NOTICE."""
    alice, bob = here.connect("alice"), here.connect("bob")
    here.forget_unread()
    with here.tick():
        alice.say("PRIVMSG #lobby :last words")
        end_all(here.world, WHY, lambda session: True)
    assert verbs(bob.read()) == ["PRIVMSG", "NOTICE", "ERROR"]


@pytest.mark.parametrize("is_stop", [True, False])
def test_the_history_has_every_quit_of_a_channel_that_stays(tmp_path: Path, is_stop: bool) -> None:
    """Also that of the last member, whether all leave by themselves or the daemon stops."""
    with Here(tmp_path / "chat.db", make_settings(history={"joins": True}), history=True) as here:
        una, vic = here.member(), here.member("vic")
        if is_stop:
            stop(here)
        else:
            una.say("QUIT")
            vic.say("QUIT")
        entries = here.stores.history.latest("#lobby", 10, events=True)
        assert [entry.source.partition("!")[0] for entry in entries if entry.kind is Kind.QUIT] == ["una", "vic"]


def test_an_account_misses_what_is_said_after_the_restart_only(tmp_path: Path) -> None:
    """Nothing of the time before the stop is replayed, and all of what is said until the account is back."""
    with Here(tmp_path / "chat.db", make_settings(history={"joins": True}), history=True) as here:
        here.member()
        vic = here.member("vic")
        vic.say("PRIVMSG #lobby :before")
        stop(here)
        here.restart()
        vic = here.member("vic")
        vic.say("PRIVMSG #lobby :after")
        una = here.open()
        una.say("PASS :una:open sesame", "NICK una", "USER una 0 * :x")
        said = [line for line in una.read() if " PRIVMSG #lobby " in line]
        assert len(said) == 1 and said[0].endswith("after")
