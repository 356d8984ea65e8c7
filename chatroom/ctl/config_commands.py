"""``chatroomctl config``: create, read, change and check the configuration file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from chatroom import paths
from chatroom.config import KEYS, MASK, Key, Settings
from chatroom.config.load import FILE_NAME
from chatroom.config.settings import SECTIONS
from chatroom.config.template import PROPOSED, template
from chatroom.ctl.checks.configuration import find_in_settings
from chatroom.ctl.config_changes import complete_key, find_setting, required_file, set_, unset
from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import json_option, print_json, print_table, report_result, result_option, say
from chatroom.ctl.streams import plain, warn
from chatroom.ctl.subcommands import Subcommands
from chatroom.errors import AlreadyExists, ConfigError
from chatroom.settings import editing
from chatroom.settings.file_template import toml_value


@click.group(cls=Subcommands)
def config() -> None:
    """Show and change the settings.

    \b
    Examples:
      chatroomctl config show
      chatroomctl config set limits.burst_lines 100
    """


@config.command("init")
@click.argument("path", required=False, type=click.Path(path_type=Path, dir_okay=False))
@result_option("file")
@pass_invocation
def init(invocation: Invocation, path: Path | None) -> None:
    """Write a configuration file that explains every setting.

    Its settings are commented out, so they keep their defaults. Only history.max_size_mb is set, because without a
    bound the history fills any disk in time. Without PATH the file is written to the path given by the global --config,
    or else to the user's configuration directory.

    \b
    Example:
      chatroomctl config init
    """
    target = path or invocation.config_flag or paths.user_config_directory() / FILE_NAME
    if os.path.lexists(target):  # not through a link that leads nowhere either
        raise AlreadyExists(f"{target} exists already; name another path or remove it")
    target.parent.mkdir(parents=True, exist_ok=True)
    editing.write_file(target, template())
    proposed = ", ".join(f"{name} = {value}" for name, value in PROPOSED.items())
    lines = [f"Wrote {target}. It sets {proposed}; everything else is commented out and keeps its default."]
    found = Invocation(None, None).config_file
    if found is None or not found.samefile(target):
        lines.append(f"It is read only if it is named: chatroomctl --config {shlex.quote(str(target.absolute()))}")
    report_result(*lines, file=target)


@config.command("path")
@pass_invocation
def path(invocation: Invocation) -> None:
    """Print the path of the configuration file in use.

    \b
    Example:
      "$EDITOR" "$(chatroomctl config path)"
    """
    say(str(required_file(invocation).absolute()))


@config.command("show")
@json_option
@pass_invocation
def show(invocation: Invocation, as_json: bool) -> None:
    """List every setting with its value.

    The list also has the source of each value and the time when a change applies. Passwords are masked.

    \b
    Example:
      chatroomctl config show
    """
    settings = invocation.settings
    rows = [(key, _shown(key, settings), _origin(key, settings)) for key in KEYS]
    if as_json:
        # There can be several [[listen]] tables, so their keys have no single value.
        single = {
            key.path: {"value": value, "from": origin, "applies": key.applies}
            for key, value, origin in rows
            if key.section != "listen"
        }
        print_json({"file": settings.source, "settings": single, "listen": settings.listen})
    else:
        print_table(
            ("KEY", "VALUE", "FROM", "APPLIES AT"),
            [(key.path, toml_value(value), origin, key.applies) for key, value, origin in rows],
        )


@config.command("get")
@click.argument("key", shell_complete=complete_key)
@json_option
@pass_invocation
def get(invocation: Invocation, key: str, as_json: bool) -> None:
    """Print the value of one setting, or a section with all its settings.

    A password is printed too, not masked, unless it is one of a section. If there are several [[listen]] tables, a key
    of theirs has several values, one on each line.

    \b
    Examples:
      chatroomctl config get server.motd
      chatroomctl config get listen
    """
    settings = invocation.settings
    if key in SECTIONS:
        _print_section(settings, key, as_json)
        return
    context = click.get_current_context()
    values = find_setting(context, context.command.params[0], key).values_in(settings)
    if as_json:
        print_json(values[0] if len(values) == 1 else values)
        return
    for value in values:
        text = value if isinstance(value, str) else toml_value(value)
        # A text such as server.motd can have several lines, which stay lines.
        for line in text.split("\n"):
            say(line)


def _print_section(settings: Settings, section: str, as_json: bool) -> None:
    """Print a section as TOML, each of the [[listen]] tables for itself, or as JSON."""
    keys = [key for key in KEYS if key.section == section]
    columns = [[MASK if key.secret and value else value for value in key.values_in(settings)] for key in keys]
    tables = [{key.name: value for key, value in zip(keys, row, strict=True)} for row in zip(*columns, strict=True)]
    if as_json:
        print_json(tables if section == "listen" else tables[0])
        return
    header = f"[[{section}]]" if section == "listen" else f"[{section}]"
    for number, table in enumerate(tables):
        click.echo("\n" * (number > 0) + header)
        for name, value in table.items():
            say(f"{name} = {toml_value(value)}")


config.add_command(set_)
config.add_command(unset)


@config.command("check")
@pass_invocation
def check(invocation: Invocation) -> None:
    """Check the settings for errors.

    The configuration file and the environment are checked, and all errors are listed. It warns if other users of this
    machine can read a password in the file, and of listeners that a network reaches without TLS. Nothing is started.

    \b
    Example:
      chatroomctl --config new.toml config check && mv new.toml chatroom.toml
    """
    try:
        settings = invocation.settings
    except ConfigError as error:
        for one in error.errors[:-1]:
            warn(plain(one))
        raise ConfigError(error.errors[-1]) from None
    for finding in find_in_settings(settings):
        warn(plain(str(finding)))
    where = (
        f"{settings.source}: valid" if settings.source else "No configuration file: all settings have their defaults"
    )
    count = len([name for name, origin in settings.key_sources.items() if origin.startswith("CHATROOM_")])
    say(where + (f"; the environment sets {count} of the settings" if count else "") + ".")


def _shown(key: Key, settings: Settings) -> object:
    if key.section == "listen":
        return key.values_in(settings)
    value = key.value_in(settings)
    return MASK if key.secret and value else value


def _origin(key: Key, settings: Settings) -> str:
    # The tables of [[listen]] come from the file as a whole, so their source is that of the section.
    return settings.key_sources.get(key.path) or settings.key_sources.get(key.section) or "default"
