"""``/set`` and ``/unset``: show and change the settings in the chat."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from chatroom.client.chat_events import Denied, Info
from chatroom.client.settings.client_file import change
from chatroom.client.settings.client_sections import SCHEMA, ClientSettings
from chatroom.errors import ChatroomError
from chatroom.settings.file_template import toml_value
from chatroom.settings.keys import Key
from chatroom.settings.schema import did_you_mean

Answer = tuple[Info | Denied, ClientSettings]
"""What to show, and the settings in force from now on."""


def carry_out(words: str, settings: ClientSettings, path: Path | None, *, reset: bool) -> Answer:
    """Show settings, or change one of them in the file at ``path``. ``reset``: give it its default back."""
    name, _, text = words.strip().partition(" ")
    place = SCHEMA.find_place(name)
    if place is None:
        return (_overview(name, settings, path) if not reset else None) or _unknown(name, settings), settings
    key, table = place
    if not text.strip() and not reset:
        return _explain(name, key, _value(key, table, settings)), settings
    if path is None:
        return Denied("There is no home directory for the settings: set HOME, or use --config."), settings
    try:
        value = None if reset else _stored(key, text.strip())
    except ValueError:
        return Denied(f"{name} must be {key.kind.allowed}."), settings
    try:
        changed = change(path, key, table, value)
    except ChatroomError as error:
        return Denied(f"Nothing has changed: {error}"), settings
    except OSError as error:
        return Denied(f"Nothing has changed: {path} cannot be written: {error.strerror}"), settings
    when = " It applies when chatroom starts again." if key.applies == "restart" else ""
    what = "has its default again, " if reset else "= "
    return Info(f"{name} {what}{toml_value(_value(key, table, changed))}, in {path}.{when}"), changed


def list_paths(settings: ClientSettings) -> list[str]:
    """Return the paths of all keys, with those of the saved servers."""
    paths = [key.path for key in SCHEMA.keys if key.section not in SCHEMA.named]
    return paths + [f"servers.{name}.{key.name}" for name in settings.servers for key in SCHEMA.keys_in("servers")]


def _stored(key: Key, text: str) -> object:
    checked = key.kind.read_text(text)
    # A path is stored as it was typed: "~" and relative paths have the same meaning in the file.
    return text if isinstance(checked, Path) else key.kind.write(checked)


def _value(key: Key, table: str, settings: ClientSettings) -> object:
    """Return a key's value as TOML has it."""
    section = getattr(settings, key.section)
    if table:
        section = section.get(table)
    return key.default if section is None else key.kind.write(getattr(section, key.name))


def _explain(name: str, key: Key, value: object) -> Info:
    default = f"default: {toml_value(key.default)}"
    return Info(f"{name} = {toml_value(value)} ({key.kind.allowed}; {default})\n{key.doc}")


def _overview(name: str, settings: ClientSettings, path: Path | None) -> Info | None:
    """List all settings, or those whose path begins with ``name``; None if there is none."""
    shown = [
        f"{'*' if key.path in settings.sources else ' '} {key.path} = {toml_value(_value(key, '', settings))}"
        for key in SCHEMA.keys
        if key.section not in SCHEMA.named
        and _is_part(name, key.path)
        # There is a setting for each key of the keyboard that does something.
        and (name or key.section != "keys" or key.path in settings.sources)
    ]
    for server, saved in settings.servers.items():
        for field in dataclasses.fields(saved):
            key = SCHEMA.find_key(f"servers.{field.name}")
            own = f"servers.{server}.{field.name}"
            if key is not None and _is_part(name, own) and getattr(saved, field.name) != field.default:
                shown.append(f"* {own} = {toml_value(_value(key, server, settings))}")
    if not shown:
        return None
    head = f"Settings; those with * are set in {path}. /set KEY explains one, /set KEY VALUE changes it."
    if not name:
        head += " /set keys lists those of the full screen."
    return Info("\n".join([head, *shown]))


def _is_part(name: str, path: str) -> bool:
    return not name or path == name or path.startswith(f"{name}.")


def _unknown(name: str, settings: ClientSettings) -> Denied:
    if not name:
        return Denied("Usage: /unset KEY")
    last = name.rpartition(".")[2]
    if last in SCHEMA.refused:
        return Denied(f"{name}: {SCHEMA.refused[last]}.")
    hint = SCHEMA.hint_section(name)
    if not hint:
        hint = did_you_mean(name, list_paths(settings))
    return Denied(f"There is no setting {name}{hint or '; /set lists them'}.".replace("?.", "?"))
