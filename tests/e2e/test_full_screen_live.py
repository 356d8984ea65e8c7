"""The full screen at a real daemon: what is said, read and found in an evening."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, running
from harness.live_screen import LiveScreen, play_live

from chatroom.client.settings.chat_settings import ChatSettings

CAPS = "message-tags echo-message draft/message-redaction batch labeled-response draft/multiline"


@pytest.fixture
def mo(shared: Daemon) -> Iterator[Client]:
    """A moderator, whose client knows tags."""
    with shared.open() as client:
        client.send("CAP LS 302", f"CAP REQ :{CAPS}", f"PASS :mo:{PASSWORD}", "NICK mo", "USER mo 0 * :mo", "CAP END")
        client.expect("001")
        client.collect()
        yield client


def msgid(line: str) -> str:
    """The id of a message."""
    return line.partition("msgid=")[2].partition(";")[0].partition(" ")[0]


def test_what_is_new_is_found(shared: Daemon, mo: Client, tmp_path: Path) -> None:
    """Numbers, activity, the line 'new', the jump to what is unread, highlight words, mentions and names."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #lobby")
        await screen.enter("/set attention.words kettle")
        await screen.enter("/join #new")
        await screen.see("You joined #new")
        await screen.press("alt+1")
        await screen.see("to #lobby ›")
        mo.send("JOIN #new", "PRIVMSG #new :first", "PRIVMSG #new :second")
        await screen.see_place("2 #new 2")
        mo.send("PRIVMSG #new :the kettle sings")
        await screen.see_place("2 #new 3!")
        await screen.press("alt+2")
        await screen.see("── new ──")
        rows = [row for row in screen.rows if "new ──" in row or "mo first" in row or "mo joined" in row]
        assert ["joined" in row for row in rows] == [True, False, False]
        assert "mo first" in rows[-1]
        mo.send("PRIVMSG #lobby :alice, your turn")
        await screen.see_place("1 #lobby 1!")
        await screen.press("alt+m")
        await screen.see("mo: alice, your turn")
        await screen.press(*"turn", "enter")
        await screen.see("to #lobby ›")
        await screen.see("mo alice, your turn")
        assert any(row.endswith(" mo") for row in screen.rows)
        mo.send("AWAY :gone", "PRIVMSG #lobby :back soon")
        await screen.see("mo z")
        await screen.press("alt+n")
        await screen.gone("mo z")
        await screen.press("alt+n")
        with shared.connect("molly"):
            await screen.see("molly")
            await screen.press("m", "o", "tab")
            assert screen.prompt.startswith("to #lobby › mo:")  # who spoke last comes first
            await screen.press("ctrl+u")
        await screen.see("molly came and went")  # one line for both
        await screen.enter("/ignore mo")
        await screen.see("You do not read what mo says")
        mo.send("PRIVMSG #lobby :unread", "PART #new")
        await screen.press("alt+2")
        await screen.see("mo left")
        await screen.press("alt+1")
        assert not any("mo unread" in row for row in screen.rows)

    play_live(scene, shared.port, settings=ChatSettings(tmp_path / "client.toml"))


def test_the_past_is_read_and_searched(shared: Daemon, mo: Client) -> None:
    """The screen scrolls by itself, asks the server for what is older, and shows what a search finds."""
    mo.send("JOIN #past", *(f"PRIVMSG #past :line {number}" for number in range(60)))
    mo.collect()

    async def scene(screen: LiveScreen) -> None:
        await screen.see("mo line 59")
        front = screen.app.session.places.front  # type: ignore[union-attr]
        assert front is not None
        await screen.until(lambda: len(front.log.entries) >= 50)
        assert not any(entry.said and entry.said.text == "line 0" for entry in front.log.entries)
        await screen.press("pageup")
        await screen.see("older messages · Esc to the newest")
        mo.send("PRIVMSG #past :said meanwhile")
        await screen.until(lambda: front.log.entries[-1].said is not None and "mean" in front.log.entries[-1].said.text)
        assert not any("said meanwhile" in row for row in screen.rows)

        def has_first() -> bool:
            return any(entry.said and entry.said.text == "line 0" for entry in front.log.entries)

        while not has_first():
            count = len(front.log.entries)
            await screen.press("ctrl+home", "pageup")
            await screen.until(lambda count=count: has_first() or len(front.log.entries) > count)  # type: ignore[misc]
        await screen.press("ctrl+home")
        await screen.see("mo line 0")
        await screen.press("escape")
        await screen.see("mo said meanwhile")

    play_live(scene, shared.port, "una", account=True, join=("#past",))


def test_messages_are_answered_and_taken_back(shared: Daemon, mo: Client) -> None:
    """Typing, a reply, a reaction, a deletion, an edit: each way."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #about")
        mo.send("JOIN #about", "PRIVMSG #about :who drinks tea?")
        await screen.see("mo who drinks tea?")
        mo.collect()
        asked = msgid(next(line for line in mo.lines if "who drinks tea?" in line))
        await screen.press("h", "e")
        assert "+typing=active" in mo.expect("TAGMSG")
        mo.send("@+typing=active TAGMSG #about")
        await screen.see("mo is typing")
        await screen.press("ctrl+u", "alt+j", *"who", "enter", *"reply", "enter")
        await screen.see("Reply to mo:")
        await screen.enter("I do")
        assert f"+draft/reply={asked}" in mo.expect("I do")
        await screen.press("alt+j", *"who drinks", "enter", *"react", "enter", *"yes", "enter")
        assert "+draft/react=yes" in mo.expect("+draft/react")
        await screen.see("yes alice")
        mo.send(f"@+draft/reply={asked};+draft/react=no TAGMSG #about")
        await screen.see("no mo")
        await screen.enter("a tpyo")
        await screen.said("alice a tpyo")
        await screen.press("alt+j", *"tpyo", "enter", *"differently", "enter")
        await screen.see("Instead of it:")
        await screen.press("ctrl+u")
        await screen.enter("a typo")
        await screen.see("alice a typo")  # the client says it when the server has deleted the other
        mo.expect("REDACT")
        mo.expect(":a typo")
        mo.send(f"REDACT #about {asked} :changed my mind")
        await screen.see("deleted by mo: changed my mind")

    play_live(scene, shared.port, join=("#about",))


def test_a_paste_is_asked_about_and_is_one_message(shared: Daemon, mo: Client) -> None:
    """Six lines are not sent before an answer; then all others get them whole."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #paste")
        mo.send("JOIN #paste")
        await screen.see("mo joined")
        await screen.paste("\n".join(f"row {number}" for number in range(6)))
        await screen.press("enter")
        await screen.see("6 lines to #paste? (s)end, (e)dit, (c)ancel:")
        await screen.enter("s")
        await screen.see("row 5")
        mo.expect(":row 5")
        assert sum("BATCH +" in line for line in mo.lines) == 1

    play_live(scene, shared.port, join=("#paste",))


def test_a_search_finds_what_was_said(shared: Daemon) -> None:
    """The results are a list with times; the chosen one is shown where it was said."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #find")
        await screen.enter("a purple teapot")
        await screen.said("alice a purple teapot")
        await screen.enter("/search teapot")
        await screen.see("Found ›")
        await screen.see("alice: a purple teapot")
        await screen.press("enter")
        await screen.see("alice a purple teapot")

    play_live(scene, shared.port, join=("#find",))


def test_a_frozen_server_and_a_second_one() -> None:
    """A message that nobody answers is not sent, the delay shows; another server goes on in the same list."""
    with Place.make() as place, running() as away:
        home = Daemon(place)

        async def scene(screen: LiveScreen) -> None:
            await screen.see("You joined #lobby")
            await screen.until(lambda: "● " in screen.rows[0] and screen.rows[0].endswith(" ms"))
            await screen.enter("/reconnect")
            await screen.see("Connected again, as alice.")
            await screen.enter(f"/connect 127.0.0.1:{away.port}")
            await screen.until(lambda: screen.places.count("2 #lobby") == 1)
            await screen.until(lambda: sum(place.is_joined for place in screen.app.session.places) == 4)  # type: ignore[union-attr]
            await screen.press("alt+1")
            os.kill(home.process.pid, signal.SIGSTOP)
            await screen.enter("into the void")
            await screen.until(lambda: "no answer for" in screen.prompt)
            os.kill(home.process.pid, signal.SIGCONT)
            await screen.see("alice into the void")
            await screen.until(lambda: screen.prompt.startswith("to #lobby ›"))
            os.kill(home.process.pid, signal.SIGSTOP)
            await screen.enter("lost")
            home.kill()
            await screen.see("ot sent: lost")  # Not sent, or perhaps not sent
            await screen.until(lambda: screen.prompt == "to #lobby, offline › lost")
            with away.connect("bob") as bob:
                bob.send("PRIVMSG #lobby :still here")
                await screen.see_place("2 #lobby 1")
                await screen.press("alt+2")
                await screen.see("bob still here")
                await screen.enter("so am I")
                bob.expect("so am I")
            await screen.press("alt+1")
            assert screen.prompt == "to #lobby, offline › lost"

        play_live(scene, home.port)
