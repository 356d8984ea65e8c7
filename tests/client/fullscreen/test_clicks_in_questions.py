"""The mouse while the user is asked something: like the keys, it leads nowhere else."""

from __future__ import annotations

from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.link import Opened

OPERATOR = (":srv 004 alice srv chatroom-1 i n", ":srv MODE alice +o")
LOBBY = (":alice!a@h JOIN #lobby", ":srv 353 alice = #lobby :@alice bob", ":srv 366 alice #lobby :End")


async def begin(screen: FullScreen) -> None:
    """Be a moderator in #lobby on two servers, the first one in front."""
    await screen.welcome()
    await screen.hear(*OPERATOR, *LOBBY)
    await screen.enter("/connect other")
    await screen.post(Opened(), server="other")
    welcome = (f":srv CAP * LS :{CAPS}", f":srv CAP * ACK :{CAPS}", ":srv 001 alice :Hi", ":srv 422 alice :No")
    await screen.hear(*welcome, *OPERATOR, *LOBBY, server="other")
    await screen.press("alt+1")


async def click(screen: FullScreen, text: str, button: int = 1) -> None:
    """Click on a text."""
    y = next(number for number, row in enumerate(screen.rows) if text in row)
    await screen.pilot.click(offset=(screen.rows[y].index(text), y), button=button)
    await screen.settle()


def test_a_ban_is_carried_out_on_the_server_where_it_was_begun() -> None:
    """A click on a place of another server does not lead there before the last question is answered."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.choose("alt+p", "bob", "ban the name")
        await screen.answer("Ban bob from the server. How long?", "1h")
        await screen.answer("Reason")
        await click(screen, "2 #lobby")
        await screen.answer("Ban bob from the whole server, 1h?", "y")
        assert screen.links[0].sent[-1] == "UBAN ADD bob 1h"
        assert not any("UBAN" in line for line in screen.links[1].sent)
        await click(screen, "2 #lobby")
        await screen.enter("hello there")
        assert "PRIVMSG #lobby :hello there" in screen.links[1].sent

    play(scene)


def test_what_is_typed_for_a_question_stays() -> None:
    """A click on "join" does not put a command into it, and no menu of a message or a person opens."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":bob!b@h PRIVMSG #lobby :hello")
        await screen.choose("alt+p", "bob", "kick from #lobby")
        await screen.type("spa")
        for text, button in (("+ join", 1), ("hello", 3), ("bob", 1)):
            await click(screen, text, button)
        await screen.type("m")
        await screen.answer("Kick bob. Reason (Enter for none): spam")
        assert screen.links[0].sent[-1] == "KICK #lobby bob :spam"

    play(scene)
