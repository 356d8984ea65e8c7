"""The template, written by ``config init`` and stored in the checkout."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from chatroom.config import KEYS, Settings, load
from chatroom.config.chatting import History
from chatroom.config.template import PROPOSED, template
from chatroom.settings.file_template import toml_value

CHECKOUT = Path(__file__).parents[2]


def test_the_checkouts_file_is_the_template() -> None:
    """``chatroom.toml`` in the checkout is up to date, and ``chatroomctl config init`` writes the same text."""
    assert (CHECKOUT / "chatroom.toml").read_text() == template()


def test_as_it_is_it_changes_what_it_proposes() -> None:
    """With the unchanged file the history is bounded, and every other setting has its default."""
    settings = load(CHECKOUT / "chatroom.toml", {})
    assert {"history.max_size_mb": settings.history.max_size_mb} == PROPOSED
    assert replace(settings, history=History()) == Settings()


def test_uncommented_it_changes_nothing_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is in the file, and the value beside it is the default."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    text = re.sub(r"^# Proposed .*\n.*\n", "", template(), flags=re.MULTILINE)
    text, count = re.subn(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    file = tmp_path / "chatroom.toml"
    file.write_text(text)
    assert count == len(KEYS)
    assert load(file, {}) == Settings()
    document = tomllib.loads(text)
    tables = {section: body[0] if isinstance(body, list) else body for section, body in document.items()}
    assert [f"{section}.{name}" for section, body in tables.items() for name in body] == [key.path for key in KEYS]


def test_values_that_could_steer_a_terminal() -> None:
    """DEL, which TOML forbids, C1 and bidirectional controls are escaped, and the value stays the same."""
    value = "a\x7f\x9b\u202e\U000e0001\n"
    text = f"value = {toml_value(value)}"
    assert text.isprintable()
    assert tomllib.loads(text) == {"value": value}
