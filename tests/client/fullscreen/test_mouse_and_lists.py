"""Mouse, scrolling, lists and editor of the full screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.full_screen import FullScreen, play
from textual import events

LINK = "https://tea.example/pot"


async def mouse(screen: FullScreen, kind: type[events.MouseEvent], x: int, y: int, button: int = 1) -> None:
    """Move the mouse to a cell of the screen, and do something there."""
    event = kind(
        None, x=x, y=y, delta_x=0, delta_y=0, button=button, shift=False, meta=False, ctrl=False, screen_x=x, screen_y=y
    )
    screen.app.screen._forward_event(event)
    await screen.settle()


async def click(screen: FullScreen, x: int, y: int, button: int = 1) -> None:
    """Press and release a button."""
    await mouse(screen, events.MouseDown, x, y, button)
    await mouse(screen, events.MouseUp, x, y, button)


def find(screen: FullScreen, text: str) -> tuple[int, int]:
    """Return column and row of a text on the screen."""
    y = next(number for number, row in enumerate(screen.rows) if text in row)
    return screen.rows[y].index(text), y


def reversed_text(screen: FullScreen, y: int) -> str:
    """The text of a row that is painted as selected."""
    strip = screen.app.screen._compositor.render_strips(screen.app.size)[y]
    return "".join(part.text for part in strip if part.style is not None and part.style.reverse)


def numbers(screen: FullScreen) -> list[int]:
    """The numbers of the lines that are in sight."""
    return [int(row.split("line ")[1].split()[0]) for row in screen.rows if "line " in row]


async def fill(screen: FullScreen) -> None:
    """Put alice into #lobby, where bob has said a hundred lines."""
    await screen.welcome("#lobby")
    await screen.hear(*(f":bob!b@h PRIVMSG #lobby :line {number}" for number in range(100)))
    await screen.see("line 99")


def test_a_text_is_selected_with_the_mouse() -> None:
    """Drawing over some words of a message puts them into the clipboard, and the screen says so."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(":bob!b@h PRIVMSG #lobby :who drinks tea?")
        x, y = find(screen, "drinks")
        await mouse(screen, events.MouseDown, x, y)
        await mouse(screen, events.MouseMove, x + 2, y)
        await mouse(screen, events.MouseMove, x + 5, y)
        assert reversed_text(screen, y) == "drinks"
        await mouse(screen, events.MouseUp, x + 5, y)
        await screen.see("copied: drinks")
        assert screen.app.clipboard == "drinks"

    play(scene)


def test_drawing_beyond_the_log_scrolls() -> None:
    """The mouse above the log scrolls to older messages, and several messages are copied with their authors."""

    async def scene(screen: FullScreen) -> None:
        await fill(screen)
        first = numbers(screen)[0]
        x, y = find(screen, f"line {first}")
        await mouse(screen, events.MouseDown, x, y)
        await mouse(screen, events.MouseMove, x, 0)
        await mouse(screen, events.MouseMove, x, 0)
        assert numbers(screen)[0] == first - 2
        await mouse(screen, events.MouseUp, x, 0)
        copied = screen.app.clipboard.split("\n")
        assert [line.split("line ")[1] for line in copied] == [f"{first - 2}", f"{first - 1}", f"{first}"]

    play(scene)


def test_a_link_is_opened_by_a_click(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a desktop the browser opens it; elsewhere it is only copied; a click on other words does nothing."""
    opened: list[str] = []

    async def scene(screen: FullScreen) -> None:
        monkeypatch.setattr(screen.app, "open_url", opened.append)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        monkeypatch.delenv("DISPLAY", raising=False)
        await screen.welcome("#lobby")
        await screen.hear(f":bob!b@h PRIVMSG #lobby :look at {LINK} please")
        x, y = find(screen, "please")
        await click(screen, x, y)
        assert screen.app.clipboard == ""
        x, y = find(screen, LINK)
        await click(screen, x + 3, y)
        await screen.see(f"copied: {LINK}")
        assert screen.app.clipboard == LINK
        assert opened == []
        monkeypatch.setenv("DISPLAY", ":0")
        await click(screen, x + 3, y)
        await screen.see(f"opened and copied: {LINK}")
        assert opened == [LINK]

    play(scene)


def test_the_right_button_shows_what_can_be_done_with_a_message() -> None:
    """The list that opens is about the message under the mouse."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear("@msgid=m1 :bob!b@h PRIVMSG #lobby :who drinks tea?")
        x, y = find(screen, "drinks")
        await click(screen, x, y, button=3)
        assert any(row.startswith("│bob: who drinks tea? ›") for row in screen.rows)
        await screen.press(*"copy", "enter")
        assert screen.app.clipboard == "who drinks tea?"

    play(scene)


def test_bare_text_leaves_the_mouse_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alt-L shows the log alone and switches the mouse off, and once more takes it back."""
    written: list[str] = []

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(":bob!b@h PRIVMSG #lobby :tea")
        assert screen.places
        monkeypatch.setattr(screen.app._driver, "write", written.append)
        await screen.press("alt+l")
        assert written == ["\x1b[?1000l\x1b[?1003l\x1b[?1006l"]
        await screen.until(lambda: not any("+ join" in row for row in screen.rows))
        await screen.press("alt+l")
        assert written[1:] == ["\x1b[?1000h\x1b[?1003h\x1b[?1006h"]
        await screen.until(lambda: any("+ join" in row for row in screen.rows))

    play(scene)


def test_keys_and_wheel_scroll() -> None:
    """Rows, pages, the wheel, the oldest and the newest message: each brings what it says into sight."""

    async def scene(screen: FullScreen) -> None:
        await fill(screen)
        last = numbers(screen)[-1]
        await screen.press("shift+up")
        assert numbers(screen)[-1] == last - 1
        await screen.press("shift+down")
        assert numbers(screen)[-1] == last
        x, y = find(screen, f"line {last}")
        await mouse(screen, events.MouseScrollUp, x, y)
        assert numbers(screen)[-1] == last - 3
        await mouse(screen, events.MouseScrollDown, x, y)
        assert numbers(screen)[-1] == last
        await screen.press("ctrl+home")
        assert numbers(screen)[0] == 0
        await screen.press("pagedown")
        assert numbers(screen)[0] > 5
        await screen.press("ctrl+end")
        assert numbers(screen)[-1] == 99

    play(scene)


def test_mentions_and_links_are_listed() -> None:
    """Alt-M goes to a message that speaks to the user, in its place; Alt-O copies a link that was said."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.press("alt+m")
        await screen.see("Nobody has spoken to you.")
        await screen.press("escape", "alt+o")
        await screen.see("No link was said here.")
        await screen.press("escape")
        await screen.hear(f":bob!b@h PRIVMSG #tea :alice: see {LINK}")
        await screen.press("alt+m")
        await screen.see("bob: alice: see")
        await screen.press("enter")
        assert screen.prompt.startswith("to #tea › ")
        await screen.press("alt+o", *"pot", "enter")
        assert screen.app.clipboard == LINK

    play(scene)


def use_editor(path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """Make a script the user's editor, on a terminal that can be given to it."""
    editor = path / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    editor.chmod(0o700)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(editor))
    # A program without a terminal refuses to be suspended.
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver.can_suspend", True)
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver.suspend_application_mode", lambda driver: None)
    monkeypatch.setattr("textual.drivers.headless_driver.HeadlessDriver.resume_application_mode", lambda driver: None)
    return editor


def test_a_text_is_written_in_the_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the editor leaves in the file is in the composer, and is sent with Enter."""
    use_editor(tmp_path, monkeypatch, 'printf " and more\\n\\n" >> "$1"')

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("half")
        await screen.press("ctrl+x")
        assert screen.prompt == "to #lobby › half and more"
        await screen.press("enter")
        assert screen.sent[-1].endswith("PRIVMSG #lobby :half and more")

    play(scene)


async def lose_text_to_editor(screen: FullScreen) -> None:
    """Open an editor that brings no text back: one line tells it, and the prompt keeps its text."""
    await screen.welcome("#lobby")
    await screen.type("half")
    await screen.press("ctrl+x")
    await screen.see("The text could not be written in")
    assert screen.prompt == "to #lobby › half"


@pytest.mark.parametrize(
    "script", ['rm "$1"', 'rm -r "$(dirname "$1")"', 'rm "$1"; mkdir "$1"', 'rm "$1"; mkfifo "$1"']
)
def test_an_editor_that_leaves_no_file_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    """It is told in one line, and the text is as it was."""
    use_editor(tmp_path, monkeypatch, script)

    play(lose_text_to_editor)


def test_without_room_for_the_file_the_editor_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no directory for temporary files."""
    use_editor(tmp_path, monkeypatch, "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))

    play(lose_text_to_editor)


def test_an_editor_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure, or an editor that is not there, is told in one line, and the text is as it was."""
    editor = use_editor(tmp_path, monkeypatch, 'echo spoilt > "$1"; exit 3')

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("half")
        await screen.press("ctrl+x")
        await screen.see("exit code 3")
        assert screen.prompt == "to #lobby › half"
        editor.unlink()
        await screen.press("ctrl+x")
        await screen.see("could not be started")
        assert screen.prompt == "to #lobby › half"

    play(scene, columns=200)


def test_one_list_has_the_places_and_the_commands() -> None:
    """Ctrl-K goes to a place by a part of its name, and finds a command by its help, which Enter puts into the text."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.press("ctrl+k", *"tea", "enter")
        await screen.until(lambda: screen.prompt.startswith("to #tea › "))
        await screen.press("ctrl+k", *"/slap-nobody")
        await screen.see("Nothing matches.")
        await screen.press("escape", "ctrl+k", *"leave a server")
        await screen.see("/disconnect [NAME]")
        await screen.press("enter")
        await screen.until(lambda: screen.prompt.startswith("to #tea › /disconnect"))

    play(scene)
