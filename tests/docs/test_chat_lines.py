"""Every line that the documentation has typed into the chat is typed there, by the terminal client's session."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from harness.daemon import Client, until
from harness.doc_pages import PAGES, Block, name_of, read_blocks
from harness.real_session import RealSession
from harness.tls import ListeningDaemon, listening

from chatroom.client.chat_events import Denied, Trouble

BLOCKS = {}
for one in PAGES:
    BLOCKS.update({block.where: block for block in read_blocks(one) if block.language == "chat"})
BY_ADMINS = [block for block in BLOCKS.values() if name_of(block.page) != "docs/inviting.md"]
BY_GUESTS = [block for block in BLOCKS.values() if name_of(block.page) == "docs/inviting.md"]


@pytest.fixture(scope="module")
def daemon() -> Iterator[ListeningDaemon]:
    """A server where alice is an admin, and others come by a proxy, so that their addresses can be banned."""
    with listening(
        'proxy_protocol_from = ["127.0.0.1"]', limits__enabled=False, accounts__registration="invite"
    ) as started:
        started.create("alice", "admin")
        yield started


@pytest.fixture(autouse=True)
def left(daemon: ListeningDaemon) -> Iterator[None]:
    """Wait until the server has seen all people of a block leave: those of the next one may have the same nicks."""
    yield
    until(lambda: daemon.status()["sessions"] == 0, "all people of the block have left")


def typed_lines(block: Block) -> list[str]:
    """Return what is typed; what stands behind two blanks says what it does."""
    return [re.split(r"  +", line.strip())[0] for line in block.text.splitlines() if line.strip()]


def type_line(session: RealSession, line: str, number: int) -> None:
    """Type a line, and wait until the server has answered it. It must not be refused."""
    before = len(session.seen)
    session.enter(line)
    if session.session.question is not None:
        session.enter("y")
    session.enter(f"/msg fence done {number}")
    session.entry("fence", f"done {number}")
    refused = [event for event in session.seen[before:] if isinstance(event, Denied | Trouble)]
    assert refused == [], line


@pytest.mark.parametrize("block", BY_ADMINS, ids=lambda block: block.where)
def test_what_an_admin_types(daemon: ListeningDaemon, block: Block) -> None:
    """Each line does something; for each of those that are about bob there is another one."""
    with daemon.connect("fence"), RealSession(daemon.port, "alice", account=True) as alice:
        for number, line in enumerate(typed_lines(block)):
            with Client(daemon.second_port) as bob:
                nick = f"bob{block.line}-{number}"
                bob.send_bytes(f"PROXY TCP4 198.51.100.{number} 203.0.113.1 50000 6667\r\n".encode())
                bob.register(nick)
                type_line(alice, re.sub(r"\bbob\b", nick, line), 100 * block.line + number)


@pytest.mark.parametrize("block", BY_GUESTS, ids=lambda block: block.where)
def test_what_an_invited_guest_types(daemon: ListeningDaemon, block: Block) -> None:
    """The lines register the account, with the token of an invite."""
    token = daemon.place.ctl_json("invite", "create")["token"]
    nick = f"guest{block.line}"
    with daemon.connect("fence"), RealSession(daemon.port, nick) as guest:
        for number, line in enumerate(typed_lines(block)):
            type_line(guest, line.replace("token", token), 100 * block.line + number)
        account = next(one["account"] for one in daemon.place.ctl_json("who") if one["nick"] == nick)
        assert account == nick
