"""A list to choose from, with texts of others in it: nothing of them leaves its row."""

from __future__ import annotations

from unicodedata import category

from harness.full_screen import FullScreen, play
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.fullscreen.chooser import Choice, Chooser, among
from chatroom.client.fullscreen.look import Looks

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x07\x9b\n\r\t\x02\x03\x0f\u202e\u0301\u200d\ufe0f\U0001f468\U0001f1e6漢"),
    ),
    max_size=60,
)
EVIL = "\x02a\x1b[2Jb\x07c\x9b31md\u202ee" + "\u0301" * 20 + "\U0001f468\u200d\U0001f469" * 9


@given(HOSTILE, st.lists(st.tuples(HOSTILE, HOSTILE), max_size=3), HOSTILE, st.integers(8, 90))
def test_no_choice_draws_outside_its_row(title: str, texts: list[tuple[str, str]], empty: str, width: int) -> None:
    """Title, texts and explanations may come from others: each row has its width, and drives no terminal."""
    choices = [Choice(f"{number}", *text) for number, text in enumerate(texts)]
    chooser = Chooser(title, among(choices), lambda value: None, empty=empty)
    for y in range(len(choices) + 3):
        strip = Looks().strip(chooser.row(y, width), width)
        assert strip.cell_length == width == sum(segment.cell_length for segment in strip)
        assert not any(category(char) in ("Cc", "Cf", "Cs") for char in strip.text)


def test_menus_of_hostile_messages_and_masks_draw_in_their_rows() -> None:
    """A message of several lines is the title of its menu, a nick that of its own, a mask is in a list."""

    async def scene(screen: FullScreen) -> None:
        await screen.welcome(caps="server-time echo-message batch message-tags draft/multiline")
        await screen.hear(
            ":srv 005 alice CHANMODES=beI,k,l,imnst :are supported",
            ":alice!a@h JOIN #lobby",
            f":srv 353 alice = #lobby :@alice {EVIL}",
            ":srv 366 alice #lobby :End",
            f":{EVIL}!b@h BATCH +1 draft/multiline #lobby",
            f"@batch=1 :{EVIL}!b@h PRIVMSG #lobby :{EVIL}",
            f"@batch=1 :{EVIL}!b@h PRIVMSG #lobby :second {EVIL}",
            f":{EVIL}!b@h BATCH -1",
        )

        def look() -> None:
            strips = screen.app.screen._compositor.render_strips(screen.app.size)
            assert all(strip.cell_length == 80 for strip in strips)
            assert "".join(strip.text for strip in strips).isprintable()

        for keys in (
            ["alt+j"],
            ["enter"],
            ["escape", "alt+p", "down"],
            ["enter"],
            ["escape", "alt+g", *"bans of", "enter"],
        ):
            await screen.press(*keys)
            look()
        await screen.hear(f":srv 367 alice #lobby {EVIL} {EVIL} 1900000000", ":srv 368 alice #lobby :End")
        look()
        await screen.press("enter")
        look()
        await screen.press(*"take", "enter")
        look()

    play(scene)
