"""The commented ``chatroom.toml``: every key at its default, with what it means."""

from __future__ import annotations

import inspect
import json
import textwrap

from chatroom.config.settings import KEYS, SECTIONS

_HEAD = """\
Settings of a chatroom server. Every key stands here at its default, commented out: uncomment one to change it, or say
"chatroomctl config set KEY VALUE". "chatroomctl config check" tells whether the file is right.

An environment variable CHATROOM_SECTION__KEY beats the file (CHATROOM_LIMITS__BURST_LINES=100), an option on the
command line beats both. Changes apply at "chatroomctl reload"; where it says "restart", when the daemon is started.
"""


def template() -> str:
    """The file's text. Read as it is, it leaves everything at the defaults."""
    parts = [_comment(_HEAD)]
    for section, made_of in SECTIONS.items():
        header = f"[[{section}]]" if section == "listen" else f"[{section}]"
        about = _comment(inspect.cleandoc(made_of.__doc__ or "").replace("``", ""))
        parts.append(f"{about}\n{header}")
        for key in KEYS:
            if key.section == section:
                allowed = f"({key.kind.allowed}{'; applies at a restart' if key.applies == 'restart' else ''})"
                parts.append(f"{_comment(key.doc)}\n{_comment(allowed)}\n# {key.name} = {toml_value(key.default)}")
    return "\n\n".join(parts) + "\n"


def toml_value(value: object) -> str:
    """A setting's value as TOML spells it: JSON's spelling is valid TOML for all that settings hold."""
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    """The text's paragraphs as comments, an empty comment between two."""
    return "\n#\n".join(
        textwrap.fill(
            " ".join(paragraph.split()), 100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
        )
        for paragraph in text.split("\n\n")
    )
