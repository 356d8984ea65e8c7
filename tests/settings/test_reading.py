"""Reading sections of every shape: one table, an array of tables, a table for each name."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from chatroom.errors import ConfigError, NotFound
from chatroom.settings.editing import with_value, without_value
from chatroom.settings.file_template import explain_all
from chatroom.settings.keys import setting
from chatroom.settings.kinds import FilePath, Text, Whole
from chatroom.settings.reading import Reading, read_document
from chatroom.settings.schema import Schema


@dataclass(frozen=True, slots=True)
class Tea:
    """How tea is made.

    It takes ``minutes``.
    """

    minutes: int = setting(3, Whole(1, 10), "How long the tea is in the water.")
    sort: str = setting("green", Text("a sort of tea", r"[a-z]+"), "The sort of tea.", applies="restart")


@dataclass(frozen=True, slots=True)
class Cup:
    """One cup."""

    size: int = setting(2, Whole(1, 9), "How much is in it.")
    picture: Path | None = setting(None, FilePath(is_optional=True), "What is on it.", shown="")


SCHEMA = Schema({"tea": Tea, "cups": Cup, "guests": Cup}, repeated=["cups"], named=["guests"])
SIZE = next(key for key in SCHEMA.keys if key.path == "guests.size")


def read(text: str) -> Reading:
    """Return the reading of a file with this text."""
    reading = Reading(SCHEMA, Path("/etc/tea.toml"))
    reading.take_document(tomllib.loads(text))
    return reading


def test_all_shapes_of_sections_are_read() -> None:
    """One table, an array of tables and named tables give their values; a relative path begins at the file."""
    reading = read('[tea]\nminutes = 4\n[[cups]]\n[[cups]]\nsize = 3\n[guests."a.b"]\npicture = "cat.svg"\n')
    assert reading.errors == []
    assert reading.values_of("tea") == {"minutes": 4}
    assert reading.tables == {"cups": [{}, {"size": 3}]}
    assert reading.named == {"guests": {"a.b": {"picture": Path("/etc/cat.svg")}}}


def test_all_errors_come_together_and_name_what_was_meant() -> None:
    """Each error names the file and the key; a misspelt word is guessed."""
    reading = read(
        'sort = "red"\nguests.ann.sise = 3\nguests.bob = 1\ntee = {}\n[tea]\nminutes = 11\nminuets = 1\n[cups]\n'
    )
    assert reading.errors == [
        "/etc/tea.toml: unknown key sort outside a section; did you mean tea.sort?",
        "/etc/tea.toml: unknown key guests.ann.sise; did you mean guests.ann.size?",
        "/etc/tea.toml: guests.bob must be a section: [guests.NAME]",
        "/etc/tea.toml: unknown section [tee]; did you mean tea?",
        "/etc/tea.toml: tea.minutes must be a whole number from 1 to 10, not 11",
        "/etc/tea.toml: unknown key tea.minuets; did you mean tea.minutes?",
        "/etc/tea.toml: cups must be one or more tables, each beginning with [[cups]]",
    ]


def test_a_key_is_found_by_its_path() -> None:
    """The path of a key in a named table has the table's name, which may have dots; other paths have none."""
    assert SCHEMA.find_place("guests.ann.size") == (SIZE, "ann")
    assert SCHEMA.find_place("guests.chat.example.org.size") == (SIZE, "chat.example.org")
    assert SCHEMA.find_place("tea.minutes") == (SCHEMA.find_key("tea.minutes"), "")
    assert SCHEMA.find_place("guests.size") is None
    assert SCHEMA.find_place("guests.ann.colour") is None


def test_the_file_explains_each_section() -> None:
    """A section has its docstring, a key its description, what is allowed and its default."""
    text = explain_all(SCHEMA, "Tea for all.", {"tea.sort": "black"})
    assert text.startswith("# Tea for all.\n\n# How tea is made.\n#\n# It takes minutes.\n[tea]\n\n# How long")
    assert '# (a sort of tea; applies after a restart)\n# sort = "green"\n' in text
    assert "[[cups]]" in text and "# [guests.NAME]" in text
    assert read(text).errors == []
    assert read(text).values_of("tea") == {"sort": "black"}


@pytest.mark.parametrize("name, header", [("ann", "[guests.ann]"), ("a.b", '[guests."a.b"]')])
def test_a_key_of_a_named_table_is_changed(name: str, header: str) -> None:
    """A table that is missing is added at the end; its comments stay when the value changes and goes."""
    made = with_value("# All guests.\n[guests.zoe]\nsize = 1\n", SIZE, 5, table=name)
    assert made == f"# All guests.\n[guests.zoe]\nsize = 1\n\n{header}\nsize = 5\n"
    changed = with_value(made.replace("= 5", "= 5 # much"), SIZE, 6, table=name)
    assert changed == f"# All guests.\n[guests.zoe]\nsize = 1\n\n{header}\nsize = 6 # much\n"
    assert (
        without_value(changed, SIZE, table=name) == f"# All guests.\n[guests.zoe]\nsize = 1\n\n{header}\n# size = 2\n"
    )
    with pytest.raises(NotFound, match="is not set in the file"):
        without_value(made, SIZE, table="unknown")


@pytest.mark.parametrize("value", ["[" * 20_000, "9" * 5000])
def test_what_python_does_not_read_is_an_error(tmp_path: Path, value: str) -> None:
    """Thousands of nested lists, or of digits, are refused in one sentence, by what changes a file too."""
    file = tmp_path / "deep.toml"
    file.write_text(f"a = {value}")
    with pytest.raises(ConfigError, match=f"^{file}: not valid TOML: .* too "):
        read_document(file)
    with pytest.raises(ConfigError, match=r"not valid TOML: .* too "):
        with_value(file.read_text(), SIZE, 3)
