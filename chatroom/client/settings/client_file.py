"""The file with the client's settings: where it is, reading it, and changing one key of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from chatroom.client.settings.client_sections import SCHEMA, SECTIONS, ClientSettings
from chatroom.client.settings.key_section import changed_keys, fault_of
from chatroom.errors import AlreadyExists, ConfigError
from chatroom.plain_file import read_plain_text
from chatroom.settings.keys import Key
from chatroom.settings.reading import Reading, read_document

HEAD = """\
Settings of the terminal client. Every key is commented out and shows its default. To change a key, uncomment it,
or type "/set KEY VALUE" in the chat.

The file in use is the one that --config names, else ~/.config/chatroom/client.toml. Options on the command line
override it. Changes in an editor apply when chatroom starts; /set applies at once, unless the key says that it needs a
restart.
"""
"""What the file begins with; the manual has it too."""


def template() -> str:
    """Return the text of the file that explains every key. Read unchanged, it sets nothing."""
    from chatroom.settings.file_template import explain_all

    return explain_all(SCHEMA, HEAD, {})


def load(path: Path | None) -> ClientSettings:
    """Load the settings; None means no file. Raises ``ConfigError``, which has all errors."""
    return check_document({} if path is None else read_document(path), path)


def check_document(document: Mapping[str, object], path: Path | None) -> ClientSettings:
    """Load the settings from a document that was already read from ``path``. Raises ``ConfigError``."""
    reading = Reading(SCHEMA, path)
    reading.take_document(document)
    parts: dict[str, Any] = {
        section: made_of(**reading.values_of(section))
        for section, made_of in SECTIONS.items()
        if section not in SCHEMA.named
    }
    saved = {name: SECTIONS["servers"](**values) for name, values in reading.named.get("servers", {}).items()}
    if "servers" not in reading.faulty:
        reading.errors += [f"{path}: servers.{name}: {one.fault}" for name, one in saved.items() if one.fault]
    fault = fault_of(changed_keys(parts["keys"], reading.key_sources))
    if fault:
        reading.errors.append(f"{path}: {fault}")
    if reading.errors:
        raise ConfigError(*reading.errors)
    return ClientSettings(**parts, servers=MappingProxyType(saved), sources=MappingProxyType(reading.key_sources))


def write_template(path: Path) -> None:
    """Write the file that explains every key. Raises ``AlreadyExists`` and OSError."""
    from chatroom.settings.editing import write_file

    if os.path.lexists(path):  # not through a link that leads nowhere either
        raise AlreadyExists(f"{path} exists already; name another file with --config, or remove it")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(path, template())


def change(path: Path, key: Key, table: str, value: object | None) -> ClientSettings:
    """Set one key in the file, or with None reset it to its default, and return all settings of the new file.

    ``table`` is the name of the saved server, else empty. The rest of the file and its comments stay; a file that is
    missing begins as the template. Raises ``ConfigError``, ``NotFound`` if a key to reset is not set, and OSError; the
    file is as it was then.
    """
    import tomllib

    from chatroom.new_file import one_writer
    from chatroom.settings.editing import with_value, without_value, write_file

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with one_writer(path.parent):
        try:
            text = read_plain_text(path, "utf-8-sig")
        except FileNotFoundError:
            text = template()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: not UTF-8 text (byte {error.start})") from error
        if value is None:
            text = without_value(text, key, table=table)
        else:
            text = with_value(text, key, value, table=table)
        # The whole new file is checked before it replaces the old one: one setting can contradict another.
        settings = check_document(tomllib.loads(text), path)
        write_file(path, text)
    return settings
