from __future__ import annotations

from harness.world import SERVER, Here, change_settings, params_of, verbs

from chatroom.chat.reload import use_settings
from chatroom.irc.message import parse


def test_lines_carry_the_wall_clock_as_it_is(here: Here) -> None:
    """If the clock was ahead and is set right, lines have the right time at once."""
    alice, bob = here.connect("alice"), here.connect("bob", caps="server-time")
    bob.read()
    for seconds, shown in ((5, "01T12:00:05.000"), (86_400, "02T12:00:05.000"), (-86_400, "01T12:00:05.000")):
        here.set_clock(seconds)
        alice.say("PRIVMSG bob :x")
        assert (parse(bob.read()[0]).tags or {})["time"] == f"2030-05-{shown}Z"


def test_message_ids_go_up(here: Here) -> None:
    """Each event has another one, whether it is stored or not."""
    alice, bob = here.connect("alice"), here.connect("bob", caps="message-tags")
    bob.read()
    with here.tick():
        alice.say("PRIVMSG bob :1", "PRIVMSG #lobby :2")
    alice.say("PRIVMSG bob :3")
    ids = [(parse(line).tags or {})["msgid"] for line in bob.read()]
    assert len(set(ids)) == 3
    assert ids == sorted(ids)


def test_a_quit_is_read_once_by_each_neighbour(here: Here) -> None:
    """A user reads it once for any number of common channels, and not at all without one."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    for client in (alice, bob):
        client.say("JOIN #a,#b")
    carl.say("PART #lobby")
    here.forget_unread()
    prefix = alice.prefix
    alice.say("QUIT")
    sent = bob.read()
    assert verbs(sent) == ["QUIT"]
    assert sent[0].startswith(f":{prefix} QUIT :")
    assert carl.read() == []


def test_a_member_reads_what_is_said_while_it_is_in_the_channel(here: Here) -> None:
    """In one tick, a member who parts or joins reads exactly what was said while it was in the channel."""
    alice, bob, carl = here.connect("alice"), here.connect("bob"), here.connect("carl")
    for client in (alice, bob):
        client.say("JOIN #a")
    here.forget_unread()
    with here.tick():
        alice.say("PRIVMSG #a :1")
        bob.say("PART #a")
        carl.say("JOIN #a")
        alice.say("PRIVMSG #a :2")
    assert [parse(line).params[-1] for line in bob.read()] == ["1", "#a"]
    assert [parse(line).params[-1] for line in carl.read() if " PRIVMSG " in line] == ["2"]


def test_capabilities_change_what_comes_after_them_only(here: Here) -> None:
    """Lines from earlier in the tick have the old form."""
    alice, bob = here.connect("alice"), here.connect("bob")
    bob.read()
    with here.tick():
        alice.say("PRIVMSG #lobby :old")
        bob.say("CAP REQ :server-time")
        alice.say("PRIVMSG #lobby :new")
    old, answer, new = bob.read()
    assert old == f":{alice.prefix} PRIVMSG #lobby :old"
    assert params_of([answer], "CAP")[1] == "ACK"
    assert new.startswith("@time=")


def test_a_reload_says_what_it_did_and_keeps_what_needs_a_restart(here: Here) -> None:
    """It names the changed keys and those that need a restart, or says that nothing changed."""
    world = here.world
    assert str(use_settings(world, world.settings)) == "configuration read again, changed: nothing"
    changed = change_settings(world.settings, limits={"burst_lines": 7}, server={"io_threads": 4})
    words = str(use_settings(world, changed))
    assert words == ("configuration read again, changed: limits.burst_lines; needs a restart: server.io_threads")
    assert world.settings.limits.burst_lines == 7
    assert world.settings.server.io_threads != 4
    assert world.settings.server.name == SERVER


def test_what_happens_has_a_log_line(here: Here) -> None:
    """Connects, logins, kicks, bans and refusals are one line each, with names and addresses."""
    ada = here.admin(address="10.0.0.9")
    here.connect("eve", address="192.0.2.1")
    ada.say("KILL eve :rude", "UBAN ADD eve :again")
    late = here.open("192.0.2.1")
    late.say("NICK eve", "USER e 0 * :E")
    log = "\n".join(here.world.log_lines)
    for words in (
        "login ada (admin) from 10.0.0.9",
        "joined: ada from 10.0.0.9, account ada",
        "joined: eve from 192.0.2.1",
        "kicked eve by ada: rude",
        "banned eve by ada: ",
        "refused eve from 192.0.2.1: ",
    ):
        assert words in log
