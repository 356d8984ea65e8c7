"""Keys, clicks and pastes that are read at once, as on a busy machine: each finds what the one before it has done."""

from __future__ import annotations

import pytest
from harness.full_screen import CAPS, FullScreen, play

from chatroom.client.fullscreen.alt_keys import KeyParser

ALL_CAPS = f"{CAPS} batch message-tags labeled-response draft/message-redaction draft/account-registration"
SECRET = "horse7battery"


async def begin(screen: FullScreen) -> None:
    """Put alice into #lobby and #tea, the latter in front; bob is there, and has said something."""
    await screen.welcome(caps=ALL_CAPS)
    for name in ("#lobby", "#tea"):
        names = f":srv 353 alice = {name} :bob @alice", f":srv 366 alice {name} :End"
        await screen.hear(f":alice!a@h JOIN {name}", *names)
        await screen.hear(f"@msgid=m{name[1]} :bob!b@h PRIVMSG {name} :who drinks tea?")
    await screen.enter("/join #tea")
    assert screen.prompt.startswith("to #tea ›")


def said(screen: FullScreen) -> list[str]:
    """What was sent, without tags and without what the client sends of its own."""
    lines = [line.partition(" ")[2] if line.startswith("@") else line for line in screen.sent]
    return [line for line in lines if line.startswith(("PRIVMSG", "CBAN", "REGISTER", "KICK"))]


def click_on(screen: FullScreen, text: str, button: int = 0) -> str:
    """Return what a terminal sends for a click on a text of the screen (SGR 1006)."""
    y = next(number for number, row in enumerate(screen.rows) if text in row)
    x = screen.rows[y].rindex(text)
    return f"\x1b[<{button};{x + 1};{y + 1}M\x1b[<{button};{x + 1};{y + 1}m"


LINES = ["/me waves", "Hello you", "hello", "é", "?", "Oh no", "A line of more than 32 characters, so long"]


@pytest.mark.parametrize("text", LINES)
def test_what_is_typed_right_behind_esc_is_not_lost_in_a_menu(text: str) -> None:
    """Esc and a key is Alt and that key, to a terminal. In a menu no Alt key means anything: it closes."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+j")
        await screen.burst(f"\x1b{text}\r")
        assert screen.prompt.startswith("to #tea ›")
        words = text.replace("/me waves", "\x01ACTION waves\x01")
        assert said(screen) == [f"PRIVMSG #tea :{words}"]

    play(scene)


@pytest.mark.parametrize("text", ["/me waves", "Hello you", "hello"])
def test_what_is_typed_right_behind_esc_answers_no_question(text: str) -> None:
    """Esc at the question kicks nobody, whatever follows."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("alt+p", *"bob", "enter", *"kick", "enter")
        await screen.see("Kick bob. Reason")
        await screen.burst(f"sp\x1b{text}\r")
        words = text.replace("/me waves", "\x01ACTION waves\x01")
        assert said(screen) == [f"PRIVMSG #tea :{words}"]

    play(scene)


def test_a_command_right_behind_esc_is_no_alt_key_in_the_chat() -> None:
    """Alt-/ goes to the place before. With a command behind it, it was Esc."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst("\x1b/me waves\r")
        assert said(screen) == ["PRIVMSG #tea :\x01ACTION waves\x01"]
        await screen.burst("\x1b/")
        assert screen.prompt.startswith("to #lobby ›")
        await screen.burst("\x1b/")
        assert screen.prompt.startswith("to #tea ›")

    play(scene)


def test_an_alt_key_without_a_meaning_types_its_character() -> None:
    """It was Esc, and then the character."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst("\x1bquit now")
        assert screen.prompt.startswith("to #tea › quit now")

    play(scene)


def test_a_password_is_asked_for_until_esc_alone() -> None:
    """An Alt key by mistake does not send the rest of the password to the room."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.enter("/register")
        await screen.see("New password for alice:")
        await screen.burst(f"ho\x1b/{SECRET}\r")
        await screen.see("Repeat the password:")
        assert not any(SECRET in line for line in screen.sent)

    play(scene)


def test_what_is_typed_right_behind_an_answer_is_for_what_comes_then() -> None:
    """The next question, or the place: no key is lost, and none is said in the room that was an answer."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.hear(":srv 004 alice srv chatroom-1 i n")
        await screen.burst("half \x1bpbob\rmute\r12h\rtoo loud\ra line\r")
        assert said(screen) == ["CBAN #tea ~m:bob!*@* 12h :too loud", "PRIVMSG #tea :half a line"]

    play(scene)


def test_a_password_that_is_typed_ahead_is_said_to_nobody() -> None:
    """/register, the password twice, and a line for the room, all at once."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst(f"/register\r{SECRET}\r{SECRET}\rdone\r")
        assert said(screen) == [f"REGISTER * * :{SECRET}", "PRIVMSG #tea :done"]

    play(scene)


def test_what_is_typed_right_behind_a_refused_question_is_for_the_room() -> None:
    """Ctrl-C closes the question; the text of before and what follows is one line."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst("one \x1bpbob\rkick\rspam\x03line\r")
        assert said(screen) == ["PRIVMSG #tea :one line"]

    play(scene)


def test_enter_right_behind_a_paste_sends_it() -> None:
    """And what is typed behind it stands behind it."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst("so \x1b[200~many words\x1b[201~ indeed\r")
        assert said(screen) == ["PRIVMSG #tea :so many words indeed"]
        await screen.burst("\x1bj\x1b[200~drinks\x1b[201~\rcopy\r")
        assert screen.app.clipboard == "who drinks tea?"

    play(scene)


def test_what_is_typed_right_behind_a_click_is_for_what_was_clicked() -> None:
    """The place, not the one before it; and the menu that the click has opened."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.burst(click_on(screen, "#lobby") + "to the lobby\r")
        assert said(screen) == ["PRIVMSG #lobby :to the lobby"]
        await screen.burst(click_on(screen, "bob") + "talk\rfor bob\r")
        assert said(screen)[1:] == ["PRIVMSG bob :for bob"]
        await screen.burst("\x1b1" + "\x1bj")
        await screen.burst(click_on(screen, "who drinks tea?") + "copy\r")
        assert screen.app.clipboard == "who drinks tea?"

    play(scene)


def test_what_was_typed_for_another_program_is_not_sent() -> None:
    """What was read before the terminal came back from the shell or the editor stands in the composer."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        keys = list(KeyParser().feed("rm -r tea\r\x1bj\x1a"))
        screen.app.typed_input.came_back()
        for key in keys:
            screen.app.post_message(key)
        await screen.settle()
        assert said(screen) == []
        assert screen.app.chat.composer.editor.text == "rm -r tea\nj"
        await screen.burst("\x15\x7fand so on\r")
        assert said(screen) == ["PRIVMSG #tea :rm -r teaand so on"]

    play(scene)


def test_enter_is_no_formatting_code() -> None:
    """Alt-C waits for a letter. Enter sends all the same, and Esc only ends the waiting."""

    async def scene(screen: FullScreen) -> None:
        await begin(screen)
        await screen.press("x", "alt+c", "escape", "y", "alt+c", "enter")
        assert said(screen) == ["PRIVMSG #tea :xy"]

    play(scene)
