"""Rubbish, floods and vanishing peers get a numeric or a clean close, and no other client is disturbed."""

from __future__ import annotations

import contextlib
import random
import re
import select
import socket
from collections.abc import Iterator

import pytest
from harness.daemon import CAP_S, PASSWORD, Daemon, running, until, verb_of


@pytest.fixture(scope="module", params=[1, 2], ids=["one-io-thread", "two-io-threads"])
def unlimited(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon without limits."""
    with running(limits__enabled=False, server__io_threads=request.param) as daemon:
        yield daemon


def without_joins(lines: list[str]) -> list[str]:
    """Drop the lines of users that come and go."""
    return [line for line in lines if verb_of(line) not in ("JOIN", "QUIT")]


def test_a_line_too_long_is_417_and_is_not_passed_on(shared: Daemon) -> None:
    """A line or tags that are too long are refused as a whole. The next line is run."""
    with shared.connect("alice") as alice, shared.connect("bob") as bob:
        for line in ("PRIVMSG bob :" + "x" * 600, "@" + "t" * 5000 + " PRIVMSG bob :tags", "PRIVMSG bob :" + "ä" * 300):
            assert [verb_of(answer) for answer in without_joins(alice.ask(line))] == ["417"]
        alice.ask("PRIVMSG bob :" + "y" * (510 - 13), "PRIVMSG bob :end")
        # The longest message needs two lines on its way to bob, because the source stands in front of it there.
        read = [line.partition(" :")[2] for line in without_joins(bob.collect())]
        assert ("".join(read[:-1]), read[-1]) == ("y" * (510 - 13), "end")


def test_a_line_without_an_end_costs_no_memory(shared: Daemon) -> None:
    """Megabytes without a line end are one line that is too long."""
    with shared.connect("cato") as cato:
        for _ in range(64):
            cato.send_bytes(b"z" * 65_536)
        cato.send_bytes(b"\r\n")
        assert [verb_of(answer) for answer in cato.collect()] == ["417"]


@pytest.mark.parametrize(
    "data", [b"PRIVMSG bob2 :\xff\xfe\r\n", b"PRIVMSG bob2 :caf\xe9\r\n", b"\x80\r\n", b"NICK \xc3\r\n"]
)
def test_what_is_not_utf8_is_refused(shared: Daemon, data: bytes) -> None:
    """FAIL INVALID_UTF8 for the whole line, and for no other line."""
    with shared.connect("bob2") as bob, shared.connect("dan") as dan:
        dan.send_bytes(b"PING one\r\n" + data + b"PING two\r\n")
        assert [verb_of(answer) for answer in dan.collect()] == ["PONG", "FAIL", "PONG"]
        assert any(" INVALID_UTF8 " in line for line in dan.lines)
        assert without_joins(bob.collect()) == []


def test_nul_and_bare_cr(shared: Daemon) -> None:
    """A line with a NUL is not run. A bare CR ends a line as LF does."""
    with shared.connect("bob3") as bob, shared.connect("eva") as eva:
        eva.send_bytes(b"PRIVMSG bob3 :a\0b\r\nPING one\rPING two\n\r\n\n\rPING three\r\n")
        answers = eva.collect()
        assert [verb_of(answer) for answer in answers][1:] == ["PONG"] * 3
        assert [answer[-3:] for answer in answers[1:]] == ["one", "two", "ree"]
        assert without_joins(bob.collect()) == []


def test_a_conversation_split_at_every_byte(unlimited: Daemon) -> None:
    """Bytes that come one by one are the same lines."""
    whole = "NICK fritz\r\nUSER f 0 * :F\r\nPRIVMSG fritz :grüß dich 😀\r\nPING end\r\n".encode()
    with unlimited.open() as client:
        for byte in whole:
            client.send_bytes(bytes([byte]))
        client.expect("PRIVMSG fritz :grüß dich 😀")
        client.expect("PONG")


def test_unknown_verbs_and_missing_parameters(shared: Daemon) -> None:
    """They are answered by 421 and 461. An empty line or a lone prefix is not answered."""
    with shared.connect("gina") as gina:
        assert " 421 gina BOGUS :" in gina.ask("BOGUS a b c")[0]
        for verb in ("JOIN", "KICK #lobby", "MODE", "TOPIC", "PART", "OPER x", "USERHOST", "AUTHENTICATE"):
            answers = gina.ask(verb)
            assert [verb_of(answer) for answer in answers] == ["461"], (verb, answers)
        assert gina.ask("", "   ", ":", ":prefix", ":prefix ") == []
        too_many = gina.ask("PING " + " ".join("abcdefghijklmnopqrstuvwxyz") + " :end")
        assert [verb_of(answer) for answer in too_many] == ["PONG"]


def test_rubbish_of_every_kind(unlimited: Daemon) -> None:
    """Random bytes and random words of the protocol cause no traceback and cost other clients nothing."""
    rng = random.Random(20_260_701)
    verbs = ["NICK", "JOIN", "PART", "MODE", "TOPIC", "KICK", "INVITE", "WHO", "WHOIS", "NAMES", "LIST", "PRIVMSG"]
    verbs += ["USER", "CAP", "AUTHENTICATE", "UBAN", "KILL", "AWAY"]
    words = [
        "#lobby",
        "#",
        "hans",
        "*",
        "",
        ":",
        "+ov-b",
        "b",
        "-1",
        "99999999999999999999",
        "a,b,,c",
        "\x01",
        "é",
        "@+x",
    ]
    with unlimited.connect("hans") as hans:
        for number in range(20):
            with unlimited.open() as client:
                if number % 2:
                    client.register(f"r{number}")
                lines = [
                    " ".join([rng.choice(verbs), *rng.choices(words, k=rng.randrange(6))]).encode() for _ in range(200)
                ]
                client.send_bytes(b"\r\n".join([*lines, rng.randbytes(5000), b"QUIT"]) + b"\r\n")
                client.expect_closed()
        hans.ask("PRIVMSG hans :still here")
    assert unlimited.is_well()


def test_ten_thousand_lines_at_once_are_a_flood(shared: Daemon) -> None:
    """With limits, the client gets ERROR (Excess flood) and is closed. Other users chat on."""
    with shared.connect("ina") as ina, shared.connect("jan") as jan, shared.connect("kai") as kai:
        with contextlib.suppress(ConnectionError):  # closed before everything was sent
            ina.send_bytes(b"PRIVMSG #lobby :flood\r\n" * 10_000)
        jan.ask("PRIVMSG kai :undisturbed")
        kai.expect("undisturbed")
        assert ina.expect_closed()[-1] == "ERROR :Closing Link: 127.0.0.1 (Excess flood)"
        until(lambda: jan.collect() is not None and "QUIT :Excess flood" in str(jan.lines), "jan has read of it")
        flooded = sum("flood" in line and verb_of(line) == "PRIVMSG" for line in jan.lines)
        assert flooded <= 64


def test_ten_thousand_lines_are_answered_without_limits(unlimited: Daemon) -> None:
    """Each line is answered in order. Lines of another client do not wait for the end of it."""
    with unlimited.connect("leo") as leo, unlimited.connect("mia") as mia, unlimited.connect("ned") as ned:
        leo.collect()
        leo.send_bytes(b"".join(b"PING %d\r\n" % number for number in range(10_000)))
        mia.ask("PRIVMSG ned :meanwhile")
        ned.expect("meanwhile")
        answers = [line.rpartition(":")[2] for line in leo.collect() if verb_of(line) == "PONG"]
        assert answers == [str(number) for number in range(10_000)]


def test_lines_beyond_the_burst_wait(shared: Daemon) -> None:
    """If more lines come than the burst allows, but few enough to wait, all are answered in order."""
    with shared.connect("olga") as olga:
        olga.send(*(f"PING {number}" for number in range(60)))
        for number in range(60):
            assert olga.expect("PONG").endswith(f":{number}")


def test_half_open_lines_are_still_run(shared: Daemon) -> None:
    """A peer that shuts down its sending side (a script with a pipe) still has its lines run and answered."""
    with shared.connect("pia") as pia:
        with shared.open() as script:
            script.send("NICK script", "USER s 0 * :S", "PRIVMSG #lobby :deployed")
            script.half_close()
            assert "001" in [verb_of(line) for line in script.expect_closed()]
        assert verb_of(pia.expect(":script!")) == "JOIN"
        pia.expect("PRIVMSG #lobby :deployed")
        assert pia.expect("QUIT").startswith(":script!")


def test_half_open_with_more_than_the_burst(shared: Daemon) -> None:
    """Lines that wait for the rate limit run before the connection ends, too."""
    with shared.connect("quin") as quin:
        quin.send(*(f"PING {number}" for number in range(55)))
        quin.half_close()
        answers = [line for line in quin.expect_closed() if verb_of(line) == "PONG"]
        assert len(answers) == 55


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_peer_that_vanishes_in_the_middle_of_a_line(shared: Daemon, how: str) -> None:
    """Other users read QUIT. The unfinished line is not run."""
    with shared.connect("rob") as rob:
        client = shared.connect("fading")
        rob.collect()
        client.send_bytes(b"PRIVMSG #lobby :finished\r\nPRIVMSG #lobby :unfinish")
        rob.expect("finished")
        if how == "close":
            client.sock.close()
        else:
            client.reset()
        assert re.match(r":fading!\S+ QUIT :Connection ", rob.expect("QUIT"))
        assert rob.collect() == []


def test_a_line_before_a_reset_is_run(unlimited: Daemon) -> None:
    """A script that sends a line and closes, without reading our answers, sends a reset behind it. The line is run."""
    with unlimited.connect("uwe") as uwe:
        for number in range(20):
            script = unlimited.open()
            script.send("NICK notifier", "USER n 0 * :N")
            assert select.select([script.sock], [], [], CAP_S)[0]
            script.send_bytes(b"".join(b"PRIVMSG #lobby :%d-%d\r\n" % (number, line) for line in range(200)))
            script.sock.close()
            for line in range(200):
                assert uwe.expect("PRIVMSG").endswith(f":{number}-{line}")
            assert uwe.expect("QUIT").startswith(":notifier!")


def test_a_hundred_resets_before_registration(shared: Daemon) -> None:
    """Peers that connect and vanish at once leave no session behind."""
    for number in range(100):
        client = shared.open()
        if number % 2:
            client.send("NICK half")
        client.reset()
    until(lambda: shared.place.ctl_json("status")["unregistered"] == 0, "no unregistered session is left")
    assert shared.is_well()


def test_a_peer_that_never_reads_costs_only_itself() -> None:
    """Beyond its send queue the client is closed (SendQ exceeded), and its channel loses no line."""
    with (
        running(limits__enabled=False, limits__sendq_bytes=65_536) as daemon,
        daemon.connect("sue") as sue,
        daemon.connect("ted") as ted,
        daemon.open() as deaf,
    ):
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.register("deaf")
        sue.collect(), ted.collect()
        sent = 0
        while not any(verb_of(line) == "QUIT" for line in ted.lines):
            sue.ask(*(f"PRIVMSG #lobby :{number:06} {'x' * 400}" for number in range(sent, sent + 100)))
            sent += 100
            ted.collect()
            assert sent < 100_000
        assert next(line for line in ted.lines if verb_of(line) == "QUIT").endswith("QUIT :SendQ exceeded")
        said = [int(line.split(" :")[1][:6]) for line in ted.lines if verb_of(line) == "PRIVMSG"]
        assert said == list(range(sent))


def test_five_hundred_connections_at_once(unlimited: Daemon) -> None:
    """All are welcomed, all read the same line, and all may vanish at once."""
    with unlimited.connect("zed") as zed:
        crowd = [unlimited.open() for _ in range(500)]
        for number, client in enumerate(crowd):
            client.send(f"NICK n{number}", f"USER n{number} 0 * :n")
        for client in crowd:
            client.expect("001")
        zed.ask("PRIVMSG #lobby :all of you")
        for client in crowd:
            client.expect("PRIVMSG #lobby :all of you")
            client.reset()
        gone: set[str] = set()
        while len(gone) < 500:
            gone.add(zed.expect("QUIT").partition("!")[0])
    assert unlimited.is_well()


def test_connections_of_one_address_are_limited() -> None:
    """Too many at a time or in a minute are refused. Other addresses and this machine are not counted."""
    with running(limits__connections_per_address=3, limits__connects_per_minute=6) as daemon:
        first = [daemon.open("127.3.0.1") for _ in range(3)]
        for client in first:
            client.ask("NICK n")
        with daemon.open("127.3.0.1") as fourth:
            assert "at most 3 at a time" in fourth.expect_closed()[-1]
        daemon.expect_log("refused 127.3.0.1: too many connections")
        with daemon.connect("other", from_address="127.3.0.2"):
            pass
        local = [daemon.connect(f"local{number}") for number in range(10)]
        for client in first:
            client.sock.close()
        admitted = 0

        def is_used_up() -> bool:
            nonlocal admitted
            with daemon.open("127.3.0.1") as again:
                again.send("PING x")
                line = again.read_line() or ""
            admitted += verb_of(line) == "PONG"
            return "at most 6 a minute" in line

        until(is_used_up, "the minute's connections are used up")
        assert admitted == 3
        for client in local:
            client.sock.close()


def test_a_connection_that_does_not_register_is_closed() -> None:
    """After the time-out an unregistered connection gets ERROR and is closed. Other clients stay."""
    with running(limits__registration_timeout_s=0.5) as daemon, daemon.connect("tim") as tim, daemon.open() as mute:
        mute.send("CAP LS 302", "NICK mute")
        assert mute.expect_closed()[-1] == "ERROR :Closing Link: 127.0.0.1 (Registration timed out)"
        assert tim.collect() == []
        daemon.expect_log("refused 127.0.0.1: ")


def test_a_silent_client_gets_ping_and_is_closed_without_an_answer() -> None:
    """PING comes after the interval. A client that answers stays; one that does not is closed after the time-out."""
    with (
        running(limits__ping_interval_s=0.5, limits__ping_timeout_s=1.5) as daemon,
        daemon.connect("alive") as alive,
        daemon.connect("dead") as dead,
    ):
        while not any(verb_of(line) == "QUIT" for line in alive.lines):
            line = alive.read_line()
            assert line is not None
            if verb_of(line) == "PING":
                alive.send(line.replace("PING", "PONG"))
        assert re.match(r":dead!\S+ QUIT :Ping timeout: \d+ seconds", alive.lines[-1])
        farewell = dead.expect_closed()
        assert "PING" in [verb_of(line) for line in farewell]
        assert farewell[-1].startswith("ERROR :Closing Link: 127.0.0.1 (Ping timeout")
        alive.collect()


def test_a_right_password_does_not_wait_behind_wrong_ones_of_people_who_left() -> None:
    """Two hundred wrong passwords come from hosts that are gone at once. The owner's is checked before theirs."""
    with running({"una": "user"}, accounts__bcrypt_cost=10) as daemon:
        for number in range(200):
            with daemon.open(f"127.50.{number // 100}.{1 + number % 100}") as guesser:
                guesser.send(f"PASS x{number}:wrong", f"NICK p{number}", "USER u 0 * :u")
        with daemon.connect("una", from_address="127.8.8.8", password=PASSWORD) as una:
            assert una.ask("PING x")
            checked = daemon.log_lines("refused login as ")
            assert len(checked) < 150


def test_a_client_that_answers_and_does_not_catch_up_is_closed() -> None:
    """PONG keeps no backlog alive: after its time the client is closed, whatever its send queue may still have."""
    with (
        running(limits__enabled=False, limits__backlog_timeout_s=1, limits__sendq_bytes=50_000_000) as daemon,
        daemon.connect("sue") as sue,
        daemon.connect("ted") as ted,
        daemon.open() as slow,
    ):
        slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.register("slow")
        sue.collect(), ted.collect()
        while not any(verb_of(line) == "QUIT" for line in ted.lines):
            sue.ask(*(f"PRIVMSG #lobby :{'x' * 400}" for _ in range(50)))
            slow.send("PONG :here")
            ted.collect()
        text = next(line for line in ted.lines if verb_of(line) == "QUIT")
        assert "SendQ timeout: did not catch up in 1 seconds" in text
