from __future__ import annotations

from harness.session_client import Client
from harness.world import SERVER, Here, change_settings

from chatroom.chat.admission.reserved_places import Places
from chatroom.chat.liveness import first_look_ms, forgive_stall, look_after


def look(client: Client, mono_ms: int) -> int:
    """Look at a session at that moment of the monotonic clock."""
    with client.here.tick():
        return look_after(client.here.world, client.session, mono_ms)


def test_a_silent_session_gets_ping_and_then_ends(here: Here) -> None:
    """PING comes after the interval and the end after the time-out. Other users read the reason."""
    alice, bob = here.connect("alice"), here.connect("bob")
    here.forget_unread()
    alice.session.heard_mono_ms = 1000
    assert look(alice, 120_999) == 121_000
    assert alice.read() == []
    assert look(alice, 121_000) == 181_000
    assert alice.read() == [f":{SERVER} PING :{SERVER}"]
    prefix = alice.prefix
    look(alice, 181_000)
    assert alice.closed
    assert alice.read() == ["ERROR :Closing Link: 10.0.0.1 (Ping timeout: 180 seconds)"]
    assert bob.read() == [f":{prefix} QUIT :Ping timeout: 180 seconds"]


def test_an_answer_begins_the_wait_anew(here: Here) -> None:
    """Any line after the PING counts. After the next silence there is another PING."""
    alice = here.connect("alice")
    alice.session.heard_mono_ms = 0
    look(alice, 120_000)
    alice.session.heard_mono_ms = 130_000
    assert look(alice, 180_000) == 250_000
    assert not alice.closed
    alice.read()
    look(alice, 250_000)
    assert alice.read() == [f":{SERVER} PING :{SERVER}"]


def test_a_connection_that_does_not_register_ends(here: Here) -> None:
    """It ends after the registration time-out and not before, and is no longer counted as unknown."""
    client = here.open()
    due_mono_ms = client.session.opened_mono_ms + 60_000
    assert look(client, due_mono_ms - 1) > due_mono_ms - 1
    assert len(here.world.online.unregistered) == 1
    look(client, due_mono_ms)
    assert client.closed
    assert client.read() == ["ERROR :Closing Link: 10.0.0.1 (Registration timed out)"]
    assert len(here.world.online.unregistered) == 0


def test_a_registration_may_take_less_time_on_a_full_server(here: Here) -> None:
    """Who says nothing holds a reserved place for a short time only. When there is room again, it has all its time."""
    here.world.settings = change_settings(here.world.settings, limits={"enabled": True})
    client, other = here.open(), here.open()
    start = client.session.opened_mono_ms
    assert first_look_ms(here.world, start) == start + 15_000
    assert look(client, start + 15_000) == start + 60_000
    here.runtime.known_places = Places(76, 100)
    look(client, start + 14_999)
    assert [client.closed, other.closed] == [False, False]
    look(client, start + 15_000)
    assert [client.closed, other.closed] == [True, False]
    here.runtime.known_places = Places(75, 100)
    assert look(other, start + 15_000) == start + 60_000
    assert [client.closed, other.closed] == [True, False]


def test_a_password_check_may_outlast_the_registration_timeout(here: Here) -> None:
    """The time of a password check is not the client's."""
    here.account("una")
    here.holding = True
    client = here.open()
    client.say("PASS :una:x", "NICK una", "USER u 0 * :U")
    assert look(client, 70_000) > 70_000
    assert not client.closed


def test_the_time_of_a_stall_is_nobodys_silence(here: Here) -> None:
    """Who was just asked has the whole time-out anew, who was not is asked, and who registers gets that time too."""
    asked, silent, late = here.connect("alice"), here.connect("bob"), here.open()
    asked.session.heard_mono_ms = 1000
    look(asked, 125_000)
    silent.session.heard_mono_ms = 124_000
    late.session.opened_mono_ms = 100_000
    for client in (asked, silent, late):
        forgive_stall(client.session, 600_000, 730_000)
        look(client, 730_000)
        assert not client.closed
    assert silent.read()[-1] == f":{SERVER} PING :{SERVER}"
    ends = [(asked, 790_000), (late, 760_000)]
    for client, at_ms in ends:
        look(client, at_ms - 1)
    assert [client.closed for client, _ in ends] == [False, False]
    for client, at_ms in ends:
        look(client, at_ms)
    assert [client.closed for client, _ in ends] == [True, True]
