"""What is painted, and when: a key at once and alone, a row that is the same not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.full_screen import FullScreen, play
from textual import events
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.geometry import Region, Size
from textual.strip import Strip

from chatroom.client.fullscreen.composer import Composer
from chatroom.client.fullscreen.log_widget import LogWidget
from chatroom.client.settings.chat_settings import ChatSettings


def watch(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Return a list that gets the rows of the screen of each paint from now on."""
    painted: list[list[int]] = []

    def display(app: App[int], screen: object, update: Any) -> None:
        if update is not None:
            painted.append([y for y, _, _ in update.spans] if isinstance(update, ChopsUpdate) else [])

    monkeypatch.setattr(App, "_display", display)
    return painted


def test_a_key_is_painted_at_once_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything else has a turn, though the log waits to be painted; which it is then."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        painted = watch(monkeypatch)
        rows: list[int] = []
        paint_row = LogWidget.paint_row

        def note(log: LogWidget, y: int, size: Size) -> Strip:
            rows.append(y)
            return paint_row(log, y, size)

        monkeypatch.setattr(LogWidget, "paint_row", note)
        screen.app.chat.log_widget.repaint()
        await screen.app.on_event(events.Key("h", "h"))
        assert painted == [[23]] and rows == []
        assert screen.prompt.startswith("to #lobby › h")
        await screen.until(lambda: len(painted) > 1)
        assert 10 in painted[1] and 23 not in painted[1]

    play(scene)


def test_a_key_that_makes_the_composer_higher_waits_for_the_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the new row would stand in place of the first one for a moment."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.type("one")
        painted = watch(monkeypatch)
        await screen.app.on_event(events.Key("alt+enter", None))
        assert painted == []
        await screen.until(lambda: screen.app.chat.composer.size.height == 2)
        assert screen.rows[-2].startswith("to #lobby › one")

    play(scene)


def test_a_key_over_a_list_paints_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """The composer under a list is not painted over it."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby", "#tea")
        await screen.press("ctrl+k")
        painted = watch(monkeypatch)
        await screen.app.on_event(events.Key("t", "t"))
        assert painted == []
        await screen.see("#tea")

    play(scene)


def test_a_key_waits_while_nothing_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual holds paints back now and then; the key is in the next one."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        painted = watch(monkeypatch)
        with screen.app.batch_update():
            await screen.app.on_event(events.Key("h", "h"))
            assert painted == []
        await screen.until(lambda: any(23 in rows or not rows for rows in painted))

    play(scene)


def test_rows_that_are_the_same_are_not_made_anew() -> None:
    """After a new message those above are the objects that they were, and what was drawn of them is kept."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.see("@bob")  # all has its place
        log, names = screen.app.chat.log_widget, screen.app.chat.names
        size = log.size
        before = log.render_lines(size.region), names.render_lines(names.size.region)
        await screen.hear(":bob!b@h PRIVMSG #lobby :hello")
        after = log.render_lines(size.region), names.render_lines(names.size.region)
        assert after[0][-1].text.split()[1:] == ["bob", "hello"]
        assert len(before[0]) == len(after[0]) == size.height
        assert after[0][-2] is before[0][-1]
        assert all(one is other for one, other in zip(before[1], after[1], strict=True))

    play(scene)


@pytest.mark.parametrize("no_color", [True, False])
def test_a_part_of_a_widget_is_cut_out_of_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_color: bool
) -> None:
    """If another one covers the rest; with and without colours."""
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        composer: Composer = screen.app.chat.composer
        (strip,) = composer.render_lines(Region(3, 0, 6, 1))
        assert strip.text == composer.render_line(0).text[3:9] == "#lobby"

    play(scene, settings=ChatSettings(tmp_path / "client.toml"))


def test_a_screen_higher_than_what_is_kept_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the rows of fewer entries are kept than are shown, the others are made again for each paint."""
    monkeypatch.setattr("chatroom.client.fullscreen.shown_log._MOST_KEPT", 4)

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.hear(*(f":bob!b@h PRIVMSG #lobby :number {number}" for number in range(20)))
        for number in range(20):
            await screen.see(f"number {number}")

    play(scene)
