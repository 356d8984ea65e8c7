"""The link between two daemons, within one process."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.errors import HandoverRefused
from chatroom.server.handover import handover_link as link_module
from chatroom.server.handover.handover_link import Link

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    """Both ends of a link."""
    one, other = socket.socketpair()
    with one, other:
        yield Link(one), Link(other)


@given(message=st.dictionaries(st.text(), JSON))
def test_messages_come_as_they_were_sent(message: dict[str, object]) -> None:
    """Whatever JSON can say."""
    one, other = socket.socketpair()
    with one, other:
        Link(one).send(message)
        assert Link(other).receive() == message


def test_a_long_message_comes_whole(ends: tuple[Link, Link]) -> None:
    """Also one that does not fit into the kernel's buffer."""
    message = {"text": "x" * 5_000_000}
    sending = threading.Thread(target=ends[0].send, args=(message,))
    sending.start()
    assert ends[1].receive() == message
    sending.join()


def test_no_message_in_time_is_none(ends: tuple[Link, Link]) -> None:
    """And the next one is still read whole."""
    assert ends[1].receive(0.0001) is None
    ends[0].send({"ready": True})
    assert ends[1].receive(5.0) == {"ready": True}


def test_an_end_that_does_not_read_is_given_up() -> None:
    """What does not fit into the kernel's buffer waits no longer than it may."""
    one, other = socket.socketpair()
    with one, other, pytest.raises(HandoverRefused, match="does not answer"):
        Link(one, 0.01).send({"text": "x" * 5_000_000})


def test_descriptors_come_in_their_order(ends: tuple[Link, Link], monkeypatch: pytest.MonkeyPatch) -> None:
    """In batches, with messages before and after, and no program that is started gets them."""
    monkeypatch.setattr(link_module, "MOST_DESCRIPTORS", 3)
    pipes = [os.pipe() for _ in range(5)]
    ends[0].send({"before": 1})
    ends[0].send_descriptors([read for read, _ in pipes])
    ends[0].send({"after": 2})
    assert ends[1].receive() == {"before": 1}
    received = ends[1].receive_descriptors(5)
    assert ends[1].receive() == {"after": 2}
    for (read, write), number in zip(pipes, received, strict=True):
        os.write(write, str(read).encode())
        assert os.read(number, 10) == str(read).encode()
        assert not os.get_inheritable(number)
        for each in (read, write, number):
            os.close(each)


def test_the_end_of_the_link_is_an_error_in_words(ends: tuple[Link, Link]) -> None:
    """Whatever is done with it."""
    ends[0].close()
    for act in (
        ends[1].receive,
        lambda: ends[1].receive(1.0),
        lambda: ends[1].receive_descriptors(1),
        lambda: ends[1].send({}),
        lambda: ends[1].send_descriptors([0]),
    ):
        with pytest.raises(HandoverRefused):
            act()
    ends[1].close()
    for act in (ends[1].receive, lambda: ends[1].receive_descriptors(1)):
        with pytest.raises(HandoverRefused):
            act()


def test_a_message_that_is_cut_short_is_an_error() -> None:
    """The other daemon was killed while it sent."""
    one, other = socket.socketpair()
    with other:
        one.sendall((100).to_bytes(8) + b"{")
        one.close()
        with pytest.raises(HandoverRefused, match="has ended"):
            Link(other).receive()
