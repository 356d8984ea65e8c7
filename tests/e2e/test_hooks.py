"""Hooks end to end: ``chatroomctl`` makes them, a daemon under load delivers, and receivers fail in all ways."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Iterator
from functools import partial
from urllib.parse import urlsplit

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, running, stopped_well, until
from harness.hook_receiver import Receiver, is_signed


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with Receiver() as receiver:
        yield receiver


def add(daemon: Daemon, *args: str) -> str:
    """Add a hook while the daemon runs, and wait until it has an effect. Returns its secret."""
    secret: str = daemon.place.ctl_json("hook", "add", *args)["secret"]
    return secret


def _is_known(client: Client, receiver: Receiver, channel: str) -> bool:
    client.ask(f"PRIVMSG {channel} :?")
    return any(one["channel"] == channel for one in list(receiver.taken))


def knows(client: Client, receiver: Receiver, channel: str = "#ops") -> None:
    """Wait until the daemon knows of a hook to the receiver."""
    until(partial(_is_known, client, receiver, channel), "the daemon knows the hook")
    # Each question that was asked before is delivered, or was asked before the daemon knew the hook.
    client.ask(f"PRIVMSG {channel} :go")
    receiver.expect(lambda: "go" in receiver.texts(), "all questions have arrived")
    receiver.taken.clear()
    receiver.got.clear()


def test_what_is_said_arrives_signed(receiver: Receiver) -> None:
    """A running daemon follows the shell: added, paused, removed. The audit knows."""
    with running() as daemon, daemon.connect("alice") as alice:
        alice.ask("JOIN #ops")
        secret = add(daemon, "#ops", receiver.url, "--event", "message", "--event", "join", "--prefix", "!")
        until(lambda: alice.ask("PRIVMSG #ops :!start") is not None and receiver.taken, "it is known")
        with daemon.connect("bob") as bob:
            bob.ask("JOIN #OPS", "PRIVMSG #ops :!d\u00e9ploy now", "PRIVMSG #ops :not this")
            receiver.expect(lambda: receiver.taken[-1]["text"] == "!d\u00e9ploy now", "it arrives")
        last = receiver.taken[-1]
        assert (last["type"], last["nick"], last["account"], last["channel"]) == ("message", "bob", None, "#ops")
        assert [one["nick"] for one in receiver.taken if one["type"] == "join"] == ["bob"]
        assert all(map(is_signed, [secret] * 9, receiver.headers, receiver.bodies))
        assert len({one["id"] for one in receiver.taken}) == len(receiver.taken)
        until(lambda: daemon.place.ctl_json("hook", "list")[0]["waiting"] == 0, "all is delivered")
        daemon.place.ctl("hook", "remove", "1", "--yes")
        assert [row["action"] for row in daemon.place.ctl_json("audit", "list")][:2] == ["hook.add", "hook.remove"]
        assert not daemon.log_lines("whsec_")


def test_a_receiver_that_hangs_delays_nobody() -> None:
    """While it takes as long as it may, the chat goes on, and other hooks are delivered too."""
    with (
        Receiver() as slow,
        Receiver() as quick,
        running(limits__enabled=False) as daemon,
        daemon.connect("alice") as alice,
        daemon.connect("bob") as bob,
    ):
        for client in (alice, bob):
            client.ask("JOIN #ops")
        add(daemon, "#ops", slow.url)
        knows(alice, slow)
        slow.may_answer.clear()
        alice.ask("PRIVMSG #ops :hang")
        slow.expect(lambda: slow.got, "a request hangs")
        for number in range(300):
            alice.send(f"PRIVMSG #ops :{number}")
            bob.expect(f"PRIVMSG #ops :{number}")
        # All of this while the one request hangs, or the hook rests after it.
        add(daemon, "#ops", quick.url)
        until(lambda: alice.ask("PRIVMSG #ops :both") is not None and quick.texts(), "the other one is delivered")
        slow.may_answer.set()
        slow.expect(lambda: {str(number) for number in range(300)} <= set(slow.texts()), "all arrive in the end")
        texts = [text for text in slow.texts() if text.isdecimal()]
        assert texts == [str(number) for number in range(300)]


def says_that_one_fails(daemon: Daemon) -> bool:
    """True if the status tells that a hook fails."""
    return str(daemon.status().get("hooks")).startswith("1 fails")


def test_nothing_is_lost_by_a_dead_receiver_and_a_killed_daemon() -> None:
    """The receiver fails, is gone, comes back; the daemon is killed twice. Each event arrives, doubles have one id."""
    said: list[str] = []
    with Place.make(limits__enabled=False) as place, Receiver() as receiver:
        place.ctl("db", "migrate")
        place.ctl("hook", "add", "#ops", receiver.url)
        for kind in ("refusing", "gone", "back"):
            daemon = Daemon(place)
            if kind == "refusing":
                receiver.status = 500
            elif kind == "gone":
                receiver.leave()
            with daemon.connect("alice") as alice, daemon.connect("bob") as bob:
                alice.ask("JOIN #ops")
                bob.ask("JOIN #ops")
                for number in range(100):
                    alice.send(f"PRIVMSG #ops :{kind} {number}")
                    bob.expect(f":{kind} {number}")  # told, so it must arrive
                    said.append(f"{kind} {number}")
                if kind == "refusing":
                    receiver.expect(lambda: receiver.got, "a first try is made")
                if kind == "gone":
                    daemon.expect_log("fails: Connection refused")
                    # The status may be a moment behind the log.
                    until(partial(says_that_one_fails, daemon), "the failure in the status")
                if kind != "back":
                    daemon.kill()
        assert receiver.taken == []
        receiver.status = 204
        for _ in stopped_well(daemon):
            receiver.listen()
            receiver.expect(lambda: receiver.texts() == said, "all have arrived, in order")
            until(lambda: place.ctl_json("hook", "list")[0]["waiting"] == 0, "nothing waits")
            by_id = {one["id"]: one["text"] for one in receiver.taken}
            assert list(by_id.values()) == said
        (hook,) = place.ctl_json("hook", "list")
        assert (hook["done"], hook["dropped"], hook["failure"]) == (300, 0, "")


def test_a_daemon_that_is_killed_in_a_delivery_delivers_again() -> None:
    """At its next start, with the same id and number."""
    with Place.make() as place, Receiver() as receiver:
        place.ctl("db", "migrate")
        place.ctl("hook", "add", "#ops", receiver.url)
        receiver.may_answer.clear()
        daemon = Daemon(place)
        with daemon.connect("alice") as alice:
            alice.ask("JOIN #ops", "PRIVMSG #ops :once")
            receiver.expect(lambda: receiver.got, "the request is there")
            daemon.kill()
        receiver.may_answer.set()
        for _ in stopped_well(Daemon(place)):
            receiver.expect(lambda: len(receiver.got) == 2, "it is there again")
            until(lambda: place.ctl_json("hook", "list")[0]["waiting"] == 0, "nothing waits")
        first, second = receiver.got
        assert first == second


def test_a_burst_in_many_channels_is_delivered_in_order() -> None:
    """Several people speak at once in channels with hooks. Each hook has its channel's order and numbers."""
    with Receiver() as receiver, running(limits__enabled=False) as daemon:
        channels = [f"#c{number}" for number in range(3)]
        for channel in channels:
            add(daemon, channel, receiver.url)
        with daemon.connect("zoe") as zoe:
            zoe.ask(*[f"JOIN {channel}" for channel in channels])
            for channel in channels:
                until(partial(_is_known, zoe, receiver, channel), "the daemon knows the hook")

            def talk(name: str) -> None:
                with daemon.connect(name) as client:
                    client.ask(*[f"JOIN {channel}" for channel in channels])
                    client.ask(*[f"PRIVMSG {channel} :{name} {n}" for n in range(40) for channel in channels])

            threads = [threading.Thread(target=talk, args=(name,)) for name in ("alice", "bob")]
            for thread in threads:
                thread.start()
            heard: dict[str, list[str]] = {channel: [] for channel in channels}
            while sum(map(len, heard.values())) < 2 * 40 * 3:
                line = zoe.expect("PRIVMSG")
                head, _, text = line.partition(" PRIVMSG ")
                heard[text.partition(" ")[0]].append(text.partition(":")[2])
                assert head
            for thread in threads:
                thread.join()
            until(lambda: all(one["waiting"] == 0 for one in daemon.place.ctl_json("hook", "list")), "all is delivered")
        for channel in channels:
            events = [one for one in receiver.taken if one["channel"] == channel]
            assert [one["text"] for one in events if one["text"] != "?"] == heard[channel]
            assert [one["number"] for one in events] == list(range(1, len(events) + 1))


def post(url: str, text: str) -> tuple[int, str]:
    """Send a text to an incoming hook, and return status and line of the answer."""
    parts = urlsplit(url)
    with contextlib.closing(http.client.HTTPConnection(parts.netloc, timeout=60)) as connection:
        connection.request("POST", parts.path, text.encode())
        answer = connection.getresponse()
        return answer.status, answer.read().decode().rstrip("\n")


def test_programs_speak_in_a_busy_channel() -> None:
    """Four programs send at once, while people talk: each answered text is read once and kept, also after a kill."""
    with Place.make(limits__enabled=False, hooks__listen="127.0.0.1:0") as place:
        place.ctl("db", "migrate")
        place.create("una")
        daemon = Daemon(place)
        base = daemon.expect_log("incoming hooks at ").removeprefix("incoming hooks at ")
        with daemon.connect("una", password=PASSWORD) as una, daemon.connect("bob") as bob:
            una.ask("JOIN #ops")
            bob.ask("JOIN #ops")
            token = place.ctl_json("hook", "add", "#ops", "--incoming", "--name", "ci")["secret"]
            url = base + token
            until(lambda: post(url, "first")[0] == 200, "the daemon knows the hook")
            answers: list[tuple[int, str]] = []

            def send(name: str) -> None:
                answers.extend(post(url, f"{name} {number}") for number in range(25))

            threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
            for thread in threads:
                thread.start()
            for number in range(200):
                una.send(f"PRIVMSG #ops :talk {number}")
                bob.expect(f"talk {number}")
            for thread in threads:
                thread.join()
            bob.collect()
            assert answers == [(200, "ok")] * 100
            heard = [line.partition(" :")[2] for line in bob.lines if line.startswith(":ci/hook!")]
            assert sorted(heard) == sorted(["first", *(f"{name} {n}" for name in "abcd" for n in range(25))])
            assert post(base + "1-wrong", "x") == (404, "there is no hook with this token")
            assert not daemon.log_lines(token) and not daemon.log_lines("Traceback")
            daemon.kill()
        kept = [one["text"] for one in place.ctl_json("history", "search", "--from", "ci/hook", "--limit", "1000")]
        assert sorted(kept) == sorted(heard)


def test_a_listener_that_cannot_listen_ends_the_start() -> None:
    """With one line, before the database is touched."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        Place.make(hooks__listen=f"127.0.0.1:{taken.getsockname()[1]}") as place,
    ):
        done = place.run("serve", "--port", "0")
        assert done.returncode == 1
        assert "hooks.listen 127.0.0.1:" in done.stderr and "Traceback" not in done.stderr
        assert not place.database.exists()
