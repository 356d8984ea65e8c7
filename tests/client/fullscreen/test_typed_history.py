from __future__ import annotations

from chatroom.client.fullscreen.arrangement import arrange
from chatroom.client.fullscreen.nick_colours import NickColours
from chatroom.client.fullscreen.typed_history import MOST_KEPT, TypedHistory
from chatroom.client.rendering import NICK_STYLES, nick_style


def test_the_arrows_walk_and_come_back() -> None:
    """Arrow up shows older texts, arrow down leads back to what was being typed."""
    history = TypedHistory()
    for text in ("one", "two", "", "one", "three"):
        history.add(text)
    assert history.older("dra") == "three"
    assert history.older("three") == "one"
    assert history.older("one") == "two"
    assert history.older("two") is None
    assert history.newer("two") == "one"
    assert history.newer("one") == "three"
    assert history.newer("three") == "dra"
    assert history.newer("dra") is None


def test_a_changed_old_text_is_the_new_draft() -> None:
    """Who changes an old text and walks on does not lose the change."""
    history = TypedHistory()
    history.add("one")
    history.add("two")
    assert history.older("") == "two"
    assert history.newer("two!") is None
    assert history.older("two!") == "two"
    assert history.newer("two") == "two!"


class Kept:
    """A memory of typed texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)

    def list_typed(self, most: int) -> list[str]:
        """Return the last texts."""
        return self.texts[-most:]

    def add_typed(self, text: str) -> None:
        """Keep a text."""
        self.texts.append(text)


def test_texts_of_earlier_chats_are_there() -> None:
    """The arrow up finds what was typed in the last chat; what may be a password is not kept."""
    memory = Kept("old", "older")
    history = TypedHistory(memory, 10)
    assert history.older("") == "older"
    history.add("new", "#tea")
    history.add("/msg NickServ IDENTIFY secret", "#tea")
    assert memory.texts == ["old", "older", "new"]
    assert history.texts[-1].startswith("/msg")
    assert TypedHistory(memory, 0).texts == []


def test_all_words_are_looked_for() -> None:
    """A search finds texts with all words, newest first."""
    history = TypedHistory()
    for text in ("/topic Tea time", "time for tea", "coffee"):
        history.add(text)
    assert history.find("TEA time") == ["time for tea", "/topic Tea time"]


def test_old_texts_are_dropped() -> None:
    """The history is bounded."""
    history = TypedHistory()
    for number in range(MOST_KEPT + 10):
        history.add(f"{number}")
    assert len(history.texts) == MOST_KEPT
    assert history.texts[0] == "10"


def test_no_two_who_speak_look_alike() -> None:
    """As many nicks as there are colours have one each, and the first keeps the colour of its name."""
    colours = NickColours()
    nicks = [f"nick{number}" for number in range(len(NICK_STYLES))]
    styles = [colours.of(nick) for nick in nicks]
    assert len(set(styles)) == len(NICK_STYLES)
    assert styles[0] == nick_style("nick0")
    assert [colours.of(nick.upper()) for nick in nicks] == styles
    assert colours.peek("nick1") == styles[1]
    for number in range(100):
        colours.of(f"other{number}")
    assert colours.peek("nick3") == nick_style("nick3")


def test_a_small_terminal_has_less_around_the_log() -> None:
    """Names go first, then the list of places, and with few rows the topic."""
    assert arrange(120, 40)[:3] == (True, True, True)
    assert arrange(120, 40, wants_names=False)[:3] == (True, True, False)
    assert arrange(79, 20)[:3] == (True, True, False)
    assert arrange(59, 11)[:3] == (False, False, False)
