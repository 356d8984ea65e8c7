"""LOGLEVEL: the levels of the log, changed while the daemon runs."""

from __future__ import annotations

from dataclasses import replace

from harness.world import Here

from chatroom.chat.log_levels import AREAS
from chatroom.chat.log_line import Level
from chatroom.chat.reload import use_settings
from chatroom.config.observing import Log


def levels_of(lines: list[str]) -> dict[str, str]:
    """Return the levels that an answer lists."""
    return {line.split(" ")[3]: line.rpartition(":")[2] for line in lines if " NOTE LOGLEVEL " in line}


def test_levels_are_listed_and_set(here: Here) -> None:
    """One area is set, or all. The change is in the log and in the audit."""
    root = here.control()
    assert levels_of(root.ask("LOGLEVEL")) == dict.fromkeys(AREAS, "info")
    assert levels_of(root.ask("LOGLEVEL connecting warning")) == {"connecting": "warning"}
    assert levels_of(root.ask("LOGLEVEL"))["rooms"] == "info"
    assert here.world.runtime.log_levels.list_all()["connecting"] < Level.INFO
    assert set(levels_of(root.ask("LOGLEVEL all error")).values()) == {"error"}
    assert "root set the log level of connecting to warning" in here.world.log_lines
    rows = [(row.target, row.detail) for row in here.stores.audit.list_entries() if row.action == "server.loglevel"]
    assert sorted(rows) == [("all", "error"), ("connecting", "warning")]


def test_a_wrong_word_is_refused(here: Here) -> None:
    """The answer lists what there is. Nothing changes."""
    root = here.control()
    assert "connecting" in root.ask("LOGLEVEL conecting")[0]
    assert "error, warning, info" in root.ask("LOGLEVEL connecting loud")[0]
    assert set(levels_of(root.ask("LOGLEVEL")).values()) == {"info"}


def test_a_reload_sets_all_levels_only_if_the_setting_changed(here: Here) -> None:
    """What was set for one area stays through a reload that changes something else."""
    root, world = here.control(), here.world
    root.say("LOGLEVEL connecting warning")
    use_settings(world, replace(world.settings))
    assert levels_of(root.ask("LOGLEVEL connecting")) == {"connecting": "warning"}
    text = str(use_settings(world, replace(world.settings, log=Log(level="error", format="json"))))
    assert text == "configuration read again, changed: log.level; needs a restart: log.format"
    assert set(levels_of(root.ask("LOGLEVEL")).values()) == {"error"}
    assert world.settings.log.format == "text"


def test_users_have_no_such_verb(here: Here) -> None:
    """It is the shell's."""
    assert "421" in here.admin("ada").ask("LOGLEVEL")[0]
