"""Invites end to end: ``chatroomctl`` makes them, and clients of a private server register with them."""

from __future__ import annotations

import signal
import subprocess
from typing import Any

from harness.daemon import PASSWORD, Client, Daemon, Place, running, script, stopped_well, until
from harness.terminal import Terminal


def begin(daemon: Daemon, nick: str) -> Client:
    """Open a connection that waits for the token of an invite, before it is complete."""
    client = daemon.open()
    client.send("CAP LS 302", f"NICK {nick}", f"USER {nick} 0 * :{nick}", f"REGISTER * * :{PASSWORD}")
    assert "VERIFICATION_REQUIRED" in client.expect("REGISTER")
    return client


def invite(place: Place, *options: str) -> Any:
    """Make an invite from the shell."""
    return place.ctl_json("invite", "create", *options)


def test_a_private_server_takes_in_who_is_invited() -> None:
    """A guest is turned away. The token works while the daemon runs, and the account logs in from then on."""
    with (
        running({"ada": "admin"}, accounts__registration="invite", accounts__require_login=True) as daemon,
        daemon.open() as guest,
    ):
        made = invite(daemon.place)
        # The port is that of the daemon, which the configuration does not have.
        assert made["link"] == f"irc://127.0.0.1:{daemon.port}/?invite={made['token']}"
        guest.send("NICK guest", "USER g 0 * :G")
        assert any("ACCOUNT_REQUIRED" in line for line in guest.expect_closed())
        with begin(daemon, "zoe") as zoe:
            zoe.send(f"VERIFY * {made['token']}", "CAP END")
            zoe.expect("001")
        with daemon.connect("zoe", password=f"zoe:{PASSWORD}"), daemon.connect("ada", password=PASSWORD) as ada:
            assert any("invite 2" in line for line in ada.ask("INVITELINK CREATE"))
        assert [one["used"] for one in daemon.place.ctl_json("invite", "list", "--all")] == [1, 0]
        assert not daemon.log_lines(made["token"])
        assert not daemon.log_lines(made["token"].partition("-")[2])
        assert made["token"].partition("-")[2] not in daemon.place.ctl("audit", "list")


def test_an_invite_is_made_while_no_daemon_runs() -> None:
    """It works when one does."""
    with Place.make(accounts__registration="invite", accounts__require_login=True) as place:
        place.ctl("db", "migrate")
        token = invite(place)["token"]
        for daemon in stopped_well(Daemon(place)):
            with begin(daemon, "zoe") as zoe:
                zoe.send(f"VERIFY zoe {token}")
                assert "SUCCESS" in zoe.expect("VERIFY")


def test_many_race_for_the_last_uses() -> None:
    """Twelve connections send the same token at once: as many accounts are made as it is for."""
    with running(limits__enabled=False, accounts__registration="invite", accounts__require_login=True) as daemon:
        token = invite(daemon.place, "--uses", "3")["token"]
        racers = [begin(daemon, f"user{number}") for number in range(12)]
        for racer in racers:
            racer.send(f"VERIFY * {token}")
        answers = [racer.expect(" VERIFY ") for racer in racers]
        assert sum(" SUCCESS " in answer for answer in answers) == 3
        assert sum(answer.endswith("This invite is used up") for answer in answers) == 9
        assert len(daemon.place.ctl_json("user", "list")) == 3
        assert daemon.place.ctl_json("invite", "list", "--all")[0]["used"] == 3
        for racer in racers:
            racer.sock.close()


def test_a_killed_daemon_counts_each_account_once() -> None:
    """It is killed among many registrations. Afterwards there are as many accounts as uses that were counted."""
    with Place.make(limits__enabled=False, accounts__registration="invite", accounts__require_login=True) as place:
        place.ctl("db", "migrate")
        token = invite(place, "--uses", "50")["token"]
        daemon = Daemon(place)
        racers = [begin(daemon, f"user{number}") for number in range(20)]
        for racer in racers:
            racer.send(f"VERIFY * {token}")
        until(lambda: daemon.log_lines("with invite 1"), "the first is registered")
        daemon.stop(signal.SIGKILL)
        accounts = len(place.ctl_json("user", "list"))
        assert accounts >= 1
        assert place.ctl_json("invite", "list", "--all")[0]["used"] == accounts
        for racer in racers:
            racer.sock.close()


def test_a_removed_invite_opens_nothing_on_the_running_daemon() -> None:
    """The daemon asks the database at each use."""
    with running(accounts__registration="invite", accounts__require_login=True) as daemon:
        token = invite(daemon.place)["token"]
        daemon.place.ctl("invite", "remove", "1", "--yes")
        with begin(daemon, "zoe") as zoe:
            zoe.send(f"VERIFY * {token}")
            assert zoe.expect("FAIL").endswith("INVALID_CODE zoe :There is no such invite")


def test_the_shell_approves_while_the_applicant_waits() -> None:
    """The applicant is logged in at once. Another one reads why not, and a third is approved without a daemon."""
    with Place.make(accounts__registration="approval") as place:
        for daemon in stopped_well(Daemon(place)):
            with daemon.connect("zoe") as zoe, daemon.connect("yan") as yan, daemon.connect("xen") as xen:
                for client in (zoe, yan, xen):
                    client.send(f"REGISTER * * :{PASSWORD}")
                    client.expect("VERIFICATION_REQUIRED")
                assert [one["name"] for one in place.ctl_json("user", "pending")] == ["zoe", "yan", "xen"]
                place.ctl("user", "approve", "zoe")
                zoe.expect("900")
                place.ctl("user", "reject", "yan", "--reason", "who are you?")
                yan.expect("You may not register yan: who are you?")
        place.ctl("user", "approve", "xen")
        assert place.ctl_json("user", "pending") == []
        for daemon in stopped_well(Daemon(place)):
            with daemon.connect("xen", password=f"xen:{PASSWORD}"):
                assert [one["name"] for one in place.ctl_json("user", "list")] == ["xen", "zoe"]


# -- our client ------------------------------------------------------------------------------------------------------


def sit(daemon: Daemon, *args: str, password: str = "") -> Terminal:
    """Run ``chatroom --prompt`` in a terminal."""
    environment = {**daemon.place.environment, "TERM": "xterm-256color", "CHATROOM_PASSWORD": password}
    return Terminal("--prompt", *args, program=script("chatroom"), env=environment)


def test_our_client_makes_a_link_and_another_one_opens_it() -> None:
    """An admin types /invite-link. Who opens the link chooses a nick and a password, and is in the channel."""
    with running({"ada": "admin"}, accounts__registration="invite", accounts__require_login=True) as daemon:
        ada = sit(daemon, f"127.0.0.1:{daemon.port}", "--account", "ada", "--join", "tea", password=PASSWORD)
        ada.see_last("[#tea]")
        ada.enter("/mode +i")
        ada.enter("/invite-link 12h")
        ada.see("invite 1 and #tea, for 1 account")
        ada.see("irc://127.0.0.1/tea?invite=1-")
        token = next(word.rpartition("=")[2] for line in ada.lines for word in line.split() if "?invite=" in word)
        # The daemon's settings name port 6667, and the test's daemon has another one.
        zoe = sit(daemon, f"irc://127.0.0.1:{daemon.port}/tea?invite={token}")
        zoe.wait(lambda: zoe.last.startswith("Nickname ["), "the question for the nick")
        zoe.enter("zoe")
        zoe.see_last("New password for zoe:")
        zoe.enter("hunter2222")
        zoe.see_last("Repeat the password:")
        zoe.enter("hunter2223")
        zoe.see_last("The passwords differ. New password for zoe:")
        zoe.enter("hunter2222")
        zoe.see_last("Repeat the password:")
        zoe.enter("hunter2222")
        zoe.see("[#tea] 2 here: @ada, zoe")
        zoe.see_last("[#tea]")
        ada.see("[#tea] zoe joined")
        again = sit(daemon, f"irc://127.0.0.1:{daemon.port}/tea?invite=1-wrong", "--nick", "yan", password="hunter2222")
        again.see("There is no such invite")
        assert again.finish() == 1
        for terminal in (ada, zoe, again):
            terminal.close()


def test_a_script_uses_an_invite() -> None:
    """In a pipe the password comes from the environment; without one the way out is named."""
    with running(accounts__registration="invite", accounts__require_login=True) as daemon:
        token = invite(daemon.place)["token"]
        link = f"irc://127.0.0.1:{daemon.port}/lobby?invite={token}"

        def pipe(password: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [script("chatroom"), link, "--nick", "bot"],
                input="hello from the bot\n",
                capture_output=True,
                text=True,
                env={**daemon.place.environment, "CHATROOM_PASSWORD": password},
                timeout=60,
            )

        assert "set CHATROOM_PASSWORD" in pipe("").stderr
        done = pipe("hunter2222")
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert [one["name"] for one in daemon.place.ctl_json("user", "list")] == ["bot"]
        assert "hello from the bot" in daemon.place.ctl("history", "search", "hello")


def test_a_forgotten_password_is_replaced_by_a_link() -> None:
    """The shell makes the link, and our client asks for the new password. The link works once."""
    with running({"bob": "user"}, accounts__require_login=True) as daemon:
        token = daemon.place.ctl_json("user", "reset-token", "bob", "--for", "2h")["token"]
        link = f"irc://127.0.0.1:{daemon.port}/?account=bob&reset={token}"
        bob = sit(daemon, link)
        bob.see_last("New password for bob:")
        bob.enter("hunter2222")
        bob.see_last("Repeat the password:")
        bob.enter("hunter2222")
        bob.see_last("[#lobby]")
        with daemon.connect("bob", password="bob:hunter2222"):
            pass
        again = sit(daemon, link, password="hunter3333")
        again.see("There is no such token for this account")
        assert again.finish() == 1
        assert not daemon.log_lines(token.partition("-")[2])
        for terminal in (bob, again):
            terminal.close()
