from __future__ import annotations

from harness.full_screen import FullScreen, play

from chatroom.client.link import Closed, Opened

CAPS = "server-time echo-message batch message-tags draft/chathistory soju.im/search"


def said(number: int, channel: str = "#tea", batch: str = "") -> str:
    """Return the line of an old message."""
    tags = f"{f'batch={batch};' if batch else ''}msgid=m{number};time=2029-01-01T10:{number:02}:00.000Z"
    return f"@{tags} :bob!b@h PRIVMSG {channel} :tea number {number}."


async def page(screen: FullScreen, name: str, *numbers: int) -> None:
    """Answer a CHATHISTORY."""
    lines = [said(number, name, "h") for number in numbers]
    await screen.hear(f"BATCH +h chathistory {name}", *lines, "BATCH -h")


async def begin(screen: FullScreen) -> None:
    """Be in #lobby and #tea, where only what is said now is known."""
    await screen.welcome("#lobby", "#tea", caps=CAPS)
    for name in ("#lobby", "#tea"):
        assert screen.sent[-1] == f"CHATHISTORY LATEST {name} * 50"
        await page(screen, name)
    await screen.hear(said(30))


async def search(screen: FullScreen, *lines: str) -> None:
    """Search, and find these."""
    await screen.enter("/search all tea")
    assert screen.sent[-1].startswith("SEARCH text=tea")
    await screen.hear("BATCH +s soju.im/search", *lines, "BATCH -s")


def test_what_was_found_is_shown_where_it_was_said() -> None:
    """Enter on a result shows it among what was said around it; paging goes on both ways, and ends in the log."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await search(screen, said(4, batch="s"), said(5, batch="s"))
        await screen.see("Found ›")
        assert next(row for row in screen.rows if "bob: tea number" in row).rstrip("│ ").endswith("number 5.")
        await screen.press("enter")
        assert screen.sent[-1] == "CHATHISTORY AROUND #tea msgid=m5 100"
        await page(screen, "#tea", 3, 4, 5, 6)
        await screen.see("tea number 5.")
        await screen.see("as of 01 January 2029 · Esc to the newest")
        assert screen.prompt.startswith("to #tea ›")
        assert not any("tea number 30." in row for row in screen.rows)
        marked = screen.app.chat.log_widget.shown
        assert marked is not None and marked.marked is not None and marked.marked.id == "m5"
        await screen.hear(":bob!b@h PRIVMSG #tea :just now")
        assert "2 #tea 1" in screen.places  # what is said now is not seen
        await screen.press("pageup")
        assert screen.sent[-1] == "CHATHISTORY BEFORE #tea msgid=m3 100"
        await page(screen, "#tea")
        asked = len(screen.sent)
        await screen.press("pageup")
        assert len(screen.sent) == asked
        await screen.press("pagedown")
        assert screen.sent[-1] == "CHATHISTORY AFTER #tea msgid=m6 100"
        await page(screen, "#tea", 7, 30)
        await screen.see("tea number 7.")
        await screen.press("pagedown")  # the log begins with the last one
        await screen.see("just now")
        assert not any("tea number 7." in row for row in screen.rows)
        await screen.press("alt+r", "enter")
        assert screen.sent[-1] == "CHATHISTORY AROUND #tea msgid=m5 100"
        await page(screen, "#tea", 4, 5)
        await screen.see("tea number 4.")
        await screen.press("alt+u")  # the line "new" is in the log
        await screen.see("just now")
        await screen.press("alt+r", "enter")
        await page(screen, "#tea", 4, 5)
        await screen.see("tea number 4.")
        await screen.press("escape")
        await screen.see("just now")
        assert not any("tea number 4." in row for row in screen.rows)

    play(scene)


def test_a_result_that_is_in_the_log_is_shown_there() -> None:
    """Nothing is asked for; Alt-S finds what the program has, without the server."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await search(screen, said(30, batch="s"))
        asked = len(screen.sent)
        await screen.press("enter")
        assert screen.prompt.startswith("to #tea ›")
        await screen.see("tea number 30.")
        await screen.press("alt+s", *"r 30")
        await screen.see("Search › r 30")
        await screen.press("enter")
        assert screen.app.screen is screen.app.chat
        assert len(screen.sent) == asked

    play(scene)


def test_a_list_does_not_come_between_what_is_typed() -> None:
    """Who types by the time the answer comes is told of it only; nothing found is said as well."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+r")
        await screen.see("Nothing was searched for")
        await search(screen)
        await screen.see("Nothing found.")
        await screen.enter("/search tea")
        await screen.type("meanwhile")
        await screen.hear("BATCH +s soju.im/search", said(4, batch="s"), "BATCH -s")
        await screen.see("Found 1 message: Alt-R lists them.")
        assert screen.prompt.endswith("› meanwhile")

    play(scene)


def test_what_a_server_has_found_is_gone_with_it() -> None:
    """No place is opened that belongs to no server."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("/connect other")
        await screen.post(Opened(), server="other")
        await screen.hear(
            f":srv CAP * LS :{CAPS}",
            f":srv CAP * ACK :{CAPS}",
            ":srv 001 alice :Hi",
            ":srv 422 alice :No",
            ":alice!a@h JOIN #tea",
            server="other",
        )
        await screen.press("alt+2")
        await screen.enter("/search all tea")
        await screen.hear("BATCH +s soju.im/search", said(5, batch="s"), "BATCH -s", server="other")
        await screen.see("Found ›")
        await screen.press("escape")
        await screen.enter("/disconnect")
        await screen.post(Closed("bye", was_open=True), server="other")
        await screen.press("alt+r")
        await screen.see("You have left the server that has found something.")
        assert screen.places == ["host", "1 #lobby", "+ join"]
        await screen.enter("still here")
        assert "PRIVMSG #lobby :still here" in screen.links[0].sent

    play(scene)


def test_a_server_may_not_show_it() -> None:
    """A refusal, a page without the message, a lost connection and a server without history are said; the log stays."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await search(screen, said(5, batch="s"), said(6, "dave", batch="s"))
        for answer in ("FAIL CHATHISTORY MESSAGE_ERROR AROUND :No", "BATCH +h chathistory #tea\nBATCH -h"):
            await screen.press("alt+r", "down", "enter")
            await screen.hear(*answer.split("\n"))
            await screen.see("The server does not show what was said there.")
            assert any("tea number 30." in row for row in screen.rows)
        await screen.press("alt+r", "enter")
        assert screen.prompt.startswith("to bob ›")
        await screen.post(Closed("gone", was_open=True))
        await screen.press("alt+r", "down", "enter")
        await screen.see("This server does not show what was said around a message.")

    play(scene)
