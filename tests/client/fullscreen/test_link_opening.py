"""Links to servers that are pasted, or typed after ``/connect``."""

from __future__ import annotations

import pytest
from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.fullscreen.link_opening import link_in, link_with_token
from chatroom.client.link import Closed, Opened
from chatroom.client.servers import Chosen

INVITE = "ircs://chat.example/tea?invite=1-abc"


@pytest.mark.parametrize(
    "text, link",
    [
        (f" {INVITE}\n", INVITE),
        ("IRC://chat.example", "IRC://chat.example"),
        (f"see {INVITE}", ""),
        ("http://chat.example", ""),
        ("irc://", ""),
        ("irc://host:port/tea", ""),
        ("chat.example", ""),
    ],
)
def test_only_a_link_alone_is_one(text: str, link: str) -> None:
    """A sentence with a link is something to say, and so is a link to a web page."""
    assert link_in(text) == link


def test_a_token_needs_a_password() -> None:
    """Other addresses are left to ``/connect`` itself."""
    assert link_with_token(f"/connect {INVITE}") == INVITE
    assert link_with_token("/connect ircs://chat.example/tea") == link_with_token("/connect home") == ""
    assert link_with_token(INVITE) == link_with_token("/msg bob irc://h/?account=bob&reset=1-x") == ""


def test_a_pasted_link_is_opened_after_a_question() -> None:
    """It connects to the server; without a yes it is text, and nothing is sent."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.paste("irc://chat.example/tea")
        await screen.answer("Go to #tea on irc://chat.example? [y/N]: ")
        await screen.until(lambda: screen.prompt.startswith("to #lobby › irc://chat.example/tea"))
        await screen.press("ctrl+u")
        await screen.paste("irc://chat.example/tea\n")
        await screen.answer("Go to #tea", "y")
        await screen.until(lambda: "chat.examp…×" in screen.places)
        assert screen.chosen == {"irc://chat.example/tea": None}

    play(scene)


def test_an_invite_asks_who_the_user_will_be() -> None:
    """A link with a token asks for the nick and the new password; Esc opens nothing."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter(f"/connect {INVITE}")
        await screen.answer("Nickname there [alice]: ", "zoe")
        await screen.until(lambda: screen.prompt.startswith("New password for zoe:"))
        await screen.press("escape")
        await screen.see("The link was not opened.")
        assert screen.chosen == {}
        await screen.enter(f"/connect {INVITE}")
        await screen.answer("Nickname there [alice]: ")
        await screen.answer("New password for alice: ", "sesame12")
        await screen.answer("Repeat the password: ", "sesame12")
        await screen.until(lambda: "chat.examp…×" in screen.places)
        assert screen.chosen == {INVITE: Chosen("alice", "sesame12")}

    play(scene)


def test_a_question_of_the_login_waits_for_the_one_before() -> None:
    """Else the half-typed password would become a draft, which the next Enter says to all."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter(f"/connect {INVITE}")
        await screen.answer("Nickname there [alice]: ")
        await screen.until(lambda: screen.prompt.startswith("New password for alice:"))
        await screen.type("sesame")
        await screen.post(Closed("the network failed", was_open=True), Opened())
        await screen.hear(":srv FAIL NICK NICK_RESERVED alice :It is reserved.")
        await screen.type("12")
        await screen.press("enter")
        await screen.answer("Repeat the password: ", "sesame12")
        await screen.until(lambda: screen.prompt.startswith("Password for alice"))
        assert screen.chosen == {INVITE: Chosen("alice", "sesame12")}
        assert not any("sesame" in row for row in screen.rows)

    play(scene)


def test_a_link_to_the_server_of_this_chat_joins_its_channel() -> None:
    """No second connection is made; an invite registers the guest there. A new password needs a new start."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", caps=f"{CAPS} draft/account-registration")
        await screen.paste("irc://host/tea?invite=1-abc")
        await screen.answer("Go to #tea on irc://host? [y/N]: ", "y")
        await screen.until(lambda: "JOIN #tea" in screen.sent)
        await screen.answer("New password for alice: ", "sesame12")
        await screen.answer("Repeat the password: ", "sesame12")
        await screen.until(lambda: "REGISTER * * :sesame12" in screen.sent)
        await screen.enter("/connect irc://host/?account=bob&reset=1-x")
        await screen.see("Leave, and start chatroom with")
        assert len(screen.links) == 1

    play(scene)
