"""``chatroomctl config set`` and ``unset``: change the configuration file, in one call what belongs together."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click

from chatroom import paths
from chatroom.config import KEYS, MASK, Key, find_key, load
from chatroom.config.load import FILE_NAME, check_document, find_exposure
from chatroom.config.redis_url import RedisAddress
from chatroom.config.settings import SCHEMA, SECTIONS
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import report_result, result_option
from chatroom.ctl.standard_input import read_stdin
from chatroom.ctl.streams import plain, warn
from chatroom.database_address import ServerAddress
from chatroom.errors import ConfigError, InvalidValue, NotFound, Refused
from chatroom.plain_file import read_plain_text
from chatroom.settings import editing
from chatroom.settings.file_template import toml_value
from chatroom.settings.schema import did_you_mean

_MOST_BYTES = 65_536
"""How much of standard input is read; more than the longest value of any setting."""
_REPLACES = {"database.path": ("database.url", "database.password_file"), "database.url": ("database.path",)}
"""The keys that cannot be set beside a key: they go when it is set."""


def find_setting(context: click.Context, parameter: click.Parameter, value: str) -> Key:
    """Return the key of that path. Raises ``click.BadParameter``."""
    key = find_key(value)
    if key is None:
        sections = SECTIONS if context.command.name == "get" else ()
        hint = SCHEMA.hint_section(value) or did_you_mean(value, [*sections, *(key.path for key in KEYS)])
        raise click.BadParameter(f"there is no setting {value}{hint or '; chatroomctl config show lists them all'}")
    return key


# The shell's completion calls this with what was typed so far.
def complete_key(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys that begin so."""
    return [key.path for key in KEYS if key.path.startswith(incomplete)]


def _complete_pair(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    given = context.params.get(parameter.name or "") or ()
    if context.command.name == "set" and len(given) % 2:
        return []  # a value
    return [path for path in complete_key(context, parameter, incomplete) if path not in given]


def _find_each(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> list[Key]:
    return list({key.path: key for key in (find_setting(context, parameter, one) for one in values)}.values())


@click.command("set")
@click.argument("words", nargs=-1, required=True, metavar="KEY [VALUE] [KEY VALUE]...", shell_complete=_complete_pair)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read VALUE from standard input. Example: --stdin < motd.txt")
@result_option("file", "key", "value", "applies")
@pass_invocation
def set_(invocation: Invocation, words: tuple[str, ...], from_stdin: bool) -> None:
    """Set settings in the configuration file.

    Comments in the file are kept. Write a list with commas, or as in TOML. Settings that need each other are set in one
    call. With --json, key, value and applies are lists then. A password cannot be given as VALUE, because every user of
    this machine could read it there: leave VALUE out to be asked for it, or use --stdin.

    \b
    Examples:
      chatroomctl config set server.name chat.example.org
      chatroomctl config set channels.autojoin '#lobby,#news'
      chatroomctl config set server.password
      chatroomctl config set listen.tls true listen.certificate cert.pem listen.key key.pem
    """
    context = click.get_current_context()
    keys = [find_setting(context, context.command.params[0], word) for word in words[::2]]
    _check_form(keys, words, from_stdin)
    file = required_file(invocation)
    values = list(words[1::2])
    if not values:
        values = [read_stdin(keys[0].path, _MOST_BYTES) if from_stdin else _ask(keys[0])]
    text, lines, results = text_of(file), [], []
    for key, value in zip(keys, values, strict=True):
        stored, shown = _read_value(key, value, from_stdin)
        text = editing.with_value(text, key, stored)
        shown = MASK if key.secret else shown
        lines.append(f"{file}: {key.path} = {shown if key.secret else toml_value(shown)}. {_when(key)}")
        results.append(shown)
        if stored != "":
            text, gone = _without_replaced(text, key, keys)
            lines += [f"{file}: {path} is not set any more: {key.path} stands in its place." for path in gone]
    _change(file, keys, text)
    _report(file, lines, keys, results)


def _without_replaced(text: str, key: Key, given: Sequence[Key]) -> tuple[str, list[str]]:
    """Return the file's text without the keys that cannot be set beside a key, and these keys."""
    gone = []
    for path in _REPLACES.get(key.path, ()):
        other = find_key(path)
        assert other is not None
        if other.name in tomllib.loads(text).get(other.section, {}) and path not in [one.path for one in given]:
            text = editing.without_value(text, other)
            gone.append(path)
    return text, gone


def _check_form(keys: Sequence[Key], words: Sequence[str], from_stdin: bool) -> None:
    """Raise ``click.UsageError`` if values are missing, or where they must not be."""
    if len({key.path for key in keys}) < len(keys):
        raise click.UsageError("each KEY can be given once")
    is_alone = len(words) == 1
    if from_stdin and not is_alone:
        raise click.UsageError("VALUE and --stdin cannot be used together")
    for key in keys if not is_alone else ():
        if key.secret:
            raise click.UsageError(f"{key.path} is a secret: leave VALUE out to be asked for it, or use --stdin")
    if len(words) % 2 and not (is_alone and (keys[0].secret or from_stdin)):
        raise click.UsageError(f"{keys[-1].path} needs a VALUE{' or --stdin' if is_alone else ''}")


def _read_value(key: Key, value: str, from_stdin: bool) -> tuple[object, object]:
    """Return a value as the file has it, and as people read it. Raises ``InvalidValue``."""
    try:
        checked = key.kind.read_text(value)
    except ValueError:
        raise InvalidValue(f"{key.path} must be {key.kind.allowed}") from None
    shown = key.kind.write(checked)
    # A password that has come by standard input stays in the file.
    if isinstance(checked, ServerAddress | RedisAddress) and checked.password is not None and not from_stdin:
        raise click.UsageError(
            f"{key.path} with a password is a secret: use --stdin, or {key.section}.password_file for the password"
        )
    # A path is stored as it was given: "~" and relative paths have the same meaning in the file. So is a URL, whose
    # password is not shown.
    if isinstance(checked, ServerAddress | RedisAddress):
        return value, shown
    return (value, value) if isinstance(checked, Path) else (shown, shown)


def _report(file: Path, lines: Sequence[str], keys: Sequence[Key], values: Sequence[object]) -> None:
    """Report what was set. For one key the document has no lists."""
    if len(keys) == 1:
        report_result(*lines, file=file, key=keys[0].path, value=values[0], applies=keys[0].applies)
        return
    applies = [key.applies for key in keys]
    report_result(*lines, file=file, key=[key.path for key in keys], value=list(values), applies=applies)


def _ask(key: Key) -> str:
    if not sys.stdin.isatty():
        raise Refused(f"there is no terminal to ask for {key.path}; use --stdin")
    typed: str = click.prompt(key.path, hide_input=True, confirmation_prompt=f"Repeat {key.path}", err=True)
    return typed


@click.command("unset")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...", callback=_find_each, shell_complete=_complete_pair)
@result_option("file", "key", "value", "applies")
@pass_invocation
def unset(invocation: Invocation, keys: Sequence[Key]) -> None:
    """Reset settings to their defaults.

    The default stays in the configuration file as a comment. Settings that need each other are reset in one call. With
    --json, key, value and applies are lists then.

    \b
    Examples:
      chatroomctl config unset limits.burst_lines
      chatroomctl config unset listen.certificate listen.key listen.tls
    """
    file = required_file(invocation)
    text = text_of(file)
    for key in keys:
        text = editing.without_value(text, key)
    _change(file, keys, text)
    lines = [f"{file}: {key.path} has its default again, {toml_value(key.default)}. {_when(key)}" for key in keys]
    _report(file, lines, keys, [key.default for key in keys])


def required_file(invocation: Invocation) -> Path:
    """Return the configuration file in use. Raises ``NotFound`` if there is none."""
    file = invocation.config_file
    if file is None:
        looked = ", ".join(str(directory / FILE_NAME) for directory in paths.config_directories())
        raise NotFound(f'there is no configuration file (looked for {looked}); "chatroomctl config init" writes one')
    return file


def text_of(file: Path) -> str:
    """Return the text of a configuration file. Raises ``ConfigError``."""
    try:
        return read_plain_text(file, "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 text (byte {error.start})") from error


def _change(file: Path, keys: Sequence[Key], text: str) -> None:
    # Check the whole new file before it replaces the old one: one setting can contradict another.
    try:
        check_document(tomllib.loads(text), file, {})
    except ConfigError as error:
        raise _with_way_out(error, file) from None
    editing.write_file(file, text)
    exposure = find_exposure(load(file, {}))
    for key in keys:
        if exposure is not None and key.path in str(exposure):
            warn(plain(str(exposure)))
        if key.variable in os.environ:
            warn(f"{key.variable} is set in this environment and overrides the file")


def _with_way_out(error: ConfigError, file: Path) -> ConfigError:
    """Return the error of a changed file. If the change alone is to blame, it says that there can be further ones."""
    try:
        load(file, {})
    except ConfigError:
        return error  # the file has this fault, or others, already
    return ConfigError(*(f"{one}. Nothing was changed: one call can change several keys" for one in error.errors))


def _when(key: Key) -> str:
    if key.applies == "restart":
        return "A running daemon applies it after a restart."
    return 'A running daemon applies it after "chatroomctl reload".'
