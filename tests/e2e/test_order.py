"""The lines of a session are answered in order, even if one waits for a password check. Other sessions do not wait."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from harness.daemon import PASSWORD, Daemon, running, verb_of


@pytest.fixture(scope="module", params=[1, 2], ids=["one-io-thread", "two-io-threads"])
def slow(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon whose password checks are slow, so that other clients are served meanwhile."""
    accounts = {"ada": "admin", "una": "user"}
    with running(accounts, accounts__bcrypt_cost=13, limits__enabled=False, server__io_threads=request.param) as daemon:
        yield daemon


def test_others_are_answered_while_one_waits(slow: Daemon) -> None:
    """During a password check, another client's lines are answered and passed on."""
    with slow.connect("alice") as alice, slow.connect("bob") as bob, slow.connect("cleo") as cleo:
        alice.ask("PART #lobby")  # from here on alice only reads answers, and what bob says to her
        alice.send("PING before", "OPER nobody :wrong", "PING behind")
        assert "before" in alice.expect("PONG")
        bob.send("PRIVMSG cleo,alice :hello")
        cleo.expect("hello")
        alice.lines.clear()
        assert "behind" in alice.expect("PONG")
        # The daemon decides the order of what one client reads, however busy the machine is.
        assert [verb_of(line) for line in alice.lines if verb_of(line) in ("PRIVMSG", "464")] == ["PRIVMSG", "464"]


def test_what_follows_a_password_check_waits_behind_it(slow: Daemon) -> None:
    """Lines behind OPER are answered after it, in order, with the rights that it gave."""
    with slow.connect("dora") as dora:
        dora.lines.clear()
        lines = ["OPER ada :" + PASSWORD, "WALLOPS :first", "VERSION", "TIME", "NICK dora2", "PING last"]
        dora.send(*lines)
        dora.expect("PONG")
        verbs = [verb_of(line) for line in dora.lines]
        order = [verbs.index(verb) for verb in ("900", "381", "351", "391", "NICK", "PONG") if verb in verbs]
        assert len(order) == 6
        assert order == sorted(order)
        assert "481" not in verbs


def test_lines_behind_a_pass_are_run_once_it_is_checked(slow: Daemon) -> None:
    """A client may send everything at once, with its first channel and message."""
    with slow.connect("emil") as emil, slow.open() as una:
        una.send(f"PASS :{PASSWORD}", "NICK una", "USER una 0 * :U", "JOIN #room", "PRIVMSG emil :made it")
        emil.expect("made it")
        una.expect("JOIN #room")
        verbs = [verb_of(line) for line in una.lines]
        assert "451" not in verbs
        assert verbs.index("900") < verbs.index("001")


def test_lines_behind_sasl_are_run_once_it_is_checked(slow: Daemon) -> None:
    """CAP END that is sent together with the SASL response waits for the answer."""
    response = base64.b64encode(f"\0una\0{PASSWORD}".encode()).decode()
    with slow.open() as client:
        client.send("CAP REQ :sasl", "NICK una", "USER una 0 * :U", "AUTHENTICATE PLAIN")
        client.send(f"AUTHENTICATE {response}", "CAP END", "PRIVMSG una :me")
        client.expect("PRIVMSG una :me")
        verbs = [verb_of(line) for line in client.lines]
        assert verbs.index("903") < verbs.index("001")
        assert "433" not in verbs


def test_register_is_answered_before_what_follows(slow: Daemon) -> None:
    """REGISTER hashes a password and writes to the disk. The next lines wait for both."""
    with slow.connect("fay") as fay:
        fay.lines.clear()
        fay.send("REGISTER * * :long enough", "PING after", "NICK fay2")
        fay.expect("NICK fay2")
        verbs = [verb_of(line) for line in fay.lines]
        assert verbs.index("REGISTER") < verbs.index("900") < verbs.index("PONG") < verbs.index("NICK")


def test_half_open_clients_get_the_answer_they_wait_for(slow: Daemon) -> None:
    """A client that has shut down its sending side still reads the answer, and its further lines run."""
    with slow.connect("gus") as gus, slow.connect("hal") as hal:
        gus.send("OPER ada :" + PASSWORD, "PRIVMSG hal :from an admin")
        gus.half_close()
        assert any(" 381 " in line for line in gus.expect_closed())
        hal.expect("from an admin")


def test_sessions_that_end_during_a_check_do_no_harm(slow: Daemon) -> None:
    """Sessions that are reset, closed or kicked while they wait do no harm to the daemon."""
    with slow.connect("ida", password=f"ada:{PASSWORD}") as ida:
        gone = [slow.connect(f"gone{number}") for number in range(3)]
        for client in gone:
            client.send("OPER ada :" + PASSWORD, "PRIVMSG ida :I should not be heard")
        gone[0].reset()
        gone[1].sock.close()
        ida.send("KILL gone2")
        assert "kicked" in gone[2].expect_closed()[-1]
        gone[2].sock.close()
        left = {ida.expect("QUIT").partition("!")[0] for _ in gone}
        assert left == {":gone0", ":gone1", ":gone2"}
    assert slow.is_well()
