"""The link on a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from harness.link_reports import LinkReports
from harness.scripted_server import CAP_S, ScriptedServer
from hypothesis import given
from hypothesis import strategies as st

from chatroom.client.address import Address
from chatroom.client.link import MOST_WAITING, Closed, Lag, LineReader, Link, Opened, Received
from chatroom.irc.message import Message, parse

MakeLink = Callable[..., Link]


@pytest.fixture
def items() -> LinkReports:
    """What the link reports."""
    return LinkReports()


@pytest.fixture
def make_link(server: ScriptedServer, items: LinkReports) -> Iterator[MakeLink]:
    """Makes links to the scripted server, and closes them at the end."""
    links = []

    def make(idle_s: float = CAP_S, patience_s: float = CAP_S, there_s: float = CAP_S) -> Link:
        address = Address("127.0.0.1", server.port)
        link = Link(address, items.put, farewell_s=CAP_S, idle_s=idle_s, patience_s=patience_s, there_s=there_s)
        links.append(link)
        return links[-1]

    yield make
    for link in links:
        link.abandon()
        link.join(CAP_S)


def test_lines_come_and_go(server: ScriptedServer, make_link: MakeLink, items: LinkReports) -> None:
    """Sent lines arrive, and received ones are posted as messages, however the bytes were cut."""
    link = make_link()
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    link.send("NICK bob")
    assert peer.expect("NICK").params == ["bob"]
    peer.send_bytes(b":srv 001 bo")
    peer.send_bytes(b"b :Hi\r\n:srv 002 bob :x\n\r\n")
    assert [message.verb for message in items.messages(2)] == ["001", "002"]


def test_ping_is_answered(server: ScriptedServer, make_link: MakeLink, items: LinkReports) -> None:
    """The link itself answers PING, whatever the front end is doing."""
    make_link().open()
    peer = server.accept()
    peer.send("PING :are you there")
    assert peer.expect("PONG").params == ["are you there"]


def test_no_text_can_begin_another_line(server: ScriptedServer, make_link: MakeLink) -> None:
    """A line break in the text does not end the line."""
    link = make_link()
    link.open()
    peer = server.accept()
    link.send("PRIVMSG #a :one\r\nQUIT :two\0")
    link.send("LAST")
    assert [peer.read().verb, peer.read().verb] == ["PRIVMSG", "LAST"]


def test_a_key_wakes_a_link_that_nobody_watches(
    server: ScriptedServer, make_link: MakeLink, items: LinkReports
) -> None:
    """Nobody was there for long: the server is asked a minute later, or at once when a key comes. The front end sleeps
    on: it hears nothing of the answer."""
    link = make_link(idle_s=0.05, there_s=1000.0)
    link.attend(time.monotonic() - 2000.0)
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    link.attend(time.monotonic())
    assert peer.expect("PING").params == ["are-you-there"]
    peer.send_bytes(b":srv PONG srv :are-you-there\r\n:srv 001 bob :Hi\r\n")
    assert items.next() == Received([parse(":srv 001 bob :Hi")])


def test_the_servers_end_is_told(server: ScriptedServer, make_link: MakeLink, items: LinkReports) -> None:
    """When the server hangs up, its last lines are posted first, then the end, once."""
    link = make_link()
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    peer.send("ERROR :bye")
    peer.close()
    assert items.messages(1) == [Message("ERROR", ["bye"])]
    assert items.next() == Closed("the server closed the connection", was_open=True)
    link.send("TOO LATE")
    link.close()
    link.join(CAP_S)
    assert items.is_empty


def test_closing_writes_what_is_pending(server: ScriptedServer, make_link: MakeLink) -> None:
    """Everything sent before ``close`` reaches the server, even a large amount."""
    link = make_link()
    link.open()
    peer = server.accept()
    for number in range(20000):
        link.send(f"PRIVMSG #a :line {number}")
    link.send("QUIT")
    link.close()
    said = 0
    while (verb := peer.read().verb) != "QUIT":
        said += verb == "PRIVMSG"  # on a busy machine a PING comes between them
    assert said == 20000


def test_a_server_that_does_not_hang_up_is_left(server: ScriptedServer, items: LinkReports) -> None:
    """A closing link waits for the server to hang up first, but not for ever."""
    link = Link(Address("127.0.0.1", server.port), items.put, farewell_s=0.05)
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    link.send("QUIT")
    link.close()
    assert peer.read().verb == "QUIT"
    assert items.next() == Closed("closed", was_open=True)
    link.join(CAP_S)


def test_a_closing_link_asks_nothing(server: ScriptedServer, items: LinkReports) -> None:
    """A PING to a server that has hung up would cost its last lines, which are still on their way."""
    link = Link(Address("127.0.0.1", server.port), items.put, farewell_s=0.3, idle_s=0.05)
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    link.send("QUIT")
    link.close()
    assert peer.expect("QUIT").verb == "QUIT"
    while not isinstance(items.next(), Closed):
        pass
    with pytest.raises(EOFError):
        peer.read()
    link.join(CAP_S)


def test_a_silent_server_is_asked_and_then_given_up(
    server: ScriptedServer, make_link: MakeLink, items: LinkReports
) -> None:
    """After some silence the link sends a PING; without an answer the connection counts as lost."""
    make_link(idle_s=0.05, patience_s=0.05).open()
    peer = server.accept()
    assert peer.read().verb == "PING"
    assert items.next() == Opened()
    assert items.next() == Closed("the server has not answered for a while", was_open=True)


def test_a_frozen_server_is_noticed_within_seconds(
    server: ScriptedServer, make_link: MakeLink, items: LinkReports
) -> None:
    """A line without an answer is followed by a PING, and the lag is reported until the server answers."""
    link = make_link()
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    link.send("PRIVMSG #lobby :hello?")
    assert peer.read().verb == "PRIVMSG"
    assert peer.read().verb == "PING"
    assert items.next_of_all() == Lag(3)
    peer.send(":srv PONG srv :are-you-there")
    while (item := items.next_of_all()) != Lag(0):
        assert isinstance(item, Lag | Received)


def test_a_stuck_front_end_stops_the_reading(server: ScriptedServer, items: LinkReports) -> None:
    """While too many reports wait, the link posts no more; then it goes on, and loses nothing."""
    is_full, was_asked = threading.Event(), threading.Semaphore(0)
    is_full.set()

    def waiting() -> int:
        was_asked.release()
        return MOST_WAITING + 1 if is_full.is_set() else 0

    link = Link(Address("127.0.0.1", server.port), items.put, waiting=waiting)
    link.open()
    peer = server.accept()
    assert items.next() == Opened()
    peer.send("NOTICE * :1")
    assert items.messages(1)[0].params == ["*", "1"]
    peer.send("NOTICE * :2")
    for _ in range(5):
        assert was_asked.acquire(timeout=CAP_S)
    assert items.is_empty
    is_full.clear()
    assert items.messages(1)[0].params == ["*", "2"]
    link.abandon()
    link.join(CAP_S)


def test_nothing_listens(items: LinkReports) -> None:
    """A refused connection is reported with a phrase for the user."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    link = Link(Address("127.0.0.1", port), items.put)
    link.open()
    assert items.next() == Closed("no server is listening there", was_open=False)


def test_a_wait_can_be_called_off(server: ScriptedServer, make_link: MakeLink, items: LinkReports) -> None:
    """A link that waits for its attempt ends when it is closed."""
    link = make_link()
    link.open(after_s=3600)
    link.close()
    assert items.next() == Closed("cancelled", was_open=False)


def test_latin_1_is_read_too() -> None:
    """A line that is not UTF-8 is read as Latin-1 instead of being lost."""
    assert LineReader().feed("caf\u00e9\r\n".encode("latin-1") + "caf\u00e9\n".encode()) == ["caf\u00e9", "caf\u00e9"]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    """A line that is far too long is dropped, and the next line is read."""
    reader = LineReader()
    assert reader.feed(b"x" * 20000) == []
    assert reader.feed(b"x" * 20000) == []
    assert reader.feed(b"rest\nnext\n") == ["next"]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), min_size=1)), st.data())
def test_cuts_do_not_matter(lines: list[str], data: st.DataObject) -> None:
    """The lines are the same however the bytes are cut."""
    wire = "".join(f"{line}\r\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)))))
    reader = LineReader()
    out = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        out += reader.feed(wire[start:end])
    assert out == lines
