from __future__ import annotations

import pytest
from harness.held_work import HeldPending
from harness.session_client import Client
from harness.world import Here, sasl_plain

from chatroom.chat.stored.records import AccountData, AccountEntry
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data


class Caller:
    """A session that wants an account's data. ``found`` has the data once ``then`` has run."""

    def __init__(self, here: Here) -> None:
        self.here = here
        self.context = Context(here.world, here.connect(f"caller{len(here.clients)}").session, "TEST")
        self.found: AccountData | None = None

    def ask(self, account: AccountEntry) -> Pending | None:
        """Call ``with_account_data``."""

        def then(context: Context) -> None:
            self.found = context.world.online.account_data[account.id]

        return with_account_data(self.context, account, then)

    def go_on(self, pending: Pending) -> None:
        """Run the job, and then ``then``, as a worker and the hub do."""
        assert pending.job is not None
        pending.then(self.context, pending.job(self.here.stores))


@pytest.fixture
def una(here: Here) -> AccountEntry:
    """An account with a read marker that no session uses."""
    account = here.account("una")
    here.stores.account_data.set_marker(account.id, "#a", 7)
    return account


def test_data_in_memory_is_used_at_once(here: Here, una: AccountEntry) -> None:
    """While a user of the account is present, no worker is asked."""
    present = here.connect("una", login="una")
    caller = Caller(here)
    assert caller.ask(una) is None
    assert caller.found is present.user.account_data


def test_data_of_an_absent_account_is_read_by_the_store_worker(here: Here, una: AccountEntry) -> None:
    """``then`` runs after the read. The store worker also writes account data, so no write can come too late."""
    caller = Caller(here)
    pending = caller.ask(una)
    assert pending is not None
    assert (pending.queue, caller.found) == ("store", None)
    caller.go_on(pending)
    assert caller.found == AccountData({"#a": 7}, {})


def test_data_loaded_meanwhile_is_not_replaced(here: Here, una: AccountEntry) -> None:
    """Two sessions log in at the same time: what one of them has loaded and changed stays."""
    first, second = Caller(here), Caller(here)
    one, other = first.ask(una), second.ask(una)
    assert one is not None and other is not None
    first.go_on(one)
    assert first.found is not None
    first.found.markers["#a"] = 9
    second.go_on(other)
    assert second.found is first.found
    assert second.found.markers == {"#a": 9}


def test_the_data_leaves_memory_with_the_last_user(here: Here, una: AccountEntry) -> None:
    """After the last user of the account has left, the next one reads the data again."""
    here.connect("una", login="una").say("QUIT")
    assert Caller(here).ask(una) is not None


def half_in(here: Here, name: str) -> Client:
    """A session that has logged in to an account and asked for its metadata, and is nobody yet."""
    client = here.open()
    client.say("CAP REQ :sasl batch draft/metadata-3", f"NICK {name}", "AUTHENTICATE PLAIN", sasl_plain(name))
    client.say("METADATA * LIST")
    return client


def test_who_leaves_before_being_anybody_leaves_no_data(here: Here, una: AccountEntry) -> None:
    """Neither if the data was loaded, nor if it is being read at the end. While somebody uses it, it stays."""
    loaded = here.world.online.account_data
    client = half_in(here, "una")
    assert set(loaded) == {una.id}
    client.vanish()
    assert not loaded
    here.holding = True
    client = half_in(here, "una")
    while not isinstance(here.held[0], HeldPending) or here.held[0].pending.queue != "store":
        here.release(1)
    client.vanish()
    here.release()
    assert not loaded
    here.holding = False
    present = here.connect("una", login="una")
    half_in(here, "una").vanish()
    assert loaded == {una.id: present.user.account_data}


def test_who_logs_in_to_another_account_before_being_anybody_leaves_no_data(here: Here, una: AccountEntry) -> None:
    """The data of the first account is dropped."""
    other = here.account("other")
    client = half_in(here, "una")
    client.say("AUTHENTICATE PLAIN", sasl_plain("other"), "METADATA * LIST")
    assert set(here.world.online.account_data) == {other.id}
    client.say("USER u 0 * :U", "NICK other", "CAP END")
    assert set(here.world.online.account_data) == {other.id}
