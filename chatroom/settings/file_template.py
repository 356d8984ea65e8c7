"""The file that explains every setting: each key with its description, commented out at its default."""

from __future__ import annotations

import inspect
import json
import textwrap
from collections.abc import Mapping

from chatroom.settings.keys import Key
from chatroom.settings.schema import Schema


def explain_all(schema: Schema, head: str, proposed: Mapping[str, object]) -> str:
    """Return the text of the file. Read unchanged, it sets what is proposed, and nothing else.

    ``head`` is its first comment. ``proposed`` has values by the paths of their keys, for who starts with this file.
    """
    parts = [_comment(head)]
    for section, made_of in schema.sections.items():
        # The docstring of a section is its description; the double backquotes are for code readers.
        about = _comment(inspect.cleandoc(made_of.__doc__ or "").replace("``", ""))
        parts.append(f"{about}\n{_header(schema, section)}")
        parts += [_explain(key, proposed) for key in schema.keys_in(section)]
    return "\n\n".join(parts) + "\n"


def toml_value(value: object) -> str:
    """Return a value in TOML's syntax."""
    # JSON's syntax is valid TOML for all values of settings: strings, numbers, booleans and lists of these.
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    # JSON escapes only the controls below U+0020, but TOML forbids DEL too, and the others could steer a terminal.
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)


def _header(schema: Schema, section: str) -> str:
    if section in schema.named:
        return f"# [{section}.NAME]"  # commented out, because the name is the user's
    return f"[[{section}]]" if section in schema.repeated else f"[{section}]"


def _explain(key: Key, proposed: Mapping[str, object]) -> str:
    allowed = f"({key.kind.allowed}{'; applies after a restart' if key.applies == 'restart' else ''})"
    line = f"# {key.name} = {toml_value(key.default)}"
    if key.path in proposed:
        line += f"\n# Proposed for a new server:\n{key.name} = {toml_value(proposed[key.path])}"
    return f"{_comment(key.doc)}\n{_comment(allowed)}\n{line}"


def _comment(text: str) -> str:
    return "\n#\n".join(
        textwrap.fill(
            " ".join(paragraph.split()), 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
        for paragraph in text.split("\n\n")
    )
