"""What is typed and not sent when the full screen ends."""

from __future__ import annotations

from harness.full_screen import FullScreen, play

from chatroom.client.fullscreen.left_behind import texts_left
from chatroom.client.link import Closed


def test_drafts_of_all_places_are_left() -> None:
    """With the name of the place, in lines of their own; a long one is cut."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        assert texts_left(screen.app.chat) == []
        await screen.type("half a line")
        await screen.press("alt+2")
        await screen.paste("\n".join(map(str, range(25))))
        of_lobby, of_tea = texts_left(screen.app.chat)
        assert of_lobby == "Not sent to #lobby: half a line"
        assert of_tea.startswith("Not sent to #tea: 0\n  1\n")
        assert of_tea.endswith("\n  19\n  … and 5 more lines")

    play(scene, columns=120)


def test_a_message_that_did_not_get_there_is_left() -> None:
    """It is the draft of its place from the end of the connection on."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("hello?")
        await screen.hear(":srv ERROR :Closing link: You are banned from this server")
        await screen.post(Closed("gone", was_open=True))
        assert texts_left(screen.app.chat) == ["Not sent to #lobby: hello?"]

    play(scene, columns=120)


def test_nothing_that_may_be_a_password_is_left() -> None:
    """Neither an answer to a question, nor a text for NickServ and its kin."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("/msg NickServ identify horse7battery")
        assert texts_left(screen.app.chat) == []
        await screen.press("ctrl+c")
        await screen.enter("/register")
        await screen.see("New password for alice:")
        await screen.type("horse7battery")
        assert texts_left(screen.app.chat) == []

    play(scene, columns=120)
