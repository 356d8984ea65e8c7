"""Questions and keys of the full screen: what is asked, what is shown of the answer, and what a key does."""

from __future__ import annotations

from harness.full_screen import FullScreen, play

from chatroom.client.link import Closed, Opened

SECRET = "horse7battery"


def test_a_new_password_is_typed_twice_and_not_shown() -> None:
    """Two that differ register nothing."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("/register")
        await screen.see("New password for alice:")
        await screen.enter(SECRET)
        assert not any(SECRET in row for row in screen.rows)
        await screen.see("Repeat the password:")
        await screen.enter("another")
        await screen.see("The passwords differ; nothing was registered.")
        await screen.enter("/register")
        await screen.enter(SECRET)
        await screen.enter(SECRET)
        assert screen.sent[-1].endswith(SECRET)
        assert not any(SECRET in row for row in screen.rows)
        await screen.enter("/register")
        await screen.enter("")
        await screen.see("Nothing was registered.")

    play(scene, columns=120)


def test_ctrl_c_is_no_answer() -> None:
    """The password is gone, and the next text is for the room."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("/register")
        await screen.see("New password for alice:")
        await screen.type(SECRET)
        await screen.press("ctrl+c")
        await screen.type("half a line")
        assert screen.prompt.startswith("to #lobby › half a line")
        assert not any(SECRET in line for line in screen.sent)

    play(scene, columns=120)


def test_nothing_is_said_before_the_login_is_over() -> None:
    """It may be a password that the server asks for in a moment."""

    async def scene(screen: FullScreen) -> None:
        await screen.until(lambda: bool(screen.links))
        await screen.enter(SECRET)
        await screen.see("What you typed before the login was over is dropped.")
        assert not any(SECRET in row for row in screen.rows)
        assert not any(SECRET in line for line in screen.sent)

    play(scene, columns=120)


def test_a_question_of_a_reconnect_leaves_the_draft_alone() -> None:
    """What is typed between the answer and the end of the login is dropped, and not what was typed before."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("half a line")
        await screen.post(Closed("the network failed", was_open=True), Opened())
        await screen.hear(":srv FAIL NICK NICK_RESERVED alice :It is reserved.")
        await screen.see("Password for alice")
        await screen.enter("")
        await screen.see("Another nickname:")
        await screen.press("ctrl+u")
        await screen.enter("al")
        await screen.type(SECRET)
        await screen.hear(":srv 001 al :Welcome", ":srv 422 al :No MOTD", ":al!a@h JOIN #lobby")
        await screen.see("What you typed before the login was over is dropped.")
        assert screen.prompt.split("  ")[0] == "to #lobby › half a line"
        assert not any(SECRET in row for row in screen.rows)

    play(scene, columns=120)


def test_what_is_typed_unseen_is_no_draft() -> None:
    """A password that is typed before it is asked for is not shown after the login."""

    async def scene(screen: FullScreen) -> None:
        await screen.until(lambda: bool(screen.links))
        await screen.post(Opened())
        await screen.type(SECRET)
        await screen.hear(":srv FAIL NICK NICK_RESERVED alice :It is reserved.")
        await screen.see("Password for alice")
        await screen.enter("")
        await screen.press("ctrl+u")
        await screen.enter("al")
        await screen.hear(":srv 001 al :Welcome", ":srv 422 al :No MOTD", ":al!a@h JOIN #lobby")
        await screen.see("You joined #lobby")
        assert screen.prompt.split("  ")[0] == "to #lobby ›"
        assert not any(SECRET in row for row in screen.rows)

    play(scene, columns=120)


def test_the_arrows_bring_back_what_was_typed() -> None:
    """Ctrl-C keeps a text for them, and says how to leave if there is none."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("first")
        await screen.type("second")
        await screen.press("ctrl+c")
        assert screen.prompt.startswith("to #lobby › ")
        await screen.press("up")
        assert "second" in screen.prompt
        await screen.press("up")
        assert "first" in screen.prompt
        await screen.press("down")
        assert "second" in screen.prompt
        await screen.press("down", "ctrl+c")
        await screen.see("/quit or Ctrl-D leaves the chat.")

    play(scene, columns=120)


def test_names_and_bare_text_are_switched() -> None:
    """Alt-N hides the names; Alt-L shows the log without columns; Alt-U finds nothing new."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(":bob!b@h PRIVMSG #lobby :a word")
        shown = [screen.app.chat.names.display]
        await screen.press("alt+n")
        assert [*shown, screen.app.chat.names.display] == [True, False]
        await screen.press("alt+n", "alt+u")
        await screen.see("Nothing is new here.")
        await screen.press("alt+l")
        bare = [screen.app.chat.log_widget.is_bare]
        await screen.press("alt+l", "pageup", "pagedown", "escape")
        assert [*bare, screen.app.chat.log_widget.is_bare] == [True, False]

    play(scene, columns=120)


def test_ctrl_d_deletes_or_leaves() -> None:
    """With a text it deletes the character under the cursor, without one it ends the chat."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("ab")
        await screen.press("home", "ctrl+d")
        assert screen.app.chat.composer.editor.text == "b"
        await screen.press("ctrl+d", "ctrl+d")
        assert screen.sent[-1].startswith("QUIT")
        await screen.post(Closed("closed", was_open=True))

    play(scene, columns=120)
