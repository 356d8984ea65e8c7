"""The terminal client beside a real daemon that kicks, refuses, freezes and dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest
from harness.daemon import PASSWORD, Daemon, Place, script
from harness.terminal import Terminal

Sit = Callable[[str], Terminal]


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    """A daemon for one test, which may harm it."""
    with Place.make() as place:
        started = Daemon(place)
        yield started
        started.kill()


@pytest.fixture
def sit(daemon: Daemon) -> Iterator[Sit]:
    """Run ``chatroom --prompt --nick NICK`` in a terminal, and wait until it is in #lobby."""
    terminals = []

    def start(nick: str) -> Terminal:
        environment = {**daemon.place.environment, "TERM": "xterm-256color"}
        terminals.append(
            Terminal(
                f"127.0.0.1:{daemon.port}", "--prompt", "--nick", nick, program=script("chatroom"), env=environment
            )
        )
        terminals[-1].see_last("[#lobby]")
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_a_draft_survives_a_kick(daemon: Daemon, sit: Sit) -> None:
    """What was typed for #tea when the kick came is not said in #lobby."""
    with daemon.connect("alice") as alice:
        alice.ask("JOIN #tea")
        bob = sit("bob")
        bob.enter("/join #tea")
        bob.see_last("[#tea]")
        alice.expect("JOIN")
        bob.type("only for tea")
        bob.see_last("[#tea] only for tea")
        alice.send("KICK #tea bob :out")
        bob.see_last("[#tea: you are not in it] only for tea")
        bob.type("\r")
        bob.see("You are not in #tea, so nothing was sent.")
        bob.enter("\x15/close")
        bob.see_last("[#lobby]")
        bob.enter("for all")
        bob.see("<bob> for all")
        assert "only for tea" not in "".join(alice.collect())


def test_a_refusal_of_the_daemon_names_the_line(daemon: Daemon, sit: Sit) -> None:
    """With labels of our server, the refused line is shown as not sent."""
    with daemon.connect("alice") as alice:
        alice.ask("JOIN #tea", "MODE #tea +m")
        bob = sit("bob")
        bob.enter("/join #tea")
        bob.see_last("[#tea]")
        bob.enter("may I?")
        bob.see("Not sent to #tea: may I?")
        bob.see("#tea does not take your message")


def test_a_frozen_daemon_that_dies_loses_no_line(daemon: Daemon, sit: Sit) -> None:
    """A line to a stopped daemon stays on the screen; when the daemon dies, it is in the prompt again."""
    bob = sit("bob")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    bob.enter("are you there")
    bob.see("… to #lobby: are you there")
    bob.see("[#lobby, no answer for 3 s]")
    daemon.kill()
    bob.see("Perhaps not sent to #lobby: are you there")
    bob.see_last("[#lobby, offline] are you there")


def test_a_paste_is_one_message(daemon: Daemon, sit: Sit) -> None:
    """The daemon takes several lines as one message, and its echo ends what is under way."""
    bob, carol = sit("bob"), sit("carol")
    bob.type("\x1b[200~one\n/two\n\nfour\x1b[201~")
    bob.see("four")
    bob.type("\r")
    for terminal in (bob, carol):
        terminal.see("<bob> four")
        assert [line[6:] for line in terminal.lines if "<bob>" in line] == [
            "<bob> one",
            "<bob> /two",
            "<bob>",
            "<bob> four",
        ]
    bob.see_last("[#lobby]")
    bob.enter("x" * 300 + " " + "y" * 300)
    carol.see("y" * 70)
    bob.wait(lambda: bob.last == "[#lobby]", "the echo")


def test_a_ban_of_the_room_ends_by_itself(daemon: Daemon, sit: Sit) -> None:
    """An operator of a channel bans from it for a time; nobody leaves the server by it."""
    alice, bob = sit("alice"), sit("bob")
    for terminal in (alice, bob):
        terminal.enter("/join #tea")
        terminal.see_last("[#tea]")
    alice.enter("/ban bob 12h too loud")
    alice.see("bob!*@* is banned for 12h")
    alice.enter("/kick bob too loud")
    bob.see("You were kicked from #tea by alice: too loud")
    bob.see_last("[#tea: you are not in it]")
    bob.enter("/join #tea")
    bob.see("You are banned from #tea.")
    alice.enter("/bans #tea")
    alice.wait(lambda: "1 ban" in " ".join(alice.lines), "the list of bans")
    alice.enter("/unban bob")
    alice.see("alice lifted the channel ban")
    bob.enter("/join #tea")
    bob.see_last("[#tea]")
    bob.enter("sorry")
    alice.see("<bob> sorry")


def test_logging_in_and_connecting_again_from_the_chat(daemon: Daemon, sit: Sit) -> None:
    """/login proves an account without a restart of the program, and /reconnect comes back with it."""
    daemon.place.create("carol")
    bob = sit("bob")
    bob.enter("/login carol")
    bob.see_last("Password for carol:")
    bob.enter("not this one")
    bob.see("You are not logged in to carol: ")
    bob.enter("/login carol")
    bob.see_last("Password for carol:")
    bob.enter(PASSWORD)
    bob.see("You are logged in as carol.")
    bob.enter("/reconnect")
    bob.see("Connected again, as bob.")
    bob.see_last("[#lobby]")
    bob.enter("/whois bob")
    bob.see("logged in as carol")
    assert PASSWORD not in bob.raw
