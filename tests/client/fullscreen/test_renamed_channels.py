"""A channel gets another name while a list or question of the full screen is about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from harness.full_screen import FullScreen, play

CAPS = "server-time echo-message batch message-tags draft/chathistory soju.im/search"
RENAME = ":srv RENAME #tea #coffee :"
Scene = Callable[[FullScreen], Awaitable[None]]


async def begin(screen: FullScreen) -> None:
    """Be an operator of #tea on a chatroom."""
    await screen.welcome("#tea", caps=CAPS)
    await page(screen, "#tea")
    await screen.hear(
        ":srv 004 alice srv chatroom-1 i n",
        ":srv 005 alice CHANMODES=beI,k,l,imnRst :are supported",
        ":bob!b@h MODE #tea +o alice",
    )


async def page(screen: FullScreen, name: str, *numbers: int) -> None:
    """Answer a CHATHISTORY."""
    await screen.hear(f"BATCH +h chathistory {name}", *(said(number, name, "h") for number in numbers), "BATCH -h")


def said(number: int, channel: str, batch: str) -> str:
    """Return the line of an old message."""
    tags = f"batch={batch};msgid=m{number};time=2029-01-01T10:{number:02}:00.000Z"
    return f"@{tags} :bob!b@h PRIVMSG {channel} :tea number {number}."


async def list_bans(screen: FullScreen) -> None:
    """Open the list of bans, and choose the one on eve."""
    await screen.choose("alt+g", "bans of")
    await screen.hear(
        ":srv NOTE CBAN ENTRY #tea :eve!*@* is banned by ada!a@h since 2030 without an end",
        ":srv NOTE CBAN END #tea :1 ban",
    )


async def lift(screen: FullScreen) -> None:
    """The list is open."""
    await list_bans(screen)
    await screen.hear(RENAME)
    await screen.press(*"eve", "enter", *"take", "enter")
    await screen.enter("y")
    assert screen.sent[-2:] == ["MODE #coffee -b eve!*@*", "CBAN #coffee"]
    await screen.see("Bans of #coffee ›")


async def lift_after_the_question(screen: FullScreen) -> None:
    """The question if the ban is to be lifted is open."""
    await list_bans(screen)
    await screen.press(*"eve", "enter", *"take", "enter")
    await screen.hear(RENAME)
    await screen.enter("y")
    assert screen.sent[-2:] == ["MODE #coffee -b eve!*@*", "CBAN #coffee"]


async def add(screen: FullScreen) -> None:
    """It is asked whom to ban."""
    await list_bans(screen)
    await screen.press(*"add", "enter")
    await screen.hear(RENAME)
    await screen.answer("Whom?", "mallory")
    await screen.answer("mallory in #coffee. How long?")
    assert screen.sent[-2:] == ["MODE #coffee +b mallory!*@*", "CBAN #coffee"]


async def lock(screen: FullScreen) -> None:
    """The lockdown of the channel is open."""
    await screen.choose("alt+g", "lockdown of")
    await screen.hear(":srv 324 alice #tea +nt", RENAME)
    await screen.press(*"all of", "enter")
    assert screen.sent[-2:] == ["MODE #coffee +miR", "MODE #coffee"]


async def kick(screen: FullScreen) -> None:
    """The menu of a person is open."""
    await screen.choose("alt+p", "bob")
    await screen.hear(RENAME)
    await screen.press(*"kick", "enter")
    await screen.answer("Kick bob.", "spam")
    assert screen.sent[-1] == "KICK #coffee bob :spam"


async def mute(screen: FullScreen) -> None:
    """It is asked for how long somebody is to be mute, and then why."""
    await screen.choose("alt+p", "bob", "mute")
    await screen.answer("bob in #tea. How long?", "1h")
    await screen.hear(RENAME)
    await screen.answer("Reason", "spam")
    assert screen.sent[-1] == "CBAN #coffee ~m:bob!*@* 1h :spam"


async def found(screen: FullScreen) -> None:
    """Messages were found; the list is open at one time, and opened anew at the other."""
    await screen.enter("/search all tea")
    await screen.hear("BATCH +s soju.im/search", said(5, "#tea", "s"), "BATCH -s")
    await screen.see("Found ›")
    await screen.hear(RENAME)
    await screen.press("enter")
    assert screen.sent[-1] == "CHATHISTORY AROUND #coffee msgid=m5 100"
    await page(screen, "#coffee", 4, 5, 6)
    await screen.see("tea number 5.")
    await screen.hear(":srv RENAME #coffee #milk :")
    await screen.press("pageup")
    assert screen.sent[-1] == "CHATHISTORY BEFORE #milk msgid=m4 100"
    await page(screen, "#milk")
    await screen.press("escape", "alt+r", "enter")
    assert screen.sent[-1] == "CHATHISTORY AROUND #milk msgid=m5 100"
    assert screen.places == ["host", "1 #milk", "+ join"]


@pytest.mark.parametrize("scene", [lift, lift_after_the_question, add, lock, kick, mute, found])
def test_what_is_open_follows_the_channel(scene: Scene) -> None:
    """The commands name the channel as it is called when they are sent."""

    async def play_it(screen: FullScreen) -> None:
        await begin(screen)
        await scene(screen)

    play(play_it)


def test_a_number_of_thousands_of_digits_is_no_place() -> None:
    """It is more than Python takes for a number: the chat goes on."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.paste(f"/buffer {'9' * 5000}")
        await screen.press("enter")
        await screen.enter("still here")
        assert screen.sent[-1] == "PRIVMSG #tea :still here"

    play(scene)
