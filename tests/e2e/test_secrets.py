"""No password is in the log, the output or the files of a daemon that got it in every form, nor of the shell."""

from __future__ import annotations

import contextlib
from pathlib import Path

from harness.daemon import PASSWORD, Daemon, Place
from harness.secret_lines import AFTER, BEFORE, TOKEN, fill, find_leaks

SECRETS = (TOKEN, f"{TOKEN} with spaces", f":{TOKEN}\x01é")


def test_a_daemon_keeps_no_password(place: Place) -> None:
    """Lines in every form, with bytes that are no text and with too many of them too."""
    place.environment["CHATROOM_LIMITS__ENABLED"] = "false"
    for name in ("una", "ada"):
        place.create(name)
    daemon = Daemon(place)
    for number, one in enumerate([*BEFORE, *(form for form in AFTER if not form.account and not form.caps)]):
        secret = SECRETS[number % len(SECRETS)]
        data = [line.encode() for line in fill(one.lines, secret)]
        data += [data[-1] + b"\xff", data[-1] + b" x" * 400]
        with daemon.open() as client:
            if one.registered:
                client.register(f"gus{number}")
            with contextlib.suppress(OSError):  # some lines end the connection
                client.send_bytes(b"\r\n".join(data) + b"\r\nPING end\r\nQUIT\r\n")
                client.expect_closed()
    assert daemon.is_well()
    assert daemon.stop() == 0
    assert daemon.log_lines("refused login as ")
    assert find_leaks(daemon.stderr) == []
    assert _find_in_files(place.root) == []
    assert find_leaks([place.ctl("audit", "list", "--json")]) == []


def test_neither_program_shows_a_password_of_the_configuration(place: Place) -> None:
    """Right ones and wrong ones: at the start, at a reload, in checks and lists, and on standard input."""
    place.config_file.write_text(f'[server]\npassword = "{TOKEN}"\n[webirc]\npassword = "{TOKEN}"\n')
    place.config_file.chmod(0o600)
    daemon = Daemon(place)
    said = [place.ctl("config", "show"), place.ctl("config", "check"), place.ctl("status")]
    for broken in (f'password = ["{TOKEN}"]', f'password = "{TOKEN} x"', f"password = {TOKEN}", f'passwd = "{TOKEN}"'):
        place.config_file.write_text(f"[webirc]\n{broken}\n")
        done = [place.run("reload"), place.run("config", "check"), place.run("config", "get", "webirc.password")]
        assert [bool(one.returncode) for one in done] == [True] * 3, (broken, done)
        said += [one.stdout + one.stderr for one in done]
    place.config_file.write_text("")
    for call in (("user", "create", "una"), ("user", "create", "una"), ("user", "passwd", "nobody")):
        done_call = place.run(*call, "--password-stdin", stdin=f"{TOKEN}\n{TOKEN}\n")
        said.append(done_call.stdout + done_call.stderr)
    assert daemon.stop() == 0
    assert find_leaks(said) == []
    assert find_leaks(daemon.stderr) == []
    assert PASSWORD not in "".join(said)


def _find_in_files(folder: Path) -> list[str]:
    return find_leaks(file.read_bytes().decode("latin-1") for file in folder.rglob("*") if file.is_file())
