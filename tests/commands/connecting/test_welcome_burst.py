from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.session_client import Client
from harness.world import PASSWORD, SERVER, Here, change_settings, verbs

from chatroom.chat.reload import use_settings
from chatroom.chat.stored.records import Role
from chatroom.commands.connecting.welcome_burst import say_welcome
from chatroom.commands.context import Context


def welcomed(here: Here, nick: str) -> tuple[Client, list[str]]:
    """A client that has just registered, and the lines that it read."""
    client = here.open()
    return client, client.ask(f"NICK {nick}", f"USER {nick[:4]} 0 * :{nick}")


def said_line_by_line(here: Here, client: Client) -> list[str]:
    """The welcome of a client, sent line by line."""
    with here.tick():
        say_welcome(Context(here.world, client.session, ""))
    return client.read()


@pytest.mark.parametrize("nick", ["al", "ünal", "\\{|}^`[]", "x" * 32])
@pytest.mark.parametrize(
    "server",
    [
        {},
        {"network": "100%(nick)s", "name": "a-rather-long-name.chat.example.org"},
        {"motd": "one\n\n100 % {two} %s\nthree\r\n"},
        {"motd": "long " * 96},
        {"motd": "just " * 91},
        {"motd": "é" * 300},
        {"motd": "\x01nick\x01 \x02"},
    ],
)
def test_the_rendered_welcome_is_the_welcome_line_by_line(
    make_here: Callable[..., Here], server: dict[str, Any], nick: str
) -> None:
    """The welcome that is rendered once has the same bytes as the one sent line by line, for any settings."""
    here = make_here(server=server, channels={"autojoin": ()})
    here.connect("bob").say("MODE bob +i", "JOIN #a")
    here.admin()
    here.open()
    for name in (nick, "carol"):
        client, sent = welcomed(here, name)
        assert sent == said_line_by_line(here, client)
        assert verbs(sent)[0] == "001"


def test_the_rendered_welcome_is_one_entry_of_the_outbox(make_here: Callable[..., Here]) -> None:
    """All lines of the welcome are one bytes object."""
    here = make_here(server={"motd": "one\ntwo"}, channels={"autojoin": ()})
    client = here.open()
    with here.tick():
        client.say("NICK alice", "USER al 0 * :Alice")
        assert len(client.session.unread or ()) == 1
    assert len(client.read()) > 15


def test_a_reload_shows_in_the_next_welcome(here: Here) -> None:
    """The next client reads the changed message of the day."""
    assert f":{SERVER} 422 alice :MOTD File is missing" in welcomed(here, "alice")[1]
    for text in ("one", "two"):
        use_settings(here.world, change_settings(here.world.settings, server={"motd": text}))
        assert f":{SERVER} 372 nick{text} :- {text}" in welcomed(here, f"nick{text}")[1]


def test_the_welcome_of_an_operator_ends_in_its_modes(here: Here) -> None:
    """A user with a role reads MODE +o after the message of the day."""
    here.account("ada", Role.ADMIN)
    client = here.open()
    sent = client.ask(f"PASS :ada:{PASSWORD}", "NICK ada", "USER ada 0 * :Ada")
    assert sent[verbs(sent).index("422") + 1] == f":{SERVER} MODE ada +o"


def test_a_labelled_welcome_is_in_the_batch_of_its_label(here: Here) -> None:
    """If the line that completes registration has a label, the whole welcome is its answer."""
    client = here.open()
    client.say("CAP REQ :batch labeled-response message-tags", "CAP END", "NICK alice")
    sent = client.ask("@label=x USER al 0 * :Alice")
    reference = sent[0].partition("BATCH +")[2].partition(" ")[0]
    assert sent[0].startswith("@label=x ")
    assert all(line.startswith(f"@batch={reference} ") or f"{reference}" in line for line in sent[1:])
    assert {"001", "005", "266", "422"} <= set(verbs(sent))
