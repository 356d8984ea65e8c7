"""A database that fails while it is read: what is refused says so, and a registration waits for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.held_work import HeldPending
from harness.session_client import Client
from harness.world import PASSWORD, Here, params_of, sasl_plain, verbs

from chatroom.errors import StorageError
from chatroom.storage.sqlite.database import SqliteDatabase

CANNOT_BE_READ = "The database cannot be read now, try again in a moment"


class Outage:
    """Reads of the database that fail, as often as was said."""

    def __init__(self) -> None:
        self.left = 0

    def fail(self) -> None:
        """Raise, if it is to fail now."""
        if self.left:
            self.left -= 1
            raise StorageError("the server closed the connection")


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> Outage:
    """No outage yet."""
    outage, row, rows = Outage(), SqliteDatabase.row, SqliteDatabase.rows

    def failing(read: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            outage.fail()
            return read(*arguments)

        return run

    monkeypatch.setattr(SqliteDatabase, "row", failing(row))
    monkeypatch.setattr(SqliteDatabase, "rows", failing(rows))
    return outage


@pytest.mark.parametrize("line", ["CHATHISTORY LATEST #tea * 10", "CHATHISTORY TARGETS * * 10", "SEARCH in=#tea :hot"])
def test_history_that_no_worker_can_ask_for(make_here: Callable[..., Here], line: str) -> None:
    """A worker that gets no connection fails the job before it begins: that is no write, and has the verb's code."""
    here = make_here(keeping=True)
    una = here.member()
    una.say("JOIN #tea")
    una.read()
    here.holding = True
    una.say(line.replace("* *", "timestamp=2020-01-01T00:00:00.000Z timestamp=2040-01-01T00:00:00.000Z"))
    # The others are writes: what the JOIN has shown of the channel is noted.
    (held,) = [held for held in here.held if isinstance(held, HeldPending)]
    here.held.clear()
    here.go_on(held.context, held.pending, StorageError("connection refused"))
    (refusal,) = una.read()
    assert " FAIL " in refusal and "stored" not in refusal and "could not be" in refusal


@pytest.mark.parametrize("line", ["AUDIT", "STATS o", "INVITELINK LIST", "REQUEST LIST", "CERT LIST", "NS INFO ada"])
def test_what_cannot_be_read_is_not_called_a_write(here: Here, outage: Outage, line: str) -> None:
    """Questions to the database that fail say that it cannot be read."""
    ada = here.admin()
    ada.read()
    outage.left = 1
    (refusal,) = ada.ask(line)
    assert refusal.endswith(f":{CANNOT_BE_READ}")


def log_in(here: Here, how: str) -> Client:
    """Open a connection that logs in as una. It has not read anything yet."""
    client = here.open()
    if how == "PASS":
        client.say(f"PASS :una:{PASSWORD}", "NICK una", "USER u 0 * :U")
    elif how == "an account that is not known yet":
        client.say(f"PASS :{PASSWORD}", "NICK una", "USER u 0 * :U")
    else:
        client.say("CAP LS 302", "CAP REQ :sasl", "NICK una", "USER u 0 * :U", "AUTHENTICATE PLAIN")
        client.say(sasl_plain("una"), "CAP END")
    return client


WAYS = ["PASS", "SASL", "an account that is not known yet"]


@pytest.mark.parametrize("failures", [1, 2, 5])
@pytest.mark.parametrize("how", WAYS)
def test_a_registration_waits_for_the_database(here: Here, outage: Outage, how: str, failures: int) -> None:
    """A client that logs in while the database restarts reads its welcome when that is over, and no refusal."""
    una = here.account("una")
    if how not in ("PASS", "SASL"):
        here.world.accounts.discard(una.id)
    outage.left = failures
    sent = log_in(here, how).read()
    assert "001" in verbs(sent)
    assert "FAIL" not in verbs(sent)
    assert here.user("una").account is not None


@pytest.mark.parametrize("how", WAYS)
def test_a_registration_does_not_wait_for_ever(here: Here, outage: Outage, how: str) -> None:
    """If the database is away for longer, the connection is closed and says why: so its client comes back."""
    una = here.account("una")
    if how not in ("PASS", "SASL"):
        here.world.accounts.discard(una.id)
    outage.left = 1000
    client = log_in(here, how)
    sent = client.read()
    assert client.closed
    assert params_of(sent, "FAIL")[1:] == ["TEMPORARILY_UNAVAILABLE", CANNOT_BE_READ]
    assert CANNOT_BE_READ in params_of(sent, "ERROR")[0]


def test_a_client_that_is_gone_is_not_waited_for(here: Here, outage: Outage) -> None:
    """Nothing is tried again for a connection that has ended."""
    here.account("una")
    outage.left, here.holding = 1000, True
    client = log_in(here, "PASS")
    here.release(1)
    client.vanish()
    here.release()
    assert outage.left >= 997
