"""The table of all keys."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from typing import Any

import pytest

from chatroom.config import (
    KEYS,
    MASK,
    Key,
    Settings,
    changed_keys,
    find_changes,
    find_key,
    load,
    settings_without_restart,
)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_every_key_is_told_and_valid_at_its_default(key: Key) -> None:
    """Each key has a description and says when it applies. Its default is an allowed value."""
    assert key.doc.endswith((".", ')."', ".)", '").')) or key.doc.endswith(".")
    assert key.applies in ("reload", "restart")
    assert find_key(key.path) is key
    taken = key.kind.read(key.default)
    if key.path != "database.path":
        assert key.kind.write(taken) == key.default == key.value_in(Settings())


def test_only_passwords_are_secret() -> None:
    """Exactly the keys that contain a password are masked."""
    assert [key.path for key in KEYS if key.secret] == ["server.password", "webirc.password"]


def test_changed_keys_are_those_that_differ() -> None:
    """The changed keys are the ones that were set, also inside the list of tables."""
    old = load(None, {})
    assert changed_keys(old, load(None, {})) == []
    new = load(None, {"CHATROOM_LIMITS__BURST_LINES": "7"}, {"listen.port": 7000})
    assert [key.path for key in changed_keys(old, new)] == ["listen.port", "limits.burst_lines"]
    more = dataclasses.replace(old, listen=old.listen * 2)
    assert changed_keys(old, more) == [key for key in KEYS if key.section == "listen"]


def test_changes_have_both_values_and_no_password() -> None:
    """A value is as TOML has it; one of several tables is a list, and a password is a mask."""
    old = load(None, {}, {"server.password": "hunter2"})
    new = load(None, {"CHATROOM_LIMITS__BURST_LINES": "7"}, {"server.password": "hunter3", "log.file": "/var/log/chat"})
    found = {change.key.path: (change.before, change.after) for change in find_changes(old, new)}
    assert found == {
        "limits.burst_lines": (old.limits.burst_lines, 7),
        "server.password": (MASK, MASK),
        "log.file": ("", "/var/log/chat"),
    }
    more = dataclasses.replace(old, listen=(*old.listen, dataclasses.replace(old.listen[0], port=7000)))
    ports = {change.key.path: (change.before, change.after) for change in find_changes(old, more)}["listen.port"]
    assert ports == ([6667], [6667, 7000])


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_running_daemon_keeps_what_needs_a_restart(key: Key) -> None:
    """Of new settings it uses exactly the keys that say that a reload is enough."""
    old = Settings()
    section = getattr(old, key.section)
    new_section = (
        tuple(dataclasses.replace(table, **{key.name: object()}) for table in section)
        if isinstance(section, tuple)
        else dataclasses.replace(section, **{key.name: object()})
    )
    changed: dict[str, Any] = {key.section: new_section}
    new = dataclasses.replace(old, **changed)
    used = settings_without_restart(old, new)
    assert used == (new if key.applies == "reload" else old)


def test_settings_cannot_be_written_to() -> None:
    """Threads share settings, so settings are immutable."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().limits.burst_lines = 1  # type: ignore[misc]


def test_importing_settings_is_cheap() -> None:
    """Modules that only some runs need are not imported with the settings."""
    heavy = {"platformdirs", "tomllib", "tomlkit", "difflib", "click", "sqlite3", "socket", "asyncio"}
    code = "import sys, chatroom.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert heavy.isdisjoint(loaded)


@pytest.mark.parametrize(
    "zones, is_valid",
    [
        (["dnsbl.dronebl.org"], True),
        (["a.example", "b.example"], True),
        (["localhost"], False),
        (["http://a.example"], False),
        (["a.example."], False),
        (["-a.example"], False),
        (["a" * 90 + "." + "b" * 90 + ".example"], False),
        (["a.example", "a.example"], False),
        ([f"{letter}.example" for letter in "abcdef"], False),
    ],
)
def test_blocklists_are_domain_names(zones: list[str], is_valid: bool) -> None:
    """At most five, which fit behind an IPv6 address."""
    key = find_key("dnsbl.zones")
    assert key is not None
    if is_valid:
        assert key.kind.read(zones) == tuple(zones)
    else:
        with pytest.raises(ValueError):  # noqa: PT011
            key.kind.read(zones)


@pytest.mark.parametrize(
    "resolver, is_valid",
    [
        ("", True),
        ("127.0.0.1", True),
        ("127.0.0.1:5353", True),
        ("::1", True),
        ("[2001:db8::1]:53", True),
        ("dns.example.org", False),
        ("127.0.0.1:", False),
        ("127.0.0.1 ", False),
    ],
)
def test_a_resolver_is_an_address(resolver: str, is_valid: bool) -> None:
    """A name would have to be resolved first."""
    key = find_key("dnsbl.resolver")
    assert key is not None
    if is_valid:
        assert key.kind.read(resolver) == resolver
    else:
        with pytest.raises(ValueError):  # noqa: PT011
            key.kind.read(resolver)
