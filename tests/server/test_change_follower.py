"""Changes that other processes write, and what the world takes in of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from harness.session_client import Client
from harness.world import SHELL, Here, verbs

from chatroom.chat.admission.filter_policy import make_filter
from chatroom.chat.enforcement import apply_rules, restore_rules
from chatroom.chat.stored.records import Actor
from chatroom.errors import StorageError
from chatroom.server import change_follower
from chatroom.server.change_follower import ChangeFollower
from chatroom.server.inbox import Task
from chatroom.storage.sqlite.sqlite_stores import open_stores


def test_a_deleted_account_does_not_bring_back_an_older_channel(tmp_path: Path) -> None:
    """The shell deletes an account before a topic is stored: the channel loses that account and nothing else."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        una, bob = here.member("una"), here.member("bob")
        una.say("JOIN #tea", "TOPIC #tea :older")
        bob.say("JOIN #tea", "JOIN #cake")
        una.say("MODE #tea +o bob")
        tea, bob_id = here.channel("#tea"), shell.accounts.get("bob").id
        assert bob_id in tea.access
        assert here.channel("#cake").founder_id == bob_id
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)

        here.holding = True
        una.say("TOPIC #tea :newer")
        shell.accounts.delete(bob_id, SHELL)
        follower.look(here.stores)
        with here.tick():
            for task in tasks:
                task()
        assert tea.topic == "newer"
        assert bob_id not in tea.access
        assert here.channel("#cake").founder_id is None

        here.release()
        stored = shell.channels.find("#tea")
        assert stored is not None
        assert stored.topic == "newer"
        assert bob_id not in stored.access
        assert una.ask("TOPIC #tea")[0].endswith(":newer")


def test_a_ban_that_had_run_out_by_a_wrong_clock_is_in_force_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock is an hour ahead at the start, so a ban is not loaded. When the clock is set right, it is."""
    path = tmp_path / "chat.db"
    with Here(path) as here:
        ban_id = here.ban("eve", until=here.now + timedelta(minutes=30))
        here.set_clock(3600)
        here.restart()
        assert here.world.bans.get(ban_id) is None
        here.ban("192.0.2.0/24", kind="ip", until=here.now + timedelta(hours=9))
        eve, mallory = here.connect("eve"), here.connect("mallory", address="198.51.100.1")
        tasks: list[Task] = []
        monkeypatch.setattr(change_follower, "read_clocks", lambda: (here.now_ms, here.mono_ms))
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)
        assert tasks == []
        here.set_clock(-3600)
        follower.look(here.stores)
        with here.tick():
            for task in tasks:
                task()
        assert here.world.bans.find_name("eve", here.now_ms) is not None
        assert eve.closed and not mallory.closed
        follower.look(here.stores)
        assert len(tasks) == 2


def test_a_newer_ban_is_not_replaced_by_the_one_before(tmp_path: Path) -> None:
    """A ban that ran out by the wrong clock, and was given again meanwhile, stays the newer one."""
    with Here(tmp_path / "chat.db") as here:
        here.ban("eve", until=here.now + timedelta(minutes=30))
        (rule,) = here.world.bans
        here.set_clock(3600)
        newer_id = here.ban("eve")
        here.set_clock(-3600)
        with here.tick():
            restore_rules(here.world, [rule])
        assert [one.id for one in here.world.bans] == [newer_id]


def test_changes_that_cannot_be_read_are_read_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite reports a commit once. A look that fails does not lose it."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)
        shell.bans.add("name", "eve", "", None, SHELL)
        with monkeypatch.context() as patched:
            patched.setattr(type(here.stores), "changes_after", _refuse)
            with pytest.raises(StorageError):
                follower.look(here.stores)
        follower.look(here.stores)
        with here.tick():
            for task in tasks:
                task()
        assert here.world.bans.find_name("eve", here.now_ms) is not None


def _refuse(stores: object, change_id: int) -> object:
    raise StorageError("the disk reports an error")


def test_filters_from_the_shell_are_in_force_at_once(tmp_path: Path) -> None:
    """Added, changed and removed, without a restart; each is logged."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        alice = here.connect("alice")
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())

        def follow() -> None:
            follower.look(here.stores)
            with here.tick():
                while tasks:
                    tasks.pop(0)()

        new = make_filter("viagra", "glob", "refuse", "", None, force=False)
        added = shell.filters.add(new, SHELL, 500)
        follow()
        assert verbs(alice.ask("PRIVMSG #lobby :viagra")) == ["404"]
        shell.filters.add(new._replace(action="kick"), SHELL, 500)
        shell.filters.add_hits({added.id: 1}, here.now)
        follow()
        assert [one.action for one in here.world.spam.filters.by_id.values()] == ["kick"]
        assert here.world.spam.hits(here.world.spam.filters.by_id[added.id]) == 2
        shell.filters.remove(added.id, SHELL)
        follow()
        assert alice.ask("PRIVMSG #lobby :viagra") == []
        assert [line for line in here.world.log_lines if line.startswith("filter") and "matched" not in line] == [
            "filter 1 (refuse *viagra*) by root",
            "filter 1 (kick *viagra*) by root",
            "filter 1 (*viagra*) removed from the shell",
        ]


def test_all_devices_read_that_the_shell_has_switched_always_on(tmp_path: Path) -> None:
    """Once each, and nobody else reads it."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        una, bob = here.member("una"), here.member("bob")
        more = here.connect("una", login="una")
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)
        here.forget_unread()
        for on, words in ((True, "You stay in your channels"), (False, "You leave when your last device disconnects")):
            shell.accounts.set_always_on(shell.accounts.get("una").id, on, 10, SHELL)
            for _ in range(2):
                follower.look(here.stores)
                with here.tick():
                    while tasks:
                        tasks.pop(0)()
            for client in (una, more):
                (line,) = client.read()
                assert words in line and line.endswith(": set by root, on the server")
        assert bob.read() == []
    assert [line for line in here.world.log_lines if "always-on" in line] == [
        "root switched always-on on for una in the shell",
        "root switched always-on off for una in the shell",
    ]


def test_the_sessions_of_an_account_read_what_the_shell_does_to_its_certificates(tmp_path: Path) -> None:
    """All of them do, once, and no other account. What the daemon itself has stored is not told again."""
    path = tmp_path / "chat.db"
    with Here(path) as here, open_stores(path, writer="cli") as shell:
        una, bob, vic = here.member("una"), here.member("bob"), here.member("vic")
        more = here.connect("una", login="una")
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())
        follower.look(here.stores)
        here.forget_unread()

        def follow() -> None:
            follower.look(here.stores)
            with here.tick():
                while tasks:
                    tasks.pop(0)()

        def told(client: Client) -> list[str]:
            return [line for line in client.read() if "certificate" in line]

        una_id = shell.accounts.get("una").id
        shell.client_certificates.add(una_id, "ab" * 32, SHELL)
        follow()
        for client in (una, more):
            (line,) = told(client)
            assert f"The certificate {'ab' * 32} was added to your account by root, on the server" in line
        assert "CERT DEL" in line
        shell.client_certificates.remove(una_id, "ab" * 32, SHELL)
        shell.accounts.set_disabled(shell.accounts.get("vic").id, True, SHELL)
        follow()
        for client in (una, more):
            (line,) = told(client)
            assert f"The certificate {'ab' * 32} was removed from your account by root" in line
        here.stores.client_certificates.add(una_id, "cd" * 32, Actor("una", "192.0.2.1"))
        shell.accounts.set_disabled(shell.accounts.get("vic").id, False, SHELL)
        follow()
        assert told(una) == told(more) == told(bob) == told(vic) == []
    assert [line for line in here.world.log_lines if "certificate" in line] == [
        f"root added the certificate {'ab' * 32} to una in the shell",
        f"root removed the certificate {'ab' * 32} from una in the shell",
    ]


def test_the_bans_of_another_node_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its turn tells of them, and knows whom they spare. If not, they are read later. The shell's do not wait."""
    path, now_ms = tmp_path / "chat.db", [1_000_000]
    monkeypatch.setattr(change_follower, "read_clocks", lambda: (0, now_ms[0]))
    with (
        Here(path) as here,
        open_stores(path, writer="daemon:b") as node,
        open_stores(path, writer="cli") as shell,
    ):
        monkeypatch.setattr(here.world, "change_patience_ms", 5000)
        tasks: list[Task] = []
        follower = ChangeFollower(here.world, tasks.append, here.stores.last_change_id())

        def look() -> list[str]:
            follower.look(here.stores)
            with here.tick():
                while tasks:
                    tasks.pop(0)()
            return sorted(rule.target for rule in here.world.bans)

        node.bans.add("name", "eve", "", None, SHELL)
        shell.bans.add("name", "mallory", "", None, SHELL)
        assert look() == ["mallory"]
        now_ms[0] += 4999
        assert look() == ["mallory"]
        now_ms[0] += 1
        assert look() == ["eve", "mallory"]


def test_a_ban_that_is_known_disconnects_nobody(tmp_path: Path) -> None:
    """Another node has told it, and has spared whom it spares."""
    with Here(tmp_path / "chat.db") as here:
        ban = here.stores.bans.add("name", "eve", "", None, SHELL)
        rule = here.stores.bans.find_rule(ban.id, here.now)
        assert rule is not None
        here.world.bans.add(rule)
        eve = here.connect("eves")
        with here.tick():
            here.world.rename(eve.user, "eve")
            apply_rules(here.world, [(ban.id, rule)])
        assert not eve.closed
