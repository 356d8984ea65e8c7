"""What the topic, the list of places and the names say. Pure."""

from __future__ import annotations

from chatroom.client.fullscreen.cells import columns, drawable, fit
from chatroom.client.fullscreen.nick_colours import NickColours
from chatroom.client.places.open_places import Places
from chatroom.client.places.place import Place
from chatroom.client.rendering import Fragment

_LEVELS = {"mention": "calls", "message": "unread", "event": "events", "quiet": "quiet"}
JOIN = "+ join"
"""The last row of the list of places."""


def numbered(places: Places) -> dict[Place, int]:
    """Return the number of each place, by which Alt and a digit bring it in front. A server's own place has none.

    The first one that was opened is number 1. So a message that opens a place changes no number that the hand knows,
    although the place stands among those of its server.
    """
    chats = sorted((place for place in places if place.kind != "server"), key=lambda place: place.opened)
    return {place: number for number, place in enumerate(chats, 1)}


def news(place: Place) -> str:
    """Return how much is new in a place: ``3`` messages, or ``3!`` if one of them speaks to the user."""
    return f"{place.unread}!" if place.mentions else f"{place.unread}" if place.unread else ""


def place_rows(places: Places, width: int) -> list[list[Fragment]]:
    """Return the list of places, one row each in their order, and a row for joining another one."""
    numbers = numbered(places)
    rows: list[list[Fragment]] = []
    for place in places:
        style = "front" if place is places.front else _LEVELS[place.level]
        lead = "" if place.kind == "server" else f"{numbers[place]:>2} "
        left_mark = "" if place.is_joined else "×"
        count = news(place) + left_mark
        room = max(width - columns(lead) - columns(count) - 1, 1)
        rows.append([(style, lead + fit(drawable(place.name), room) + count + " ")])
    return [*rows, [("quiet", f" {JOIN}")]]


def place_line(places: Places, width: int) -> list[Fragment]:
    """Return the places as one row: their numbers, the name of the one in front, and a mark for what is new."""
    row: list[Fragment] = [("", " ")]
    used = 1
    for place, number in numbered(places).items():
        mark = "!" if place.mentions else "+" if place.unread else ""
        is_front = place is places.front
        text = f"{number} {drawable(place.name)}" if is_front else f"{number}{mark}"
        used += columns(text) + 1
        if used > width:
            break
        row += [("front" if is_front else _LEVELS[place.level], text), ("", " ")]
    return row


def place_at(places: Places, column: int, width: int) -> Place | None:
    """Return the place that stands at a column of ``place_line``."""
    at = 0
    shown = iter(numbered(places))
    for style, text in place_line(places, width):
        place = next(shown, None) if style else None
        if style and at <= column < at + columns(text):
            return place
        at += columns(text)
    return None


def name_rows(place: Place, colours: NickColours) -> list[list[Fragment]]:
    """Return the names of who is here, those of the highest rank first. Who is away is dim, with a z."""
    rows: list[list[Fragment]] = []
    for member in place.members:
        is_away = member.person.away
        style = "away" if is_away else colours.peek(member.nick)
        sign, mark = member.signs[:1] or " ", " z" if is_away else ""
        rows.append([("dim", sign), (style, drawable(member.nick)), ("dim", mark)])
    return rows


def topic_row(place: Place, state: list[Fragment], width: int) -> list[Fragment]:
    """Return the name and the topic of a place, with ``state`` at the right end."""
    right = sum(columns(text) for _, text in state)
    room = max(width - right - 2, 0)
    topic = drawable(place.topic)
    name = drawable(place.name)
    text = f" {name} · {topic}" if topic else f" {name}"
    return [("", fit(text, room)), ("", " "), *state, ("", " ")]
