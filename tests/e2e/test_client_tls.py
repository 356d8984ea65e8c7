"""The terminal client and TLS, as processes: the daemon, and scripted servers for what it does not do."""

from __future__ import annotations

import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.daemon import PASSWORD, script, until
from harness.scripted_server import Peer, ScriptedServer
from harness.terminal import CAP_S, Terminal
from harness.tls import Pair, TlsDaemon, server_context, tls_running

Sit = Callable[..., Terminal]
TRUST = "Trust this certificate from now on? [y/N]:"


@pytest.fixture
def daemon() -> Iterator[TlsDaemon]:
    """A daemon with a self-signed certificate of localhost."""
    with tls_running() as started:
        yield started


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A plain server that the test speaks for."""
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def sit(daemon: TlsDaemon) -> Iterator[Sit]:
    """Run ``chatroom --prompt`` in a terminal."""
    terminals = []

    def start(*args: str, **env: str) -> Terminal:
        environment = {**daemon.place.environment, "TERM": "xterm-256color", **env}
        terminals.append(Terminal("--prompt", *args, program=script("chatroom"), env=environment))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def known(daemon: TlsDaemon) -> Path:
    """The file of the servers that the client knows."""
    return daemon.place.root / ".local" / "state" / "chatroom" / "known-servers"


def pipe(daemon: TlsDaemon, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Pipe one line into ``chatroom``."""
    return subprocess.run(
        [script("chatroom"), "--nick", "bot", *args],
        input="deployed\n",
        capture_output=True,
        text=True,
        env={**daemon.place.environment, **env},
        timeout=CAP_S,
    )


def start(daemon: TlsDaemon, *args: str, **env: str) -> subprocess.Popen[str]:
    """Start ``chatroom`` with pipes; the caller speaks for its server."""
    process = subprocess.Popen(
        [script("chatroom"), "--nick", "bot", *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**daemon.place.environment, **env},
    )
    assert process.stdin is not None
    process.stdin.write("deployed\n")
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for the end; the exit code, stdout and stderr."""
    out, err = process.communicate(timeout=CAP_S)
    return process.returncode, out, err


def accept_script(peer: Peer, caps: str = "batch") -> None:
    """Let a script in, read its line, and let it go."""
    peer.expect("CAP")
    peer.send(f":srv CAP * LS :{caps}")
    peer.expect("CAP")
    peer.send(":srv CAP bot ACK :batch")
    peer.expect("CAP")
    peer.welcome("bot", "#lobby")
    assert peer.expect("PRIVMSG").params[1] == "deployed"
    peer.expect("QUIT")
    peer.close()


def test_verified_by_an_authority(daemon: TlsDaemon) -> None:
    """With ``--ca``, and with the authorities of the system."""
    server = f"ircs://localhost:{daemon.tls_port}"
    certificate = str(daemon.pair.certificate)
    with daemon.connect("reader") as reader:
        for done in (pipe(daemon, server, "--ca", certificate), pipe(daemon, server, SSL_CERT_FILE=certificate)):
            assert (done.returncode, done.stderr) == (0, "")
            assert "deployed" in reader.expect("PRIVMSG")
    assert not known(daemon).exists()


def test_a_fingerprint_verifies(daemon: TlsDaemon) -> None:
    """As ``chatroomctl tls show`` prints it, whatever the name; a wrong one is one line and exit code 1."""
    shown = daemon.place.ctl("--config", daemon.place.root / "chatroom.toml", "tls", "show")
    assert daemon.pair.fingerprint in shown
    server = f"127.0.0.1:{daemon.tls_port}"
    done = pipe(daemon, server, "--fingerprint", daemon.pair.fingerprint.upper())
    assert (done.returncode, done.stderr) == (0, "")
    done = pipe(daemon, server, "--fingerprint", "ab" * 32)
    assert done.returncode == 1
    assert done.stderr == (
        f"chatroom: The certificate of {server} is not the one of --fingerprint. "
        f"Its fingerprint is {daemon.pair.fingerprint}.\n"
    )


def test_an_unknown_certificate_is_never_trusted_in_a_pipe(daemon: TlsDaemon) -> None:
    """One line with the ways out, and exit code 1. Nothing is sent, nothing is remembered."""
    done = pipe(daemon, f"ircs://localhost:{daemon.tls_port}", CHATROOM_PASSWORD="secret")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"localhost:{daemon.tls_port} is not trusted: its certificate is self-signed." in done.stderr
    for way in (daemon.pair.fingerprint, "--fingerprint", "--ca"):
        assert way in done.stderr
    assert not known(daemon).exists()


def test_another_name_is_no_authority_for_this_one(daemon: TlsDaemon) -> None:
    """A trusted certificate of another host is refused."""
    done = pipe(daemon, f"ircs://127.0.0.1:{daemon.tls_port}", "--ca", str(daemon.pair.certificate))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "its certificate is for another address" in done.stderr


def test_trust_on_first_use(daemon: TlsDaemon, sit: Sit) -> None:
    """Asked at the terminal and remembered; a pipe uses it; a changed certificate is refused until it is forgotten."""
    server = f"ircs://localhost:{daemon.tls_port}"
    terminal = sit(server, "--nick", "bob")
    terminal.see_last(TRUST)
    shown = daemon.pair.fingerprint
    terminal.wait(lambda: shown in "".join(line.strip() for line in terminal.lines), "the fingerprint")
    terminal.enter("yes")
    terminal.see_last("[#lobby]")
    terminal.enter("/quit")
    assert terminal.finish() == 0
    assert stat.S_IMODE(known(daemon).stat().st_mode) == 0o600
    assert daemon.pair.fingerprint in known(daemon).read_text()
    assert pipe(daemon, server).returncode == 0

    old = daemon.pair.der
    daemon.pair.write("localhost")

    def is_renewed() -> bool:
        with daemon.open_tls() as client:
            return client.certificate != old

    until(is_renewed, "the new certificate")
    done = pipe(daemon, server)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "HAS CHANGED" in done.stderr
    assert str(known(daemon)) in done.stderr
    terminal = sit(server, "--nick", "bob")
    terminal.see("HAS CHANGED")
    assert terminal.finish() == 1

    forget = pipe(daemon, server, "--forget")
    assert (forget.returncode, forget.stderr) == (0, f"Forgot what {known(daemon)} had of localhost.\n")
    assert pipe(daemon, server, "--forget").returncode == 1
    assert "is not trusted" in pipe(daemon, server).stderr


@pytest.mark.parametrize("answer", ["", "no", "\x03"])
def test_no_trust(daemon: TlsDaemon, sit: Sit, answer: str) -> None:
    """Enter alone is a no, and Ctrl-C leaves. Nothing is remembered."""
    terminal = sit(f"ircs://localhost:{daemon.tls_port}", "--nick", "bob")
    terminal.see_last(TRUST)
    terminal.enter(answer)
    assert terminal.finish() == (0 if answer == "\x03" else 1)
    assert not known(daemon).exists()


def test_trust_on_first_use_without_a_screen(daemon: TlsDaemon, sit: Sit) -> None:
    """The plain client at a terminal asks as well, and shows what is typed."""
    terminal = sit(f"ircs://localhost:{daemon.tls_port}", "--nick", "bob", "--plain")
    terminal.see("from now on? [y/N]:")
    terminal.wait(lambda: terminal.is_echoing, "that the answer is shown")
    terminal.enter("y")
    until(lambda: known(daemon).exists(), "that it is remembered")
    with daemon.connect("reader") as reader:
        terminal.enter("hello from bob")
        reader.expect("hello from bob")


def test_a_restart_of_the_server_uses_the_same_rules(daemon: TlsDaemon, scripted: ScriptedServer, sit: Sit) -> None:
    """The certificate that was trusted is the only one to come back to."""
    first, second = (Pair(daemon.place.root, "localhost", label=label) for label in ("first", "second"))
    server = ScriptedServer(context=server_context(first))
    terminal = sit(f"ircs://localhost:{server.port}", "--nick", "bob", "--fingerprint", first.fingerprint)
    server.accept().login("#lobby")
    terminal.see_last("[#lobby]")
    port = server.port
    server.close()
    server = ScriptedServer(port, context=server_context(second))
    assert server.accept().closed_by_client()
    terminal.see("is not the one of --fingerprint")
    assert terminal.finish() == 1
    server.close()


def test_a_login_with_a_password(daemon: TlsDaemon, sit: Sit) -> None:
    """With TLS nothing is asked but the password."""
    daemon.create("alice")
    terminal = sit(f"ircs://localhost:{daemon.tls_port}", "--account", "alice", "--ca", str(daemon.pair.certificate))
    terminal.see_last("Password for alice:")
    terminal.enter(PASSWORD)
    terminal.see_last("[#lobby]")
    assert not any("not encrypted" in line for line in terminal.lines)


def test_a_client_certificate_is_shown(daemon: TlsDaemon) -> None:
    """A guest may show any, and is told that it is unknown. A file that cannot be used is one line."""
    own = Pair(daemon.place.root, "bot", label="bot")
    server = f"ircs://localhost:{daemon.tls_port}"
    trust = ("--fingerprint", daemon.pair.fingerprint)
    done = pipe(daemon, server, *trust, "--certificate", str(own.certificate), "--key", str(own.key))
    assert (done.returncode, done.stderr) == (0, "The server does not know your certificate.\n")
    done = pipe(daemon, server, *trust, "--certificate", str(own.certificate), "--key", str(daemon.pair.key))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(own.certificate) in done.stderr


def test_a_client_certificate_logs_in(daemon: TlsDaemon, sit: Sit) -> None:
    """Without a password, at a terminal and in a pipe. If the server does not know it, the password is asked for."""
    daemon.create("alice")
    own, other = (Pair(daemon.place.root, "alice", label=label) for label in ("alice", "other"))
    daemon.place.ctl("user", "cert", "add", "alice", "--file", own.certificate)
    server = (f"ircs://localhost:{daemon.tls_port}", "--fingerprint", daemon.pair.fingerprint, "--account", "alice")
    terminal = sit(*server, "--certificate", str(own.certificate), "--key", str(own.key))
    terminal.see_last("[#lobby]")
    assert daemon.place.ctl_json("who")[0]["account"] == "alice"
    terminal.enter("/quit")
    assert terminal.finish() == 0
    done = pipe(daemon, *server, "--certificate", str(own.certificate), "--key", str(own.key))
    assert (done.returncode, done.stderr) == (0, "")
    unknown = ("--certificate", str(other.certificate), "--key", str(other.key))
    done = pipe(daemon, *server, *unknown)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "The server does not know your certificate." in done.stderr
    terminal = sit(*server, *unknown)
    terminal.see_last("Password for alice (leave empty for another nick):")
    terminal.enter(PASSWORD)
    terminal.see_last("[#lobby]")


def test_the_wrong_kind_of_port(daemon: TlsDaemon) -> None:
    """TLS to a plain port and plain to a TLS port are one line each, which says what to do."""
    done = pipe(daemon, f"localhost:{daemon.tls_port}")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"`chatroom ircs://localhost:{daemon.tls_port}`" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as nowhere:
        port = nowhere.getsockname()[1]
    done = pipe(daemon, f"ircs://localhost:{port}")
    assert done.stderr == f"chatroom: Cannot connect to localhost:{port} with TLS: no server is listening there.\n"


@pytest.mark.parametrize("wrong", [("--key", "k"), ("--ca", "a", "--fingerprint", "ab" * 32), ("--fingerprint", "abc")])
def test_options_that_make_no_sense(daemon: TlsDaemon, wrong: tuple[str, ...]) -> None:
    """A usage error, exit code 2."""
    assert pipe(daemon, "localhost", *wrong).returncode == 2


def test_a_server_that_demands_tls(daemon: TlsDaemon, scripted: ScriptedServer) -> None:
    """The client moves before it says anything else, the password last of all."""
    process = start(
        daemon,
        f"localhost:{scripted.port}",
        CHATROOM_SERVER_PASSWORD="secret",
        CHATROOM_PASSWORD="secret",
        SSL_CERT_FILE=str(daemon.pair.certificate),
    )
    peer = scripted.accept()
    peer.expect("CAP")
    peer.send(f":srv CAP * LS :sasl=PLAIN sts=port={daemon.tls_port}", ":srv 001 bot :Welcome")
    assert peer.closed_by_client()
    assert peer.seen == ["CAP LS 302"]
    assert finish(process) == (0, "", "")
    assert not known(daemon).exists()


def test_a_demand_for_tls_is_no_question(daemon: TlsDaemon, scripted: ScriptedServer, sit: Sit) -> None:
    """Whoever speaks for the plain port must not get to ask the user to trust a certificate."""
    terminal = sit(f"localhost:{scripted.port}", "--nick", "bob")
    peer = scripted.accept()
    peer.expect("CAP")
    peer.send(f":srv CAP * LS :sts=port={daemon.tls_port}")
    terminal.see("is not trusted: its certificate is self-signed.")
    assert terminal.finish() == 1
    assert not known(daemon).exists()


def test_a_policy_is_obeyed_in_the_next_run(daemon: TlsDaemon, scripted: ScriptedServer) -> None:
    """A plain request for the host goes to the TLS port, until the server ends the policy."""
    certificate = str(daemon.pair.certificate)
    secure = ScriptedServer(context=server_context(daemon.pair))
    process = start(daemon, f"ircs://localhost:{secure.port}", SSL_CERT_FILE=certificate)
    accept_script(secure.accept(), "batch sts=duration=600")
    assert finish(process)[0] == 0
    assert f"sts localhost {secure.port} " in known(daemon).read_text()

    process = start(daemon, f"localhost:{scripted.port}")  # the certificate is trusted no longer
    secure.accept_distrust()
    secure.accept_distrust()  # it has looked at the certificate
    code, _, err = finish(process)
    assert (code, err.count("\n")) == (1, 1)
    assert f"localhost:{secure.port} is not trusted" in err
    assert not scripted.is_called_within(0)
    secure.close()

    secure = ScriptedServer(secure.port, context=server_context(daemon.pair))
    process = start(daemon, f"localhost:{scripted.port}", SSL_CERT_FILE=certificate)
    accept_script(secure.accept(), "batch sts=duration=0")
    assert finish(process)[0] == 0
    secure.close()
    process = start(daemon, f"localhost:{scripted.port}")
    accept_script(scripted.accept())
    assert finish(process)[0] == 0


def test_a_file_that_makes_no_sense_is_one_line(daemon: TlsDaemon) -> None:
    """The client connects nowhere without knowing whom the user trusts."""
    known(daemon).parent.mkdir(parents=True)
    known(daemon).write_text("certificate localhost\n")
    done = pipe(daemon, f"localhost:{daemon.port}")
    assert (done.returncode, done.stderr) == (
        1,
        f"chatroom: {known(daemon)}: line 1 makes no sense: repair or remove it\n",
    )


def own_address() -> str:
    """An address of this machine that is not a loopback; skips the test if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the address to send from
            found: str = probe.getsockname()[0]
        except OSError:
            found = "127.0.0.1"
    if found.startswith("127."):
        pytest.skip("this machine has no address on a network")
    return found


def test_a_password_on_the_open_network(daemon: TlsDaemon, sit: Sit) -> None:
    """A terminal asks, a script warns in one line, a guest at a terminal reads one line."""
    server = ScriptedServer(host=own_address())
    address = f"{own_address()}:{server.port}"
    process = start(daemon, address, CHATROOM_SERVER_PASSWORD="secret")
    peer = server.accept()
    peer.expect("CAP")
    peer.send(":srv CAP * LS :")
    assert peer.expect("PASS").params == ["secret"]
    peer.expect("CAP")
    peer.welcome("bot", "#lobby")
    peer.expect("QUIT")
    peer.close()
    warning = "This connection is not encrypted: others on the network can read the password."
    assert finish(process) == (0, "", f"chatroom: {warning}\n")

    terminal = sit(address, "--nick", "bob", CHATROOM_SERVER_PASSWORD="secret")
    peer = server.accept()
    peer.expect("CAP")
    peer.send(":srv CAP * LS :")
    terminal.see_last("Send it anyway? [y/N]:")
    assert peer.seen == ["CAP LS 302"]
    terminal.enter("")
    terminal.see("The password was not sent.")
    assert terminal.finish() == 1
    assert peer.closed_by_client()

    terminal = sit(address, "--nick", "bob")
    server.accept().login("#lobby")
    terminal.see(f"The connection to {address} is not encrypted")
    server.close()
