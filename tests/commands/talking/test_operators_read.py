"""Channel mode U: what users without a standing say is read by the channel's operators only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.world import Here, verbs

from chatroom.storage.sql.history_archive import read_all


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    """A world with a history, where op operates #u, vic has a voice, and una and eve have no standing."""
    with Here(tmp_path / "chat.db", history=True) as world:
        world.member("op").say("JOIN #u", "MODE #u +U")
        for nick in ("vic", "una", "eve"):
            world.member(nick, caps="message-tags draft/chathistory batch").say("JOIN #u")
        clients = {client.user.nick: client for client in world.clients.values()}
        clients["op"].say("MODE #u +v vic")
        world.forget_unread()
        yield world


def reads(here: Here) -> dict[str, list[str]]:
    """The verbs that each user has read since the last call."""
    return {client.user.nick: verbs(client.read()) for client in here.clients.values() if not client.closed}


@pytest.mark.parametrize("line", ["PRIVMSG #u :hello", "NOTICE #u :hello", "PRIVMSG #U :hello", "PRIVMSG +#u :hello"])
def test_only_operators_read_users_without_a_standing(here: Here, line: str) -> None:
    """Neither voiced members nor others read it, not even if it is for all members with a standing."""
    una = next(client for client in here.clients.values() if client.user.nick == "una")
    una.say(line)
    assert reads(here) == {"op": [line.split()[0]], "vic": [], "una": [], "eve": []}


def test_members_with_a_standing_are_read_by_all(here: Here) -> None:
    """Operators and voiced members speak as ever, and so do the server's operators."""
    clients = {client.user.nick: client for client in here.clients.values()}
    clients["vic"].say("PRIVMSG #u :hello")
    assert reads(here) == {"op": ["PRIVMSG"], "vic": [], "una": ["PRIVMSG"], "eve": ["PRIVMSG"]}
    here.moderator().say("PRIVMSG #u :order")
    assert reads(here)["eve"] == ["JOIN", "PRIVMSG"]


def test_the_history_does_not_have_it(here: Here) -> None:
    """Nobody reads it later: no member, and not the operators, whose history is that of all members."""
    clients = {client.user.nick: client for client in here.clients.values()}
    clients["una"].say("PRIVMSG #u :secret", "NOTICE #u :secret", "@+x=1 TAGMSG #u")
    clients["vic"].say("PRIVMSG #u :open")
    here.forget_unread()
    assert "secret" not in " ".join(clients["eve"].ask("CHATHISTORY LATEST #u * 50"))
    texts = [archived.entry.text for archived in read_all(here.stores.database)]
    assert "open" in texts and "secret" not in texts


def test_the_senders_other_devices_and_its_echo(here: Here) -> None:
    """The sender sees what it said on all devices, under the channel's name."""
    phone = here.connect("una", login="una", caps="echo-message")
    here.forget_unread()
    assert phone.ask("PRIVMSG #u :hello") == [f":{phone.prefix} PRIVMSG #u :hello"]
    laptop = next(client for client in here.clients.values() if client.user.nick == "una")
    assert [line.partition(" ")[2] for line in laptop.read()] == [f":{phone.prefix} PRIVMSG #u :hello"]


def test_a_tagmsg_goes_to_the_operators(here: Here) -> None:
    """Typing of a user without a standing is no news for the channel."""
    clients = {client.user.nick: client for client in here.clients.values()}
    clients["op"].say("CAP REQ message-tags")
    here.forget_unread()
    clients["una"].say("@+typing=active TAGMSG #u")
    assert reads(here) == {"op": ["TAGMSG"], "vic": [], "una": [], "eve": []}
