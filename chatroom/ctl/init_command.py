"""``chatroomctl init``: five questions, and a configuration, a certificate and an admin from the answers."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import shlex
import socket
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import click

from chatroom import paths
from chatroom.config import Settings, find_key
from chatroom.config.load import FILE_NAME, check_document
from chatroom.config.template import template
from chatroom.config.values import OWN_PAGE, is_loopback
from chatroom.ctl.database_choice import confirm_database
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.new_password import password_option
from chatroom.ctl.output import report_result, result_option, yes_option
from chatroom.database_address import DatabaseAddress, ServerAddress
from chatroom.errors import AlreadyExists, InvalidValue, Refused
from chatroom.new_file import new_file
from chatroom.settings import editing
from chatroom.settings.file_template import toml_value

Answer = TypeVar("Answer")

_PLAIN_PORT, _TLS_PORT = 6667, 6697
_CERTIFICATE_DAYS = 3650
_ALL = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on
_TLS_CHOICES = ("none", "self-signed", "files")
_REGISTRATION_CHOICES = ("open", "invite", "approval", "closed")


@dataclass(frozen=True, slots=True)
class _Answers:
    """What the operator has answered."""

    name: str
    host: str
    port: int
    tls: str
    """One of ``_TLS_CHOICES``."""
    files: tuple[Path, Path]
    """The certificate and its key, if there is TLS."""
    registration: str


@click.command("init")
@click.option("--name", help="The server's name. Example: --name chat.example.org")
@click.option("--address", metavar="HOST[:PORT]", help="Where it listens. Example: --address 0.0.0.0")
@click.option(
    "--tls",
    type=click.Choice(_TLS_CHOICES),
    help="Encrypt with a certificate that is made now, or with --certificate and --key. Example: --tls self-signed",
)
@click.option(
    "--certificate",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PEM file of a certificate. Example: --certificate fullchain.pem",
)
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The PEM file of its private key. Example: --key privkey.pem",
)
@click.option("--admin", metavar="NAME", help='The first admin; "" makes none. Example: --admin alice')
@click.option(
    "--registration",
    type=click.Choice(_REGISTRATION_CHOICES),
    help="Who may register accounts from the chat: everyone, who has an invite, nobody. Example: --registration invite",
)
@click.option(
    "--web",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Serve a page for browsers too, at this port of the same address. Example: --web 8097",
)
@password_option
@yes_option
@result_option("file", "certificate", "admin", "todo")
@pass_invocation
def init(
    invocation: Invocation,
    name: str | None,
    address: str | None,
    tls: str | None,
    certificate: Path | None,
    key: Path | None,
    admin: str | None,
    registration: str | None,
    web: int | None,
    password_stdin: bool,
    yes: bool,
) -> None:
    """Set up a server: ask five questions, write the configuration and make the first admin.

    Each question is an option too. Without a terminal, what no option answers is at its default. The file is that of
    the global --config, or else the user's; it explains every setting. If anything fails, nothing is left behind.

    \b
    Examples:
      chatroomctl init
      chatroomctl init --name chat.lan --address 0.0.0.0 --tls self-signed --registration closed --web 8097
    """
    target = (invocation.config_flag or paths.user_config_directory() / FILE_NAME).absolute()
    if os.path.lexists(target):
        raise AlreadyExists(f"{target} exists already; change it with chatroomctl config set, or remove it")
    answers = _ask_all(target, name, address, _tls_by_options(tls, certificate, key), certificate, key, registration)
    text = _write_text(answers, invocation.database_flag)
    if web is not None:
        text = _with_page(text, answers, web)
    settings = check_document(tomllib.loads(text), target, os.environ)
    if admin is None:
        admin = _ask("Name of the first admin (empty: none)", "", str.strip)
    confirm_database(settings.database.address, yes or not admin)
    with contextlib.ExitStack() as on_failure:
        target.parent.mkdir(parents=True, exist_ok=True)
        if answers.tls == "self-signed":
            _make_certificate(answers, on_failure)
        on_failure.callback(target.unlink, missing_ok=True)
        editing.write_file(target, text)
        if admin:
            from chatroom.ctl.user_commands import create_admin_account

            create_admin_account(Invocation(target), admin, password_stdin)
        on_failure.pop_all()
    todo = _list_todo(target, answers, settings, admin, web)
    lines = [f"Wrote {target}."]
    lines += [f"Made {answers.files[0]} and {answers.files[1]}."] if answers.tls == "self-signed" else []
    lines += [f"Created the account {admin} (admin) in {settings.database.address}."] if admin else []
    lines += ["What to do next:", *(f"  {line}" for line in todo)]
    made = answers.files[0] if answers.tls == "self-signed" else None
    report_result(*lines, file=target, certificate=made, admin=admin or None, todo=todo)


def _tls_by_options(tls: str | None, certificate: Path | None, key: Path | None) -> str | None:
    if (certificate is None) is not (key is None):
        raise click.UsageError("--certificate and --key go together")
    if certificate is None:
        return tls
    if tls not in (None, "files"):
        raise click.UsageError(f"--certificate goes with --tls files, not with --tls {tls}")
    return "files"


def _ask_all(
    target: Path,
    name: str | None,
    address: str | None,
    tls: str | None,
    certificate: Path | None,
    key: Path | None,
    registration: str | None,
) -> _Answers:
    """Return the answers of the options, and ask for the others."""
    own = socket.gethostname()
    default_name = own if _is_server_name(own) else f"{own}.local" if _is_server_name(f"{own}.local") else "chat.local"
    checked_name = _take(name, "Name of the server", default_name, _check_name)
    host, port = _take(address, "Address to listen on (0.0.0.0: all networks)", "127.0.0.1", _check_address)
    default_tls = "none" if is_loopback(host) else "self-signed"
    chosen_tls = _take(tls, f"Encrypt with TLS ({', '.join(_TLS_CHOICES)})", default_tls, _check_tls)
    files = (target.parent / "certificate.pem", target.parent / "key.pem")
    if chosen_tls == "files":
        given = [
            _take(None if path is None else str(path), f"PEM file of the {what}", "", _check_file)
            for path, what in ((certificate, "certificate"), (key, "private key"))
        ]
        files = (given[0], given[1])
    question = f"Who may register accounts from the chat ({', '.join(_REGISTRATION_CHOICES)})"
    chosen = _take(registration, question, "open", _check_registration)
    return _Answers(
        checked_name, host, port or (_PLAIN_PORT if chosen_tls == "none" else _TLS_PORT), chosen_tls, files, chosen
    )


def _take(given: str | None, question: str, default: str, check: Callable[[str], Answer]) -> Answer:
    return _ask(question, default, check) if given is None else check(given)


def _ask(question: str, default: str, check: Callable[[str], Answer]) -> Answer:
    """Ask until the answer is a good one. Without a terminal, the answer is the default."""
    if not _is_asked():
        return check(default)

    def checked(text: str) -> Answer:
        try:
            return check(text)
        except Refused as error:
            raise click.UsageError(str(error)) from None  # click shows it and asks again

    answer: Answer = click.prompt(question, default=default, value_proc=checked, show_default=bool(default), err=True)
    return answer


def _is_asked() -> bool:
    return sys.stdin.isatty()


def _is_server_name(text: str) -> bool:
    try:
        _check_name(text)
    except InvalidValue:
        return False
    return True


def _check_name(text: str) -> str:
    return str(_read("server.name", text.strip()))


def _read(path: str, text: str) -> object:
    key = find_key(path)
    assert key is not None, path
    try:
        return key.kind.read_text(text)
    except ValueError:
        raise InvalidValue(f"{path} must be {key.kind.allowed}") from None


def _check_address(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT`` or ``[HOST]:PORT``; port 0 if there is none."""
    found = re.fullmatch(r"\[([^]]*)](?::(\d+))?|([^:]*)(?::(\d+))?", text.strip())
    host, port = (text.strip(), "0") if found is None else (found[1] or found[3] or "", found[2] or found[4] or "0")
    if ":" in host:
        with contextlib.suppress(ValueError):
            ipaddress.IPv6Address(host.partition("%")[0])
            return host, int(str(_read("listen.port", port)))
        raise InvalidValue(f"{text} is no address")
    return str(_read("listen.host", host)), int(str(_read("listen.port", port)))


def _check_tls(text: str) -> str:
    return _one_of(text, _TLS_CHOICES)


def _check_registration(text: str) -> str:
    return _one_of(text, _REGISTRATION_CHOICES)


def _one_of(text: str, choices: tuple[str, ...]) -> str:
    if text.strip() not in choices:
        raise InvalidValue(f"answer one of {', '.join(choices)}")
    return text.strip()


def _check_file(text: str) -> Path:
    path = paths.expand(Path(text.strip())).absolute()
    if not path.is_file():
        raise InvalidValue(f"{path} is no file" if text.strip() else "name a PEM file")
    return path


def _write_text(answers: _Answers, database: DatabaseAddress | None) -> str:
    """Return the configuration file: the template with the answers in it."""
    values: dict[str, object] = {
        "server.name": answers.name,
        "listen.host": answers.host,
        "listen.port": answers.port,
        "accounts.registration": answers.registration,
    }
    if answers.tls != "none":
        certificate, key = map(str, answers.files)
        values.update({"listen.tls": True, "listen.certificate": certificate, "listen.key": key})
    if isinstance(database, ServerAddress):
        values["database.url"] = database.url
    elif database is not None:
        values["database.path"] = str(paths.expand(database).absolute())
    text = template()
    for path, value in values.items():
        setting = find_key(path)
        assert setting is not None, path
        text = editing.with_value(text, setting, value)
    return text


def _with_page(text: str, answers: _Answers, port: int) -> str:
    """Return the configuration file with one more listener, behind the other one: the page for browsers."""
    values: dict[str, object] = {"kind": "websocket", "host": answers.host, "port": port}
    if answers.tls != "none":
        certificate, key = map(str, answers.files)
        values.update({"tls": True, "certificate": certificate, "key": key})
    values["webroot"] = OWN_PAGE
    table = ["# The page for browsers, and its connections.", "[[listen]]"]
    table += [f"{name} = {toml_value(value)}" for name, value in values.items()]
    # In front of the comment of the next section.
    at = text.rindex("\n\n", 0, text.index("\n[webirc]"))
    return "\n".join([f"{text[:at]}\n", *table]) + text[at:]


def _make_certificate(answers: _Answers, on_failure: contextlib.ExitStack) -> None:
    from chatroom.ctl.self_signed import make_self_signed

    for file in answers.files:
        if os.path.lexists(file):
            raise AlreadyExists(f"{file} exists already; name it with --certificate and --key, or remove it")
    names = [answers.name] if answers.host in _ALL else [answers.name, answers.host]
    try:
        texts = make_self_signed(names, datetime.now(UTC), _CERTIFICATE_DAYS)
    except ValueError as error:
        raise Refused(f"a certificate cannot be made: {error}") from None
    for file, text in zip(answers.files, texts, strict=True):
        on_failure.callback(file.unlink, missing_ok=True)
        with new_file(file) as out:
            out.write(text)


def _list_todo(target: Path, answers: _Answers, settings: Settings, admin: str, web: int | None) -> list[str]:
    """Return what to do next, each as a command."""
    found = Invocation(None, None).config_file
    is_found = found is not None and found.samefile(target)
    program = "chatroomctl" if is_found else f"chatroomctl --config {shlex.quote(str(target))}"
    todo = [] if admin else [f"{program} user create-admin NAME"]
    if answers.tls == "self-signed":
        todo.append(f"{program} tls show    # the fingerprint, which clients must trust")
    host = answers.name if answers.host in _ALL else answers.host
    shown = f"[{host}]" if ":" in host else host
    scheme = "irc" if answers.tls == "none" else "ircs"
    todo.append(f"{program} serve")
    todo.append(f"chatroom {scheme}://{shown}:{answers.port}")
    if web is not None:
        todo.append(f"# in a browser: {'http' if answers.tls == 'none' else 'https'}://{shown}:{web}/")
    todo.append(f"{program} service install    # have systemd run it")
    if settings.history.max_size_mb:
        todo.append(f"# the history has at most {settings.history.max_size_mb} MB: history.max_size_mb")
    return todo
