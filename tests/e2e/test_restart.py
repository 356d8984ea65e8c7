"""What the daemon has confirmed to a client survives its end, even by SIGKILL."""

from __future__ import annotations

import random
import re

import pytest
from harness.daemon import PASSWORD, Client, Daemon, Place, until


def start_with_founder(place: Place) -> Daemon:
    """A daemon with an admin, ada, and an account, fred."""
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"
    place.create("ada", "admin")
    place.create("fred")
    return Daemon(place)


def test_a_founded_channel_survives_a_kill(place: Place) -> None:
    """Topic, modes, key, limit, lists and access of an account's channel survive SIGKILL once confirmed."""
    daemon = start_with_founder(place)
    with daemon.connect("fred", password=PASSWORD) as fred, daemon.connect("ada", password=PASSWORD) as ada:
        fred.send("JOIN #Tea", "TOPIC #tea :the good kettle", "MODE #tea +imk-t key", "MODE #tea +l 7")
        fred.send("MODE #tea +b *!*@spam.example", "MODE #tea +e *!*@ham.example", "MODE #tea +I *!*@friend.example")
        for _ in range(3):
            fred.expect("MODE")
        fred.collect()
        fred.send("INVITE ada #tea")
        ada.expect("INVITE")
        ada.send("JOIN #tea key")
        ada.expect("366")
        fred.send("MODE #tea +o ada")
        ada.expect("MODE #Tea +o ada")
        daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("fred", password=PASSWORD) as fred:
        fred.send("PART #tea", "JOIN #tea key")
        fred.expect("JOIN")
        assert "@fred" in fred.expect("353")
        answers = "\n".join(fred.ask("TOPIC #tea", "MODE #tea", "MODE #tea +b", "MODE #tea +e", "MODE #tea +I"))
        assert " 332 fred #Tea :the good kettle" in answers
        modes = re.search(r" 324 fred #Tea \+(\S+) (.*)", answers)
        assert modes is not None
        assert set(modes[1]) == set("iklmn")
        assert set(modes[2].split()) == {"key", "7"}
        for mask in ("*!*@spam.example", "*!*@ham.example", "*!*@friend.example"):
            assert mask in answers
        with daemon.connect("ada", password=PASSWORD) as ada:
            assert "@ada" in "".join(ada.ask("NAMES #tea"))
    assert daemon.stop() == 0


def test_a_configured_channel_keeps_its_topic_over_a_restart(place: Place) -> None:
    """The same after an orderly stop."""
    daemon = start_with_founder(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.send("TOPIC #lobby :welcome all", "MODE #lobby +m")
        ada.expect("TOPIC")
        ada.expect("MODE #lobby +m")
        assert daemon.stop() == 0
    daemon = Daemon(place)
    with daemon.connect("guest") as guest:
        assert any(line.endswith(" 332 guest #lobby :welcome all") for line in guest.lines)
        guest.send("PRIVMSG #lobby :may I?")
        guest.expect("404")
    assert daemon.stop() == 0


def test_a_guests_channel_ends_with_its_last_member(place: Place) -> None:
    """A channel that no account has founded is not stored."""
    daemon = start_with_founder(place)
    with daemon.connect("guest") as guest:
        guest.send("JOIN #brief", "TOPIC #brief :mine")
        guest.expect("TOPIC")
        guest.ask("PART #brief")
        assert not [line for line in guest.ask("LIST") if "#brief" in line]
    daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("guest") as guest:
        assert not [line for line in guest.ask("LIST") if "#brief" in line]
    assert daemon.stop() == 0


def test_accounts_and_bans_survive_a_kill(place: Place) -> None:
    """REGISTER, a ban and its end hold as soon as the client has read the confirmation."""
    daemon = start_with_founder(place)
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("newbie") as newbie:
        newbie.send("REGISTER * * :long enough")
        newbie.expect("REGISTER SUCCESS")
        ada.send("UBAN ADD mallory 7d spam", "UBAN ADD 127.5.0.0/24 1d net", "UBAN ADD brief", "UBAN DEL brief")
        ada.expect("brief is no longer banned")
        daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("newbie", password="long enough"):
        pass
    with daemon.open("127.5.0.9") as banned:
        assert "banned: net (until" in banned.expect_closed()[-1]
    with daemon.open() as mallory:
        mallory.send("NICK Mallory", "USER x 0 * :x")
        assert "banned: spam (until" in mallory.expect_closed()[-1]
    with daemon.connect("brief"):
        pass
    assert daemon.stop() == 0


def test_last_writes_before_a_stop_are_stored(place: Place) -> None:
    """What still waits for the store at SIGTERM is written: logins are in the accounts and kicks in the audit."""
    daemon = start_with_founder(place)
    with daemon.connect("ada", password=PASSWORD) as ada, daemon.connect("victim") as victim:
        ada.send("KILL victim :bye")
        victim.expect_closed()
        assert daemon.stop() == 0
    assert [row["target"] for row in place.ctl_json("audit", "list") if row["action"] == "kick"] == ["victim"]
    assert place.ctl_json("user", "show", "ada")["account"]["last_login_at"]
    place.ctl("db", "check")


class Story:
    """What was confirmed to a client over several runs of the daemon, and what the client had only asked for."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.number = 0
        self.topic = ""
        self.asked_topics: set[str] = set()
        self.banned: set[str] = set()
        self.unsure: set[str] = set()
        self.accounts: set[str] = set()

    def go_on(self, ada: Client, daemon: Daemon) -> None:
        """Make changes and record what is confirmed, until the daemon is killed."""
        last = self.rng.randrange(1, 12)
        for step in range(last + 1):
            self.number += 1
            kind = self.rng.choice(["topic", "ban", "unban", "register"])
            if kind == "topic":
                text = f"topic {self.number}"
                self.asked_topics.add(text)
                ada.send(f"TOPIC #tea :{text}")
                if step == last:
                    break
                ada.expect(text)
                self.topic, self.asked_topics = text, set()
            elif kind == "ban" or (kind == "unban" and not self.banned):
                name = f"bad{self.number}"
                self.unsure.add(name)
                ada.send(f"UBAN ADD {name} 7d round")
                if step == last:
                    break
                ada.expect(f"{name} is banned")
                self.unsure.discard(name)
                self.banned.add(name)
            elif kind == "unban":
                name = self.rng.choice(sorted(self.banned))
                self.banned.discard(name)
                self.unsure.add(name)
                ada.send(f"UBAN DEL {name}")
                if step == last:
                    break
                ada.expect(f"{name} is no longer banned")
                self.unsure.discard(name)
            else:
                name = f"acc{self.number}"
                with daemon.connect(name) as newcomer:
                    newcomer.send("REGISTER * * :long enough")
                    newcomer.expect("REGISTER SUCCESS")
                self.accounts.add(name)
        daemon.kill()

    def check(self, ada: Client) -> None:
        """Compare what a new run of the daemon knows with what the last one confirmed."""
        answers = ada.ask("TOPIC #tea", "UBAN LIST")
        topic = next((line.partition(" #tea :")[2] for line in answers if " 332 " in line), "")
        assert topic in {self.topic, *self.asked_topics}
        self.topic, self.asked_topics = topic, set()
        banned = {match[1] for line in answers if (match := re.search(r": (bad\d+) is banned", line))}
        assert self.banned <= banned <= self.banned | self.unsure
        self.banned, self.unsure = banned, set()


def kill_often(place: Place, rounds: int) -> None:
    """Kill the daemon at random moments and compare after each. At the end, check the database itself."""
    story = Story(rounds)
    daemon = start_with_founder(place)
    for _ in range(rounds):
        with daemon.connect("ada", password=PASSWORD) as ada:
            ada.ask("JOIN #tea")
            story.check(ada)
            story.go_on(ada, daemon)
        daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("JOIN #tea")
        story.check(ada)
    assert story.accounts <= {row["name"] for row in place.ctl_json("user", "list")}
    assert daemon.stop() == 0
    place.ctl("db", "check")


def test_what_was_confirmed_survives_twenty_kills(place: Place) -> None:
    """SIGKILL comes right after a confirmation or a request, twenty times on one database."""
    kill_often(place, 20)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_what_was_confirmed_survives_two_hundred_kills(place: Place) -> None:
    """The same for longer."""
    kill_often(place, 200)


def test_a_restored_backup_stays_restored(place: Place) -> None:
    """A copy put in the place of a killed daemon's database is not undone by its log: the start names the ways out."""
    place.create("ada", "admin")
    daemon = Daemon(place)
    backup = place.root / "backup.db"
    with daemon.connect("bob") as bob:
        bob.send("PRIVMSG #lobby :before the backup")
        bob.collect()
        place.ctl("db", "backup", backup)
        bob.send("PRIVMSG #lobby :after the backup")
        bob.collect()
    daemon.kill()
    place.database.write_bytes(backup.read_bytes())
    for command in (("serve", "--port", "0"), ("history", "search", "backup"), ("db", "status")):
        refused = place.run(*command)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "db restore FILE" in refused.stderr
    place.ctl("db", "restore", "--yes", backup)
    found = [entry["text"] for entry in place.ctl_json("history", "search", "backup")]
    assert found == ["before the backup"]
    daemon = Daemon(place)
    assert daemon.is_well()
    assert daemon.stop() == 0


def test_a_kill_right_after_the_start_is_no_reason_to_refuse(place: Place) -> None:
    """Daemons that are killed again and again start again, and keep what was said."""
    place.create("ada", "admin")
    for number in range(4):
        daemon = Daemon(place)
        with daemon.connect("bob") as bob:
            bob.send(f"PRIVMSG #lobby :round {number}")
            bob.collect()
        daemon.kill()
    assert len(place.ctl_json("history", "search", "round")) == 4


def test_an_account_comes_back_to_its_channels_after_a_kill(place: Place) -> None:
    """What SIGKILL broke off is joined again at the next login, behind the message of the day. What was left is not."""
    daemon = start_with_founder(place)
    with daemon.connect("fred", password=PASSWORD) as fred:
        fred.send("JOIN #tea", "JOIN #coffee", "PART #coffee", "TOPIC #tea :behind it")
        fred.expect("TOPIC")  # the members read it when it is stored, and with it what came before
        daemon.kill()
    daemon = Daemon(place)
    with daemon.open() as fred:
        fred.send(f"PASS :{PASSWORD}", "NICK fred", "USER fred 0 * :fred")
        fred.expect("422")
        fred.expect("JOIN #tea")
        shown = "".join(fred.ask("WHOIS fred"))
        assert "#tea" in shown and "#coffee" not in shown
    assert daemon.stop() == 0


def test_a_ban_of_a_channel_ends_by_itself(place: Place) -> None:
    """Nobody says anything when its time is over, or the daemon did not run then. The stored channel follows."""
    daemon = start_with_founder(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("JOIN #tea", "CBAN #tea bob 2s :short", "CBAN #tea carl 1y")
        assert ":chatroom.local MODE #tea -b bob!*@*" in ada.expect("MODE #tea -b")
        ada.ask("CBAN #tea dora 1s")
        daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        ada.ask("JOIN #tea")
        until(lambda: not any("dora" in line for line in ada.ask("MODE #tea b")), "dora's ban is lifted")
        assert any("carl" in line for line in ada.ask("MODE #tea b"))
    assert daemon.stop() == 0


def test_an_account_that_is_always_on_is_there_after_a_kill(place: Place) -> None:
    """Other users see it in its channel before it has connected again."""
    assert start_with_founder(place).stop() == 0
    place.ctl("user", "set-always-on", "fred", "on")  # a running daemon would learn of it a moment later
    daemon = Daemon(place)
    with daemon.connect("fred", password=PASSWORD) as fred:
        fred.send("JOIN #tea", "TOPIC #tea :behind it")
        fred.expect("TOPIC")
        daemon.kill()
    daemon = Daemon(place)
    with daemon.connect("ada", password=PASSWORD) as ada:
        assert "@fred" in "".join(ada.ask("NAMES #tea"))
        assert "Not connected" in "".join(ada.ask("WHOIS fred"))
    assert daemon.stop() == 0


def test_failed_logins_count_after_a_kill(place: Place) -> None:
    """A restart gives a guesser no new free tries. Lifted, they do not count after the next kill."""
    place.create("fred")
    daemon = Daemon(place)
    for _ in range(3):
        with daemon.open("127.6.0.5") as guesser:
            guesser.send("PASS :fred:wrong", "NICK fred", "USER f 0 * :F")
            guesser.expect_closed()
    # The database, which a write reaches behind the answer.
    until(lambda: (place.ctl_json("user", "show", "fred")["failed_logins"] or {}).get("failures") == 3, "a count of 3")
    daemon.kill()
    daemon = Daemon(place)
    found = place.ctl_json("login-delay", "list")
    assert {one["target"] for one in found} == {"fred", "127.6.0.5"}
    assert all(one["failed"] == 3 and one["next_waits_s"] in (0, 1) for one in found)
    assert "of fred does not wait" in place.ctl("login-delay", "lift", "fred")
    daemon.kill()
    daemon = Daemon(place)
    assert [one["target"] for one in place.ctl_json("login-delay", "list")] == ["127.6.0.5"]
    assert daemon.stop() == 0
