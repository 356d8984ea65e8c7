"""Reading history over the wire: what can go wrong with threads and sockets only."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Client, Daemon, running


@pytest.fixture(scope="module", params=["normal", "full"])
def shared(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon for all tests of the module: its ticks commit, or a thread of its own does."""
    with running(accounts={"una": "user"}, history__synchronous=request.param) as daemon:
        yield daemon


@pytest.fixture
def una(shared: Daemon) -> Iterator[Client]:
    """A session of an account that asks for history itself."""
    wanted = "draft/chathistory draft/message-redaction soju.im/search batch message-tags server-time echo-message"
    with shared.open() as client:
        client.send(f"CAP REQ :{wanted}", f"PASS :una:{PASSWORD}", "NICK una", "USER una 0 * :u", "CAP END")
        client.expect("366")
        yield client


def test_a_question_sent_with_a_message_finds_it(una: Client) -> None:
    """The worker reads after the tick with the message has committed, however quick it is."""
    for number in range(8):
        lines = una.ask(f"PRIVMSG #lobby :in one go {number}", "CHATHISTORY LATEST #lobby * 1")
        echo, opening, found, _ = lines
        tags = echo.partition(" ")[0].removeprefix("@")
        assert re.search(r"BATCH \+\S+ chathistory #lobby$", opening)
        assert found.partition(";")[2].startswith(tags) and found.endswith(f"PRIVMSG #lobby :in one go {number}")


def test_a_message_is_found_and_redacted(una: Client) -> None:
    """A word finds a message. After REDACT neither the word nor CHATHISTORY finds it."""
    echo = una.ask("PRIVMSG #lobby :an unforgettable blunder")[0]
    found = re.search("msgid=([0-9a-f]+)", echo)
    assert found is not None
    assert any("blunder" in line for line in una.ask("SEARCH text=unforgettable"))
    assert una.ask(f"REDACT #lobby {found[1]} :sorry")[0].endswith(f"REDACT #lobby {found[1]} :sorry")
    for question in ("SEARCH text=unforgettable", "CHATHISTORY LATEST #lobby * 5"):
        lines = una.ask(question)
        assert "BATCH" in lines[0] and not any("blunder" in line for line in lines)


@pytest.mark.parametrize("question", ["CHATHISTORY LATEST {} * 5", "SEARCH in={};text=needle"])
def test_a_renamed_channel_is_read_while_another_process_has_the_write_lock(
    shared: Daemon, una: Client, question: str
) -> None:
    """The new name waits for the lock, and the question for the name; others go on. The messages are found then."""
    name = f"#before-{question[:4].lower()}"
    una.ask(f"JOIN {name}")
    una.ask(f"PRIVMSG {name} :a needle")
    other = sqlite3.connect(shared.place.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        una.send(f"RENAME {name} {name}-now", question.format(f"{name}-now"))
        una.expect(f"JOIN {name}-now")
        with shared.connect("bystander") as bystander:
            bystander.ask("PING x")  # the daemon has run the question's tick by now
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert una.expect("needle").endswith(f" PRIVMSG {name}-now :a needle")
