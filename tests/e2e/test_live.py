"""What the shell writes to the database takes effect in the running daemon, although the shell sends it nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Client, Daemon, running, until, verb_of

LIVE_CAP_S = 5.0
"""The documentation promises one second. A busy machine may take longer."""


@pytest.fixture(scope="module", params=[1, 2], ids=["one-io-thread", "two-io-threads"])
def live(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon without limits."""
    with running(
        {"ada": "admin", "mo": "moderator"}, limits__enabled=False, server__io_threads=request.param
    ) as daemon:
        yield daemon


def soon(client: Client, question: str, wanted: str) -> str:
    """Ask until an answer or another line has the text. Returns the line."""

    def find() -> str | None:
        return next((line for line in client.ask(question) if wanted in line), None)

    found = until(find, f"{wanted!r} in the answer to {question!r}", LIVE_CAP_S)
    assert found is not None
    return found


def refused_as_banned(daemon: Daemon, nick: str, address: str) -> bool:
    """True if a client with that nick and address is refused because of a ban."""
    with daemon.open(address) as client:
        client.send(f"NICK {nick}", "USER x 0 * :x", "QUIT")
        return any("You are banned" in line for line in client.expect_closed())


def test_a_name_ban_disconnects_and_its_end_lets_in(live: Daemon) -> None:
    """Ban add ends the session with the reason and the end of the ban. After ban remove the name gets in again."""
    with live.connect("alice") as alice, live.connect("bob") as bob:
        live.place.ctl("ban", "add", "ALICE", "--for", "7d", "--reason", "test ban")
        assert re.search(r"banned: test ban \(until .* UTC\)", alice.expect_closed()[-1])
        assert "alice was kicked by an admin: banned: test ban" in bob.expect("QUIT")
        assert refused_as_banned(live, "Alice", "127.0.0.1")
        live.place.ctl("ban", "remove", "alice")
        until(lambda: not refused_as_banned(live, "alice", "127.0.0.1"), "alice is let in", LIVE_CAP_S)
        assert "PONG" in [verb_of(line) for line in bob.ask("PING x")]


@pytest.mark.parametrize("name, target", [("vera", "vera"), ("wanda", "127.4.2.0/24")])
def test_a_ban_tells_of_the_absent_user_that_it_removes(live: Daemon, name: str, target: str) -> None:
    """A user that is always on has no connection to count."""
    live.create(name)
    with live.connect("bob") as bob:
        with live.connect(name, from_address="127.4.2.1", password=PASSWORD) as absent:
            soon(absent, "NS SET ALWAYS-ON on", "You stay")
        soon(bob, f"WHOIS {name}", "Not connected")
        told = live.place.ctl("ban", "add", target, "--yes")
        assert "1 absent user removed" in told and "disconnected" not in told
        assert "401" in map(verb_of, bob.ask(f"WHOIS {name}"))
    assert "0 users disconnected" in live.place.ctl("ban", "add", target, "--yes")
    live.place.ctl("ban", "remove", target)


def test_an_address_ban_disconnects_and_its_end_lets_in(live: Daemon) -> None:
    """A ban of a network ends every session from there, registered or not, and no other."""
    with (
        live.connect("cleo", from_address="127.4.0.1") as cleo,
        live.open("127.4.0.2") as mute,
        live.connect("dan", from_address="127.4.1.1") as dan,
    ):
        mute.ask("NICK mute")
        assert "--yes" in live.place.run("ban", "add", "127.4.0.0/24").stderr
        told = live.place.ctl("ban", "add", "127.4.0.0/24", "--reason", "that net", "--yes")
        assert "1 user disconnected (2 connections)" in told
        for client in (cleo, mute):
            assert "banned: that net (permanently)" in client.expect_closed()[-1]
        assert refused_as_banned(live, "other", "127.4.0.3")
        live.place.ctl("ban", "remove", "127.4.0.0/24")
        until(lambda: not refused_as_banned(live, "other", "127.4.0.3"), "the net is let in", LIVE_CAP_S)
        assert [verb_of(line) for line in dan.ask("PING x")][-1] == "PONG"


def test_the_address_of_a_name_is_banned(live: Daemon) -> None:
    """Ban add NAME --ip asks the daemon for the address."""
    with live.connect("eve", from_address="127.4.2.1") as eve:
        live.place.ctl("ban", "add", "eve", "--ip")
        assert "banned" in eve.expect_closed()[-1]
    assert refused_as_banned(live, "another", "127.4.2.1")
    assert [ban["target"] for ban in live.place.ctl_json("ban", "list")] == ["127.4.2.1"]
    live.place.ctl("ban", "remove", "127.4.2.1")


def test_a_short_ban_runs_out_by_itself(live: Daemon) -> None:
    """A temporary ban ends without a command."""
    with live.connect("fay", from_address="127.4.3.1") as fay:
        live.place.ctl("ban", "add", "fay", "--for", "1s")
        fay.expect_closed()
    until(lambda: not refused_as_banned(live, "fay", "127.4.3.1"), "fay is let in", LIVE_CAP_S)
    assert live.place.ctl_json("ban", "list") == []
    assert live.place.ctl_json("ban", "list", "--all")[0]["target"] == "fay"


def test_a_role_changes_at_once(live: Daemon) -> None:
    """A connected user gains and loses rights, and is told."""
    live.create("gina")
    with live.connect("gina", password=PASSWORD) as gina, live.connect("hal") as hal:
        gina.send("UBAN LIST")
        gina.expect("481")
        live.place.ctl("user", "set-role", "gina", "moderator")
        assert soon(gina, "PING x", "MODE gina").endswith("MODE gina +o")
        assert "0 bans" in str(gina.ask("UBAN LIST"))
        live.place.ctl("user", "set-role", "gina", "user")
        assert soon(gina, "PING x", "MODE gina").endswith("MODE gina -o")
        gina.send("KILL hal")
        gina.expect("481")
        assert [verb_of(line) for line in hal.ask("PING x")][-1] == "PONG"


def test_a_disabled_account_is_logged_out(live: Daemon) -> None:
    """The user loses name and rights at once and cannot log in. The name stays registered meanwhile."""
    live.create("ida", "admin")
    with live.connect("ida", password=PASSWORD) as ida:
        live.place.ctl("user", "disable", "ida")
        assert "disabled" in soon(ida, "PING x", "NOTICE ida")
        ida.send("UBAN LIST")
        assert re.match(r"\S+ 481 Guest\d+ ", ida.expect("481"))
        with live.open("127.4.4.1") as again:
            again.send(f"PASS :{PASSWORD}", "NICK ida", "USER x 0 * :x")
            assert "disabled" in again.expect("465")
        with live.open() as guest:
            guest.send("NICK ida", "USER x 0 * :x")
            guest.expect("NICK_RESERVED")
    live.place.ctl("user", "enable", "ida")

    def gets_in() -> bool:
        with live.open() as client:
            client.send(f"PASS :{PASSWORD}", "NICK ida", "USER x 0 * :x", "QUIT")
            return any(verb_of(line) == "001" for line in client.expect_closed())

    until(gets_in, "the enabled account gets in", LIVE_CAP_S)


def test_a_newly_registered_name_is_taken_from_a_guest(live: Daemon) -> None:
    """The guest is renamed and told why. The owner gets in."""
    with live.connect("jan") as jan, live.connect("kai") as kai:
        live.place.create("JAN")
        line = soon(jan, "PING x", " NICK ")
        new = line.rpartition(" ")[2]
        assert re.fullmatch(r"Guest\d+", new)
        assert "needs its password" in str(jan.lines)
        assert kai.expect("NICK").endswith(f" NICK {new}")
        with live.connect("Jan", password=PASSWORD):
            jan.ask(f"PRIVMSG kai :I am {new} now")
            assert kai.expect("PRIVMSG").startswith(f":{new}!")


def test_a_deleted_account_is_logged_out_and_its_name_free(live: Daemon) -> None:
    """Its users become guests, and any client may have the name."""
    live.create("leo")
    with live.connect("leo", password=PASSWORD) as leo:
        live.place.ctl("user", "delete", "leo", "--yes")
        assert "deleted" in soon(leo, "PING x", "NOTICE leo")
        assert "330" not in [verb_of(line) for line in leo.ask("WHOIS leo")]
        leo.ask("NICK leonard")
        with live.connect("leo"):
            pass


def test_an_account_is_renamed_while_its_user_is_present(live: Daemon) -> None:
    """The user has the new nick at once, keeps its channel, and logs in by the new name only."""
    live.create("nell")
    with live.connect("nell", password=PASSWORD) as nell:
        nell.ask("JOIN #nell", "TOPIC #nell :mine")
        said = live.place.ctl("user", "rename", "nell", "nelly")
        assert said == f"Renamed the account nell to nelly in {live.place.database}\n"
        nell.expect("NICK nelly")
        assert any("330" in line and "nelly" in line for line in nell.ask("WHOIS nelly"))
    with live.connect("nelly", password=PASSWORD) as nelly:
        nelly.ask("JOIN #nell")
        assert any("@nelly" in line for line in nelly.ask("NAMES #nell"))
    refused = live.place.run("user", "rename", "nelly", "ADA")
    assert refused.returncode == 1
    assert "ada" in refused.stderr
    with live.connect("nell"):
        pass


def test_channels_are_shown_and_deleted_by_the_daemon(live: Daemon) -> None:
    """The shell reads of members and of a guest's channel, and the members of a deleted one are removed."""
    live.create("olga")
    with live.connect("olga", password=PASSWORD) as olga, live.connect("guest") as guest:
        olga.ask("JOIN #olga", "TOPIC #olga :mine: all of it")
        guest.ask("JOIN #olga", "JOIN #guests")
        found = {one["name"]: one for one in live.place.ctl_json("channel", "list")}
        assert (found["#olga"]["stored"], found["#olga"]["member_count"], found["#olga"]["founder"]) == (
            True,
            2,
            "olga",
        )
        assert found["#guests"]["stored"] is False
        shown = live.place.ctl_json("channel", "show", "#OLGA")
        assert (shown["topic"], shown["members"]) == ("mine: all of it", ["@olga", "guest"])
        assert "@olga" in live.place.ctl("channel", "show", "#olga")
        live.place.ctl("channel", "delete", "#olga", "--yes")
        guest.expect("KICK #olga guest")
        assert "#olga" not in live.place.ctl("channel", "list")
        assert live.place.run("channel", "delete", "#lobby", "--yes").returncode == 1


def test_a_new_password_holds_at_the_next_login(live: Daemon) -> None:
    """User passwd does not need the daemon."""
    live.create("mia")
    live.place.ctl("user", "passwd", "mia", "--password-stdin", stdin="another horse")
    with live.open("127.4.5.1") as old:
        old.send(f"PASS :{PASSWORD}", "NICK mia", "USER x 0 * :x")
        old.expect("464")
    with live.connect("mia", password="another horse"):
        pass


def test_many_bans_at_once_end_the_sessions_that_they_ban(live: Daemon) -> None:
    """An imported list of 3,000 networks ends the sessions in them. Other users chat on."""
    entries = [f"127.{64 + number // 250}.{number % 250}.0/24" for number in range(3000)]
    (live.place.root / "bans.txt").write_text("\n".join(entries))
    with live.connect("ned", from_address="127.70.7.7") as ned, live.connect("otis") as otis:
        live.place.ctl("ban", "import", "bans.txt", "--yes")
        assert "banned" in ned.expect_closed()[-1]
        assert [verb_of(line) for line in otis.ask("PING x")][-1] == "PONG"
        until(lambda: live.place.ctl_json("status")["bans"] == 3000, "all are in force", LIVE_CAP_S)
        assert refused_as_banned(live, "x", "127.75.249.1")


def test_status_and_who(daemon: Daemon) -> None:
    """Status has counts. Who lists sessions with their real addresses, as text and as JSON."""
    daemon.create("ada", "admin")
    with (
        daemon.connect("ada", password=PASSWORD),
        daemon.connect("pia", from_address="127.4.6.1"),
        daemon.open() as mute,
    ):
        mute.ask("CAP LS 302")
        status = daemon.place.ctl_json("status")
        assert [status[key] for key in ("users", "unregistered", "accounts", "bans")] == [2, 1, 1, 0]
        assert status["pid"] == daemon.process.pid
        assert status["listening"] == f"127.0.0.1:{daemon.port}"
        assert status["database"] == str(daemon.place.database)
        who = {row["nick"]: row for row in daemon.place.ctl_json("who") if row["nick"]}
        assert who["pia"]["address"] == "127.4.6.1"
        assert who["pia"]["channels"] == ["#lobby"]
        assert (who["ada"]["account"], who["ada"]["role"]) == ("ada", "admin")
        table = daemon.place.ctl("who")
        assert re.search(r"^pia .* 127\.4\.6\.1 ", table, re.M), table
        assert str(daemon.process.pid) in daemon.place.ctl("status")


def test_kick_and_announce_from_the_shell(live: Daemon) -> None:
    """The users read both, and the audit has the operator."""
    with live.connect("quin") as quin, live.connect("rob") as rob:
        live.place.ctl("announce", "The", "server", "restarts at noon.")
        for client in (quin, rob):
            assert client.expect("NOTICE").endswith(" :The server restarts at noon.")
        live.place.ctl("kick", "QUIN", "calm", "down")
        assert "You were kicked by an admin: calm down" in quin.expect_closed()[-1]
        assert "quin was kicked by an admin: calm down" in rob.expect("QUIT")
        refused = live.place.run("kick", "quin")
        assert refused.returncode == 1
        assert len(refused.stderr.splitlines()) == 1
        until(
            lambda: {"kick", "announce"} <= {row["action"] for row in live.place.ctl_json("audit", "list")},
            "both are in the audit",
        )


def test_the_shell_shows_the_lockdown(live: Daemon) -> None:
    """Asked for, set and ended: each time as text and as JSON, with what the state means."""
    assert live.place.ctl("lockdown") == "Lockdown off: new users may come in\n"
    said = live.place.ctl("lockdown", "accounts-only", "--for", "1h")
    assert said.startswith("Lockdown accounts-only: new guests stay out") and " until " in said
    assert live.place.ctl_json("lockdown") == {"answer": said.rstrip("\n")}
    assert live.place.ctl("lockdown", "off") == "Lockdown off: new users may come in\n"


def test_unknown_names_are_refused(live: Daemon) -> None:
    """Unknown names get one line and exit code 1, and nothing in the daemon changes."""
    for call in (
        ["kick", "nobody"],
        ["user", "disable", "nobody"],
        ["ban", "remove", "nobody"],
        ["ban", "add", "127.0.0.1"],
    ):
        done = live.place.run(*call)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done
    assert live.is_well()


def test_the_configuration_applies_at_reload(daemon: Daemon) -> None:
    """Config set writes the file and says when the value applies. Reload applies it; a broken file changes nothing."""
    place = daemon.place
    place.ctl("config", "init")
    with daemon.connect("sue") as sue:
        told = place.run("config", "set", "server.motd", "good evening")
        assert told.returncode == 0
        assert "reload" in told.stdout + told.stderr
        assert "good evening" not in str(sue.ask("MOTD"))
        assert "server.motd" in place.ctl("reload")
        assert "good evening" in str(sue.ask("MOTD"))
        place.ctl("config", "set", "server.name", "other.example.org")
        waiting = json.loads(place.ctl("reload", "--json"))["needs_restart"]
        assert [(one["key"], one["after"]) for one in waiting] == [("server.name", "other.example.org")]
        assert json.loads(place.ctl("status", "--json"))["waits_for_restart"] == "server.name"
        file = place.config_file
        file.write_text(file.read_text().replace("good evening", "good night") + "\n[nonsense]\n[more]\n")
        broken = place.run("reload")
        assert broken.returncode == 1
        assert "nonsense" in broken.stderr and "more" in broken.stderr
        assert "good evening" in str(sue.ask("MOTD"))


def test_the_control_socket_is_ours_alone(daemon: Daemon) -> None:
    """It is in the runtime directory with mode 0600, and it is gone when the daemon is."""
    [path] = (daemon.place.root / "run").glob("*.sock")
    assert path.stat().st_mode & 0o777 == 0o600
    assert daemon.stop() == 0
    assert not path.exists()
