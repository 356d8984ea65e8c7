"""Hooks in the database, and the events that wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatroom.chat.admission.hook_policy import make_incoming, make_outgoing
from chatroom.chat.stored import hook_records
from chatroom.chat.stored.hook_records import HookEventRow, NewHook
from chatroom.chat.stored.records import Actor, Change, StoredChannel
from chatroom.errors import AlreadyExists, NotFound, TooMany
from chatroom.storage.sql import hook_rows, hook_store
from chatroom.storage.sql.sql_stores import SqlStores

MOMENT = datetime(2030, 1, 1, tzinfo=UTC)
NEW = make_outgoing("#Ops", "https://example.org/secret", events=("message", "join"), prefix="!x", name="deploys")


def row(hook_id: int, text: str = "hello", message_id: int = 7) -> HookEventRow:
    """An event."""
    return HookEventRow(hook_id, message_id, 1000, "message", "ada", "", text)


def audit(stores: SqlStores) -> list[tuple[str, str, str]]:
    """What the audit has."""
    return [(one.action, one.target, one.detail) for one in stores.audit.list_entries()]


def test_an_outgoing_hook(stores: SqlStores, by: Actor) -> None:
    """It has all that was asked for. The audit has neither the secret nor the path of the URL."""
    made, secret = stores.hooks.add(NEW, by)
    assert stores.hooks.find(made.id) == made
    assert made[1:7] == ("#Ops", "deploys", "https://example.org/secret", ("message", "join"), "!x", "")
    assert (made.by, made.paused, made.hears_hooks, made.waiting, made.done, made.dropped) == (
        "root",
        False,
        False,
        0,
        0,
        0,
    )
    assert secret.startswith("whsec_") and stores.hooks.get_secret(made.id) == secret
    assert stores.hooks.add(NEW, by)[1] != secret
    assert audit(stores)[0] == ("hook.add", "#Ops", "hook 1, message join to example.org")


def test_an_incoming_hook_is_stored_without_its_token(stores: SqlStores, by: Actor, path: Path) -> None:
    """Its name is its own in the channel, and its token is nowhere."""
    made, token = stores.hooks.add(make_incoming("#ops", "ci"), by)
    assert token.startswith(f"{made.id}-") and not made.is_outgoing
    (one,) = stores.hooks.list_incoming()
    assert (one.id, one.channel, one.name, one.paused, len(one.token_hash)) == (made.id, "#ops", "ci", False, 64)
    with pytest.raises(AlreadyExists, match="called CI already"):
        stores.hooks.add(make_incoming("#OPS", "CI"), by)
    stores.hooks.add(make_incoming("#tea", "ci"), by)
    secret = token.partition("-")[2].encode()
    assert not any(secret in file.read_bytes() for file in path.parent.iterdir())
    assert audit(stores)[0] == ("hook.add", "#ops", "hook 1, incoming, ci")


def test_a_daemon_learns_of_each_change(stores: SqlStores, by: Actor, open_another: Callable[[str], SqlStores]) -> None:
    """Of what the shell does, and of no delivery."""
    made, _ = stores.hooks.add(NEW, by)
    stores.hooks.set_paused(made.id, True, by)
    assert stores.hooks.set_paused(made.id, False, by) == made
    stores.hooks.add_events([row(made.id)])
    event = stores.hooks.next_event(made.id)
    assert event is not None
    stores.hooks.end_delivery(event)
    assert stores.hooks.remove(made.id, by).done == 1
    changes = open_another("daemon:x").changes_after(0)
    assert changes == [Change(number, "hooks", made.id, "cli") for number in (1, 2, 3, 4)]
    assert [action for action, _, _ in audit(stores)] == ["hook.add", "hook.pause", "hook.resume", "hook.remove"]


def test_what_is_gone_is_not_found(stores: SqlStores, by: Actor) -> None:
    """Ids do not come again."""
    made, _ = stores.hooks.add(NEW, by)
    stores.hooks.add_events([row(made.id)])
    stores.hooks.remove(made.id, by)
    assert stores.hooks.count_waiting() == 0
    assert stores.hooks.find(made.id) is None
    assert stores.hooks.add(NEW, by).hook.id == made.id + 1
    for ask in (stores.hooks.get_secret, lambda one: stores.hooks.remove(one, by)):
        with pytest.raises(NotFound, match="there is no hook 1"):
            ask(made.id)


def test_there_are_not_too_many(stores: SqlStores, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """One says to remove another."""
    monkeypatch.setattr(hook_store, "MOST_HOOKS", 2)
    for name in ("a", "b"):
        stores.hooks.add(NewHook("#ops", name), by)
    with pytest.raises(TooMany, match="remove one first"):
        stores.hooks.add(NEW, by)


def test_events_are_delivered_in_order(stores: SqlStores, by: Actor) -> None:
    """Each hook has numbers of its own. A failure is noted until a delivery succeeds."""
    one, two = stores.hooks.add(NEW, by).hook.id, stores.hooks.add(NEW, by).hook.id
    stores.hooks.add_events([row(one, "first"), row(two, "other"), row(one, "second")])
    assert stores.hooks.list_waiting() == [one, two]
    event = stores.hooks.next_event(one)
    assert event is not None
    assert (event.number, event.text, event.refusals, event.channel, event.url) == (1, "first", 0, "#Ops", NEW.url)
    stores.hooks.fail_delivery(event, "the answer is 400", is_refusal=True)
    stores.hooks.fail_delivery(event, "no answer", is_refusal=False)
    failing = stores.hooks.find(one)
    assert failing is not None
    assert (failing.failure, failing.waiting) == ("no answer", 2)
    assert failing.failing_since is not None
    again = stores.hooks.next_event(one)
    assert again is not None and again.refusals == 1
    stores.hooks.end_delivery(again)
    stores.hooks.give_up(again)  # gone already: counted once
    second = stores.hooks.next_event(one)
    assert second is not None and (second.number, second.text) == (2, "second")
    stores.hooks.give_up(second)
    done = stores.hooks.find(one)
    assert done is not None
    assert (done.done, done.dropped, done.failure, done.failing_since, done.waiting) == (1, 1, "", None, 0)
    assert stores.hooks.count_waiting() == 1


def test_the_newest_events_are_kept(stores: SqlStores, by: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the bound the oldest go, and are counted. Delivered ones make no room for older ones."""
    monkeypatch.setattr(hook_rows, "MOST_WAITING", 3)
    hook_id = stores.hooks.add(NEW, by).hook.id
    for number in range(1, 6):
        stores.hooks.add_events([row(hook_id, str(number))])
    found = stores.hooks.find(hook_id)
    event = stores.hooks.next_event(hook_id)
    assert found is not None and event is not None
    assert (found.waiting, found.dropped, event.number) == (3, 2, 3)
    stores.hooks.end_delivery(event)
    stores.hooks.add_events([row(hook_id, "6"), row(hook_id, "7")])
    found = stores.hooks.find(hook_id)
    assert found is not None and (found.waiting, found.dropped, found.done) == (3, 3, 1)
    assert hook_records.MOST_WAITING == 1000


def test_said_messages_are_counted(stores: SqlStores, by: Actor) -> None:
    """With the time of the last one."""
    hook_id = stores.hooks.add(make_incoming("#ops", "ci"), by).hook.id
    stores.hooks.count_said(hook_id)
    found = stores.hooks.find(hook_id)
    assert found is not None and found.done == 1 and found.done_at is not None


def test_two_threads_write_numbers_without_gaps(stores: SqlStores, by: Actor, opener: Callable[..., SqlStores]) -> None:
    """The number is given in the transaction that adds the event."""
    hook_id = stores.hooks.add(NEW, by).hook.id

    def write() -> None:
        with opener() as own:
            for _ in range(30):
                own.hooks.add_events([row(hook_id)])

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [found[0] for found in stores.database.rows("SELECT number FROM hook_events ORDER BY number")]
    assert numbers == list(range(1, 61))


def test_hooks_of_a_deleted_channel_are_paused(stores: SqlStores, by: Actor) -> None:
    """In any case of its name, with an audit row each and why. Resumed ones are as before, and others go on."""
    stores.channels.save(StoredChannel("#ops", None, MOMENT), by, "", "")
    ids = [
        stores.hooks.add(NEW, by).hook.id,
        stores.hooks.add(make_incoming("#ops", "ci"), by).hook.id,
        stores.hooks.add(make_incoming("#tea", "ci"), by).hook.id,
    ]
    stores.hooks.add_events([row(ids[0]), row(ids[0], "two")])
    event = stores.hooks.next_event(ids[0])
    assert event is not None
    stores.hooks.fail_delivery(event, "no answer", is_refusal=False)
    assert stores.channels.delete("#OPS", by) == ids[:2]
    # A delivery that was under way does not hide why.
    stores.hooks.fail_delivery(event, "no answer", is_refusal=False)
    stores.hooks.end_delivery(event)
    found = stores.hooks.list_all()
    assert [(one.paused, one.failing_since, one.failure) for one in found] == [
        (True, None, "its channel was deleted"),
        (True, None, "its channel was deleted"),
        (False, None, ""),
    ]
    assert [one for one in audit(stores) if one[0] == "hook.pause"] == [
        ("hook.pause", "#ops", "hooks 1 and 2: its channel was deleted"),
    ]
    assert [one.paused for one in stores.hooks.list_incoming()] == [True, False]
    resumed = stores.hooks.set_paused(ids[0], False, by)
    assert (resumed.paused, resumed.failure, resumed.waiting) == (False, "", 1)


def test_hooks_follow_a_channel_whose_new_name_was_stored_before(stores: SqlStores, by: Actor) -> None:
    """Then the row of the old name is deleted, and its hooks are not of a channel that has ended."""
    stores.channels.save(StoredChannel("#old", None, MOMENT), by, "", "")
    stores.hooks.add(make_incoming("#old", "ci"), by)
    assert stores.channels.delete("#old", by, new_name="#new") == []
    (found,) = stores.hooks.list_all()
    assert (found.channel, found.paused) == ("#new", False)
