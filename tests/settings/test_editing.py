"""Editing one key of a configuration file leaves the rest of the file as it is."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.config import KEYS, Key, find_key
from chatroom.config.template import PROPOSED, template
from chatroom.errors import ConfigError, NotFound
from chatroom.settings.editing import with_value, without_value, write_file


def key(path: str) -> Key:
    """Return the key with that path."""
    found = find_key(path)
    assert found is not None
    return found


BURST = key("limits.burst_lines")
SERVER_SECTION = "[server]\n" + template().partition("\n[server]\n")[2].partition("\n[")[0] + "\n"
"""One section of the template: to read all of it hundreds of times takes most of a minute on a busy machine."""


@pytest.mark.parametrize("each", KEYS, ids=lambda each: each.path)
def test_a_default_is_put_into_use_where_it_stands(each: Key) -> None:
    """In the commented file only the key's own line changes. Unsetting the key restores the file."""
    before = template()
    if each.path in PROPOSED:
        before = without_value(before, each)
    after = with_value(before, each, each.default)
    differing = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert differing == [(f"# {line}", line) for _, line in differing]
    assert len(differing) == 1
    assert without_value(after, each) == before


@pytest.mark.parametrize(
    "before, after",
    [
        ("", "[limits]\nburst_lines = 7\n"),
        ("# mine\n[server] # x\n", "# mine\n[server] # x\n\n[limits]\nburst_lines = 7\n"),
        (
            "[limits] # x\nlogin_tries = 1\n# y\n[server]\n",
            "[limits] # x\nburst_lines = 7\nlogin_tries = 1\n# y\n[server]\n",
        ),
        ("[limits]\nburst_lines = 1 # few\n# y\n", "[limits]\nburst_lines = 7 # few\n# y\n"),
        ("limits.burst_lines = 1 # few\n", "limits.burst_lines = 7 # few\n"),
        ("limits = { burst_lines = 1 }\n", "limits = { burst_lines = 7 }\n"),
        ("[ limits ]\n#burst_lines=1", "[ limits ]\nburst_lines = 7\n"),
        ('[server]\nmotd = """\n[limits]\n# burst_lines = 1\n"""\n', None),
    ],
)
def test_the_rest_of_a_file_stays(before: str, after: str | None) -> None:
    """Comments, order and spelling stay in any layout. A line inside a multi-line string is not taken for a setting."""
    changed = with_value(before, BURST, 7)
    if after is not None:
        assert changed == after
    document = tomllib.loads(before)
    document.setdefault("limits", {})["burst_lines"] = 7
    assert tomllib.loads(changed) == document


@pytest.mark.parametrize(
    "before, after",
    [
        ("[limits]\nburst_lines = 7 # few\nlogin_tries = 1\n", "[limits]\n# burst_lines = 40\nlogin_tries = 1\n"),
        ("limits = { burst_lines = 7, login_tries = 1 }\n", "limits = {login_tries = 1 }\n"),
        ("[[listen]]\nport = 7000\n", "[[listen]]\n# port = 6667\n"),
    ],
)
def test_a_key_taken_out_leaves_its_default(before: str, after: str) -> None:
    """If the key has a line of its own, its default replaces that line as a comment."""
    path = "listen.port" if "listen" in before else "limits.burst_lines"
    changed = without_value(before, key(path))
    assert tomllib.loads(changed) == tomllib.loads(after)
    if not before.startswith("limits"):
        assert changed == after


def test_what_is_not_set_cannot_be_taken_out() -> None:
    """Unsetting a key that is not set is refused."""
    for text in ("", "[limits]\n", "[server]\nmotd = 'x'\n"):
        with pytest.raises(NotFound, match=r"limits\.burst_lines is not set"):
            without_value(text, BURST)


def test_one_of_several_tables_is_for_the_editor() -> None:
    """With several listen tables the key is ambiguous and must be edited by hand."""
    text = "[[listen]]\nport = 1\n[[listen]]\nport = 2\n"
    with pytest.raises(ConfigError, match=r"2 .*tables; edit it by hand"):
        with_value(text, key("listen.port"), 3)
    assert tomllib.loads(with_value(text, BURST, 7))["limits"] == {"burst_lines": 7}


def test_a_broken_file_is_not_touched() -> None:
    """A file that is not TOML is reported and not changed."""
    with pytest.raises(ConfigError, match="not valid TOML"):
        with_value("[limits", BURST, 7)


def check_motd(file: str, text: str) -> None:
    """Set the message of the day in a file that does not set it, and once more; it must be read back."""
    motd = key("server.motd")
    changed = with_value(file, motd, text)
    assert tomllib.loads(changed)["server"] == {"motd": text}
    assert tomllib.loads(with_value(changed, motd, "x"))["server"] == {"motd": "x"}


@given(text=st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0\x7f")))
def test_any_text_can_be_a_value(text: str) -> None:
    """Quotes, line ends and control characters in a value are read back unchanged."""
    check_motd(SERVER_SECTION, text)


@pytest.mark.parametrize("text", ["", "\"'\\", '"""', "a\nb\r\n[limits]\n# motd = 1\n", "\t\x01\x1f\x85\u2028", "é🍵"])
def test_a_text_can_be_a_value_in_the_template(text: str) -> None:
    """The same in the whole file that ``config init`` writes."""
    check_motd(template(), text)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """A link is followed, the mode is kept, and no other file is left in the directory."""
    real = tmp_path / "real.toml"
    real.write_text("old")
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to("real.toml")
    write_file(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.toml", "real.toml"]


def test_a_new_file_is_ours_alone(tmp_path: Path) -> None:
    """Only the user can read a new file: it can get a password later."""
    write_file(tmp_path / "new.toml", "text")
    assert stat.S_IMODE((tmp_path / "new.toml").stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk is full, the file is unchanged and no temporary file stays."""
    file = tmp_path / "chatroom.toml"
    file.write_text("old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_file(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
