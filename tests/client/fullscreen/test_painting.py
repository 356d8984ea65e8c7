"""What is painted, and when: a row that is the same not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.full_screen import FullScreen, play
from textual.geometry import Region

from chatroom.client.fullscreen.composer import Composer
from chatroom.client.settings.desk import SettingsDesk


def test_rows_that_are_the_same_are_not_made_anew() -> None:
    """After a new message those above are the objects that they were, and what was drawn of them is kept."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
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

    play(scene, settings=SettingsDesk(tmp_path / "client.toml"))
