from __future__ import annotations

import pytest
from harness.client_stage import Stage
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.chat_events import Info, Said
from chatroom.client.contrast import READABLE, contrast, nearest_of_terminal, readable
from chatroom.client.formatting import CODES, MARKS, bare, parts_of, typed_styles
from chatroom.client.rendering import render
from chatroom.client.screen_style import style_words
from chatroom.client.text import clean
from chatroom.client.typed_lines import spoken_lines

CODED = st.text(st.one_of(st.sampled_from(CODES), st.sampled_from("0123456789,abcdef "), st.characters()), max_size=60)
COLOURS = st.integers(0, 0xFFFFFF).map("{:06x}".format)


@pytest.mark.parametrize(
    "text, parts",
    [
        pytest.param("plain", [("", "plain")], id="plain"),
        pytest.param("\x02a\x1db\x02c\x0fd", [("f-bold", "a"), ("f-bold f-italic", "b"), ("f-italic", "c"), ("", "d")]),
        pytest.param("\x1fa\x1f\x1eb\x1e\x16c\x16\x11d", [
            ("f-underline", "a"), ("f-strike", "b"), ("f-reverse", "c"), ("f-mono", "d"),
        ], id="each style"),
        pytest.param("\x034red\x03,1", [("ink:ff0000/", "red"), ("", ",1")], id="one digit, and a comma of the text"),
        pytest.param("\x0304,01a\x0312b\x03c", [
            ("ink:ff0000/000000", "a"), ("ink:0000fc/000000", "b"), ("", "c"),
        ], id="the background stays"),
        pytest.param("\x031234", [("ink:0000fc/", "34")], id="two digits at most"),
        pytest.param("\x0399,04a\x0304,99b", [("ink:/ff0000", "a"), ("ink:ff0000/", "b")], id="99 is the screen's own"),
        pytest.param("\x0387,98a", [("ink:ff94d3/ffffff", "a")], id="the colours up to 98"),
        pytest.param("\x04FF8000,102030a\x04b", [("ink:ff8000/102030", "a"), ("", "b")], id="hexadecimal"),
        pytest.param("\x04ff80a", [("", "ff80a")], id="too short for a colour"),
        pytest.param("\x03\u0664a", [("", "\u0664a")], id="a digit of another script is text"),
    ],
)  # fmt: skip
def test_parts(text: str, parts: list[tuple[str, str]]) -> None:
    """A text is cut where its formatting changes; codes toggle, colours replace each other."""
    assert parts_of(text) == parts
    assert "".join(part for _, part in parts) == bare(text)


@given(CODED)
def test_codes_change_looks_only(text: str) -> None:
    """Whatever the codes, the text is that without them, and each typed character has one look."""
    line = text.replace("\n", "")
    assert "".join(part for _, part in parts_of(line)) == bare(line)
    assert not set(bare(line)) & set(CODES)
    assert len(typed_styles(text)) == len(text)


@given(COLOURS, COLOURS)
def test_any_colour_becomes_readable(ink: str, paper: str) -> None:
    """A colour is changed until it can be read on its background, and one that can be read stays."""
    assert contrast(readable(ink, paper), paper) >= READABLE
    assert contrast(ink, paper) < READABLE or readable(ink, paper) == ink


def test_colours_of_the_terminal() -> None:
    """Without a background a colour is one of the terminal's own; black, white and greys are its own text colour."""
    colours = {name: nearest_of_terminal(parts_of(f"\x03{name}x")[0].style[4:10]) for name in ("04", "03", "12", "13")}
    assert colours == {"04": "red", "03": "green", "12": "blue", "13": "magenta"}
    assert [nearest_of_terminal(colour) for colour in ("ffffff", "000000", "7f7f7f", "ffff00", "00ffff")] == [
        "", "", "", "yellow", "cyan",
    ]  # fmt: skip
    assert style_words("mention ink:ff0000/ f-bold") == "class:mention fg:ansired bold"
    assert style_words("ink:000000/") == ""
    assert style_words("ink:ffffff/ffffff f-mono") == "fg:#737373 bg:#ffffff"


def test_a_message_keeps_its_codes_beside_its_text() -> None:
    """Text, mentions and what a pipe prints have no codes; the screen has their styles. A server has none."""
    stage = Stage()
    stage.welcome("#lobby")
    said, action, notice, of_server, topic = stage.hear(
        ":bob!b@h PRIVMSG #lobby :a\x02li\x1bce\x02: \x0304hi\x03",
        ":bob!b@h PRIVMSG #lobby :\x01ACTION \x1dwaves\x01",
        ":bob!b@h NOTICE #lobby :\x1funder",
        ":srv NOTICE #lobby :\x02bold",
        ":bob!b@h TOPIC #lobby :\x02tea",
    )
    assert isinstance(said, Said) and (said.text, said.formatted) == ("alice: hi", "a\x02lice\x02: \x0304hi\x03")
    assert isinstance(action, Said) and (action.text, action.written) == ("waves", "\x1dwaves")
    assert isinstance(notice, Said) and notice.text == "under"
    assert isinstance(of_server, Info) and of_server.text == "bold"
    assert [line.text for event in (said, action, topic) for line in render(event, "alice")] == [
        "<bob> alice: hi", "* bob waves", "bob set the topic: tea",
    ]  # fmt: skip
    (line,) = render(said, "alice", formatted=True)
    assert line.words[3:] == [
        ("mention", "a"), ("mention f-bold", "lice"), ("mention", ": "), ("mention ink:ff0000/", "hi"),
    ]  # fmt: skip
    assert render(action, formatted=True)[0].words[-2:] == [("", " "), ("f-italic", "waves")]
    assert line.text == "<bob> alice: hi"


def test_what_is_typed_goes_out_with_its_codes() -> None:
    """Codes go to the server, and the user's own line shows them; codes are no line ends and no blanks to be cut."""
    stage = Stage()
    stage.welcome("#lobby", caps="server-time echo-message")
    assert spoken_lines("\x1da\x1db\nc\x1e\r\nd") == ["\x1da\x1db", "c\x1e", "d"]
    stage.session.enter("\x1dslanted\x1d \x1estruck\x1e")
    (under_way,) = stage.session.speech.under_way
    assert under_way.text == "slanted struck"
    assert stage.link.lines[-1] == "PRIVMSG #lobby :\x1dslanted\x1d \x1estruck\x1e"
    (echo,) = stage.hear(":alice!a@h PRIVMSG #lobby :slanted struck")  # the server has taken them away
    assert isinstance(echo, Said) and echo.key == under_way.key
    stage.confirm()
    stage.session.enter("/msg bob \x1fhi\x1f")
    assert stage.link.lines[-1] == "PRIVMSG bob :\x1fhi\x1f"
    stage.confirm()
    stage.session.enter("/me \x1fhi\x1f")
    assert stage.link.lines[-1] == "PRIVMSG #lobby :\x01ACTION \x1fhi\x1f\x01"
    stage.lose()
    assert stage.session.navigation.take_draft() == "/me \x1fhi\x1f"


def test_a_search_is_for_the_text() -> None:
    """Codes among the words of a search are left out."""
    stage = Stage()
    stage.welcome("#lobby", caps="server-time batch soju.im/search")
    stage.session.enter("/search \x02tea\x02")
    assert "text=tea" in stage.link.lines[-1]


@given(CODED)
def test_marks_are_for_codes_only(text: str) -> None:
    """Every code has a letter, and a text without codes is what it is after cleaning."""
    assert set(MARKS) == set(CODES)
    if not set(text) & set(CODES):
        assert bare(clean(text)) == clean(text)
