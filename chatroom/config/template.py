"""The template of ``chatroom.toml``: every key with its description, commented out at its default."""

from __future__ import annotations

import inspect
import json
import textwrap

from chatroom.config.settings import KEYS, SECTIONS

_HEAD = """\
Settings of a chatroom server. Every key is commented out and shows its default; a line under it that is not commented
out is a proposal for a new server. To change a key, uncomment it or run "chatroomctl config set KEY VALUE".
"chatroomctl config check" looks for errors in the file.

The file in use is the one that --config names, else CHATROOM_CONFIG, else ~/.config/chatroom/chatroom.toml, else
/etc/chatroom/chatroom.toml. A file in the working directory is not read unless it is named.

An environment variable CHATROOM_SECTION__KEY, such as CHATROOM_LIMITS__BURST_LINES=100, overrides the file, and an
option on the command line overrides both. Changes apply after "chatroomctl reload", or after a restart of the daemon if
the key says so.
"""


PROPOSED: dict[str, object] = {"history.max_size_mb": 4096}
"""What a new set-up should have instead of the default. Servers that run already keep the default."""


def template() -> str:
    """Return the text of the template. Read unchanged, it sets what is proposed, and nothing else."""
    parts = [_comment(_HEAD)]
    for section, made_of in SECTIONS.items():
        header = f"[[{section}]]" if section == "listen" else f"[{section}]"
        # The docstring of a section is its description; the double backquotes are for code readers.
        about = _comment(inspect.cleandoc(made_of.__doc__ or "").replace("``", ""))
        parts.append(f"{about}\n{header}")
        for key in KEYS:
            if key.section == section:
                allowed = f"({key.kind.allowed}{'; applies after a restart' if key.applies == 'restart' else ''})"
                line = f"# {key.name} = {toml_value(key.default)}"
                if key.path in PROPOSED:
                    line += f"\n# Proposed for a new server:\n{key.name} = {toml_value(PROPOSED[key.path])}"
                parts.append(f"{_comment(key.doc)}\n{_comment(allowed)}\n{line}")
    return "\n\n".join(parts) + "\n"


def toml_value(value: object) -> str:
    """Return a value in TOML's syntax."""
    # JSON's syntax is valid TOML for all values of settings: strings, numbers, booleans and lists of these.
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    # JSON escapes only the controls below U+0020, but TOML forbids DEL too, and the others could steer a terminal.
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in text)


def _comment(text: str) -> str:
    return "\n#\n".join(
        textwrap.fill(
            " ".join(paragraph.split()), 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
        for paragraph in text.split("\n\n")
    )
