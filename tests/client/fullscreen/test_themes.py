from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest
from harness.full_screen import FullScreen, play
from rich.style import Style

from chatroom.client.contrast import READABLE, contrast
from chatroom.client.fullscreen.look import _LOOKS, Looks
from chatroom.client.fullscreen.themes import TERMINAL, THEMES, Theme
from chatroom.client.rendering import NICK_STYLES
from chatroom.client.settings.chat_settings import ChatSettings
from chatroom.client.settings.client_sections import SCHEMA

OWN = [theme for theme in THEMES.values() if theme is not TERMINAL]
COLOURS_OF_MESSAGES = ["ink:000000/", "ink:ffffff/", "ink:ffff00/", "ink:0000fc/", "ink:7f7f7f/", "ink:/ff0000"]


def ink_of(style: Style) -> str:
    """Return the colour of a style as hexadecimal digits."""
    assert style.color is not None and style.color.triplet is not None
    return style.color.triplet.hex[1:]


@pytest.mark.parametrize("theme", OWN, ids=lambda theme: theme.name)
def test_all_can_be_read(theme: Theme) -> None:
    """What is new, mentions, nicks, messages' own colours and all other text have a contrast of at least 4.5."""
    looks = Looks(theme)
    for name in [*_LOOKS, "mention called", "dim link", "nick3 called", *COLOURS_OF_MESSAGES, "mention ink:ff0000/"]:
        (segment,) = looks.strip([(name, "text")], 4)
        style = segment.style
        assert style is not None and style.bgcolor is not None and style.bgcolor.triplet is not None
        assert contrast(ink_of(style), style.bgcolor.triplet.hex[1:]) >= READABLE, name
        assert not style.dim


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_nicks_differ(theme: Theme) -> None:
    """No two nicks have one colour, nor that of a warning."""
    colours = [theme.colours[role] for role in (*NICK_STYLES, "red")]
    assert all(one != other for one, other in combinations(colours, 2))


def test_the_setting_has_all_themes() -> None:
    """Each theme can be set, and no other."""
    key = SCHEMA.find_key("look.theme")
    assert key is not None and [key.kind.read_text(name.upper()) for name in THEMES] == list(THEMES)
    with pytest.raises(ValueError, match=r"^$"):
        key.kind.read("true")
    assert '"nord"' in key.kind.allowed


def test_the_terminals_own_colours() -> None:
    """By default no colour is our own: names of the terminal's colours, and dim text."""
    looks = Looks()
    assert looks.style("dim") == Style(dim=True)
    assert looks.style("ink:ff0000/").color == Style(color="red").color
    assert looks.style("ink:ffffff/") == Style()
    assert looks.style("warning").color == Style(color="red").color
    style = looks.style("f-bold f-italic f-underline f-strike f-reverse ink:000000/000000")
    assert style.bold and style.italic and style.underline and style.strike and style.reverse
    assert style.color != style.bgcolor


def test_colours_of_messages_fill_no_memory() -> None:
    """Others can name any number of colours; only some are kept."""
    looks = Looks()
    for number in range(3000):
        looks.style(f"ink:{number:06x}/")
    assert len(looks._styles) <= 1000


def backgrounds(screen: FullScreen) -> set[str]:
    """The backgrounds of all that is on the screen."""
    strips = screen.app.screen._compositor.render_strips(screen.app.size)
    styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
    return {style.bgcolor.triplet.hex for style in styles if style.bgcolor is not None and style.bgcolor.triplet}


def test_a_theme_is_set_at_once_and_kept(tmp_path: Path) -> None:
    """/set paints all in the theme, lists over the chat too, and writes it into the file."""
    file = tmp_path / "client.toml"

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        assert backgrounds(screen) == set()
        await screen.enter("/set look.theme nord")
        await screen.see('look.theme = "nord"')
        await screen.until(lambda: backgrounds(screen) == {"#2e3440"})
        await screen.press("f1")
        await screen.see("show the keys")
        await screen.until(lambda: backgrounds(screen) == {"#2e3440"})
        await screen.press("escape")
        await screen.enter("/set look.theme light")
        await screen.until(lambda: backgrounds(screen) == {"#fafafa"})
        await screen.enter("/unset look.theme")
        await screen.until(lambda: backgrounds(screen) == set())
        await screen.enter("/set look.theme gruvbox")

    play(scene, settings=ChatSettings(file))
    assert 'theme = "gruvbox"' in file.read_text()

    async def again(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.until(lambda: backgrounds(screen) == {"#282828"})

    play(again, settings=ChatSettings(file, file))


def test_no_color_leaves_no_theme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR nothing has a colour, whatever the theme; what is dim, bold or reversed stays so."""
    monkeypatch.setenv("NO_COLOR", "1")

    async def scene(screen: FullScreen) -> None:
        await screen.welcome("#lobby")
        await screen.enter("/set look.theme dark")
        await screen.hear(":bob!b@h PRIVMSG #lobby :\x0304red\x03 \x02bold")
        await screen.see("red bold")
        strips = screen.app.screen._compositor.render_strips(screen.app.size)
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        assert all(style.color is None or style.color.is_default for style in styles)
        assert any(style.dim for style in styles) and any(style.reverse for style in styles)

    play(scene, settings=ChatSettings(tmp_path / "client.toml"))
