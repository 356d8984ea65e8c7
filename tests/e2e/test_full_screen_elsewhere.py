"""The full screen on other servers: an evening with two channels and a conversation, and a server that dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.daemon import Client
from harness.live_screen import LiveScreen, play_live
from harness.other_servers import OtherServer

from chatroom.client.chat_events import Denied

SERVERS = [pytest.param(name, marks=pytest.mark.debian(name)) for name in ("ngircd", "inspircd")]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[OtherServer]:
    """A server of another kind."""
    name = "quick inspircd" if request.param == "inspircd" else request.param
    with OtherServer(name) as found:
        yield found


def refusals(screen: LiveScreen) -> list[str]:
    """What was refused so far."""
    session = screen.app.session
    assert session is not None
    found = [entry.event for place in session.places for entry in place.log.entries]
    return [event.text for event in found if isinstance(event, Denied)]


async def talk_in_places(screen: LiveScreen, mo: Client) -> None:
    """Activity, a conversation, a new nick, away, a mention: each where it belongs."""
    await screen.enter("/join #cake")
    await screen.see("You joined #cake")
    mo.send("JOIN #tea,#cake", "PRIVMSG #tea :hello tea")
    await screen.see_place("1 #tea 1")
    await screen.press("alt+a")
    await screen.see("mo hello tea")
    await screen.enter("hello mo")
    mo.expect("hello mo")
    mo.send("PRIVMSG alice :psst")
    await screen.see_place("3 mo 1!")
    await screen.press("alt+a")
    await screen.see("mo psst")
    await screen.press("pageup")
    await screen.see("This server keeps no messages to show.")
    await screen.enter("/nick alice2")
    await screen.see("You are now known as alice2")
    mo.send("PRIVMSG #tea :alice2, are you there?")
    await screen.see_place("1 #tea 1!")
    await screen.enter("/away at tea")
    await screen.see("to mo, away ›")
    await screen.enter("/back")
    await screen.see("to mo ›")


async def moderate(screen: LiveScreen, mo: Client) -> None:
    """Topic, the list of bans, a kick; what the server does not have is in no list."""
    await screen.press("alt+1")
    await screen.see("alice2, are you there?")
    await screen.enter("/topic green tea")
    await screen.see("#tea · green tea")
    await screen.press("alt+g", *"bans of", "enter", *"add", "enter")
    await screen.answer("Whom?", "evil")
    await screen.answer("Ban evil from #tea? [y/N]:", "y")
    await screen.see("evil!*@*  by alice2 since")
    await screen.press(*"evil", "enter")
    await screen.see("Take evil!*@* off the list")
    await screen.press(*"take", "enter")
    await screen.answer("Take evil!*@* off the list? [y/N]:", "y")
    await screen.see("Bans of #tea ›")
    await screen.until(lambda: not any("evil" in row or "has not sent" in row for row in screen.rows))
    await screen.press("escape", "alt+g")
    await screen.see("Lockdown of #tea")
    assert not any("of the server" in row for row in screen.rows)
    await screen.press("escape", "alt+p", *"mo", "enter")
    await screen.see("Kick from #tea")
    assert not any("Mute" in row or "whole server" in row for row in screen.rows)
    await screen.press(*"kick", "enter")
    await screen.see("Reason")
    await screen.enter("be nice")
    mo.expect(":be nice")
    await screen.see("mo was kicked from #tea by alice2")


def test_an_evening_elsewhere(server: OtherServer) -> None:
    """Everything works that the server has, and nothing that it lacks is asked for or offered."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #tea")
        with Client(server.port).register("mo") as mo:
            await talk_in_places(screen, mo)
            await moderate(screen, mo)
            await screen.enter("/ignore mo")
            await screen.see("You do not read what mo says")
            await screen.press("alt+2")
            await screen.see("to #cake ›")
            mo.send("PRIVMSG #cake :ignored", "PART #cake")
            await screen.see("mo left")
            assert not any("ignored" in row for row in screen.rows)
            assert refusals(screen) == []
            await screen.enter("/search tea")
            await screen.see("/search tea: This server cannot")  # the row ends here

    play_live(scene, server.port, join=("#tea",), rows=40)


def test_the_server_dies_and_comes_back(server: OtherServer) -> None:
    """What is typed stays, the channels are joined again, and nothing of before is there twice."""

    async def scene(screen: LiveScreen) -> None:
        session = screen.app.session
        assert session is not None
        await screen.see("You joined #tea")
        await screen.enter("/join #cake")
        await screen.see("You joined #cake")
        await screen.enter("before")
        await screen.see("alice before")
        has_echo = "echo-message" in session.state.caps
        speech = session.speech
        await screen.until(lambda: not speech.under_way if has_echo else speech.delivered)
        await screen.type("half a line")
        server.kill()
        await screen.see("to #cake, offline › half a line")
        server.start()
        await screen.see("Connected again, as alice.")
        await screen.until(lambda: all(place.is_joined for place in session.places))
        assert [place.name for place in session.places if place.kind == "channel"] == ["#tea", "#cake"]
        await screen.see("to #cake › half a line")
        await screen.press("enter")
        await screen.see("alice half a line")
        assert sum("alice before" in row for row in screen.rows) == 1
        assert refusals(screen) == []

    play_live(scene, server.port, join=("#tea",), rows=40)
