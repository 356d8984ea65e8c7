"""Archives that are damaged, made by hand or of another version."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.full_database import fill_all
from harness.new_database import make_database
from harness.shell import Shell
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.chat.stored.archive_records import (
    SECTIONS,
    ArchiveRecord,
    Section,
)
from chatroom.ctl.archive_file import VERSION, ArchiveReader
from chatroom.errors import InvalidValue

Edit = Callable[[dict[str, bytes]], object]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An archive with something of everything."""
    directory = tmp_path_factory.mktemp("archive")
    shell = Shell(make_database(directory / "chat.db"))
    fill_all(shell.database)
    shell.done("export", str(directory / "chat.zip"))
    return (directory / "chat.zip").read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Shell:
    """A place for a database, which does not exist."""
    return Shell(tmp_path / "new" / "chat.db")


def remade(archive: bytes, edit: Edit, *, honest: bool = True) -> bytes:
    """The archive with other files. ``honest``: its manifest has their sums."""
    with zipfile.ZipFile(io.BytesIO(archive)) as before:
        files = {name: before.read(name) for name in before.namelist()}
    edit(files)
    if honest and files.get("manifest.json", b"{") != b"{":
        manifest = json.loads(files["manifest.json"])
        for name in manifest["files"].keys() & files.keys():
            data = files[name]
            sums = {"records": data.count(b"\n"), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            manifest["files"][name] = sums
        files["manifest.json"] = json.dumps(manifest).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as after:
        for name, data in files.items():
            after.writestr(name, data)
    return out.getvalue()


def changed(section: str, **values: object) -> Edit:
    """Set keys of the first line of a section; ``...`` removes one."""

    def edit(files: dict[str, bytes]) -> None:
        first, *rest = files[f"{section}.jsonl"].splitlines(keepends=True)
        document = json.loads(first) | values
        line = json.dumps({key: value for key, value in document.items() if value is not ...})
        files[f"{section}.jsonl"] = b"".join([line.encode() + b"\n", *rest])

    return edit


def doubled(section: str) -> Edit:
    """Have the last line of a section twice."""

    def edit(files: dict[str, bytes]) -> None:
        files[f"{section}.jsonl"] += files[f"{section}.jsonl"].splitlines(keepends=True)[-1]

    return edit


def in_manifest(**values: object) -> Edit:
    """Set keys of the manifest."""
    return lambda files: files.update(
        {"manifest.json": json.dumps(json.loads(files["manifest.json"]) | values).encode()}
    )


WRONG: dict[str, tuple[Edit, str]] = {
    "a newer format": (in_manifest(version=VERSION + 1, chatroom="9.0"), "newer chatroom (9.0)"),
    "no version": (in_manifest(version=None), "no version"),
    "another format": (in_manifest(format="zip"), "not an archive of chatroom"),
    "no manifest": (lambda files: files.pop("manifest.json"), "no manifest.json"),
    "a manifest that is no JSON": (lambda files: files.update({"manifest.json": b"{"}), "damaged"),
    "no highest ids": (in_manifest(highest=None), "damaged"),
    "a strange id": (in_manifest(highest={"account": -1}), "damaged"),
    "a file too few": (lambda files: files.pop("bans.jsonl"), "damaged"),
    "a file too many": (lambda files: files.update({"../../etc/passwd": b""}), "damaged"),
    "no JSON": (lambda files: files.update({"bans.jsonl": b"[" * 100_000}), "bans.jsonl, line 1: not valid JSON"),
    "no object": (lambda files: files.update({"bans.jsonl": b"[]\n"}), "bans.jsonl, line 1: not a JSON object"),
    "no UTF-8": (lambda files: files.update({"bans.jsonl": b'{"\xff": 1}\n'}), "bans.jsonl, line 1: not valid JSON"),
    "an unknown key": (changed("bans", colour="red"), "bans.jsonl, line 1: the key 'colour' is not known"),
    "a missing key": (changed("bans", target=...), "bans.jsonl, line 1: target is missing"),
    "a line end": (changed("channels", topic="a\r\nQUIT"), "channels.jsonl, line 1: topic: must be one line"),
    "a line end inside": (changed("accounts", metadata={"a\n": "b"}), "metadata: must be one line"),
    "NUL": (changed("messages", text="a\0b"), "text: must be text"),
    "half a character": (changed("messages", text="\ud800"), "text: not valid Unicode"),
    "a number as text": (changed("messages", time_ms="1"), "time_ms: must be a whole number"),
    "true as a number": (changed("messages", time_ms=True), "time_ms: must be a whole number"),
    "a number too large": (changed("messages", message_id=2**63), "message_id: must be a whole number"),
    "a time without a zone": (changed("bans", created_at="2030-01-01T00:00:00"), "created_at: must be a time"),
    "a time before all": (changed("bans", created_at="0001-01-01T00:00:00+23:00"), "created_at: must be a time"),
    "an unknown role": (changed("accounts", role="king"), "role: must be user, moderator or admin"),
    "an unknown word": (changed("bans", kind="mask"), "kind: must be one of name, ip"),
    "no list": (changed("accounts", places={}), "places: must be a list"),
    "no mapping": (changed("accounts", markers=[]), "markers: must be an object"),
    "no key of a mapping": (changed("channels", access={"ada": "o"}), "access: its keys must be numbers"),
    "no truth": (changed("accounts", disabled=0), "disabled: must be true or false"),
    "no base64": (changed("keys", value="*"), "value: must be base64"),
    "a name of a network": (changed("bans", kind="ip", target="tea"), "bans.jsonl, line 1: tea: not an address"),
    "a name that is none": (changed("accounts", name="a b"), "accounts.jsonl, line 1: 'a b' is no name"),
    "a channel that is none": (changed("channels", name="tea"), "channels.jsonl, line 1: the name of a channel"),
    "an account twice": (doubled("accounts"), "accounts.jsonl, line 3: it does not fit"),
    "a channel twice": (doubled("channels"), "channels.jsonl, line 3: there is a channel #coffee already"),
    "a message twice": (doubled("messages"), "messages.jsonl, line 13: it does not fit"),
    "an unknown founder": (changed("channels", founder_id=77), "channels.jsonl, line 1: there is no account 77"),
    "an unknown member": (changed("channels", access={"78": "o"}), "channels.jsonl, line 1: there is no account 78"),
    "an unknown conversation": (changed("messages", conversation_id=99), "messages.jsonl, line 1: a message is in a"),
    "an unknown kind": (changed("messages", kind="WALLOPS"), "messages.jsonl, line 1: kind must be one of"),
    "an id before its time": (changed("messages", message_id=1), "messages.jsonl, line 1: it does not fit"),
}


@pytest.mark.parametrize("edit, why", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_named(good: bytes, place: Shell, tmp_path: Path, edit: Edit, why: str) -> None:
    """One line says what is wrong and where, and nothing was made."""
    file = tmp_path / "chat.zip"
    file.write_bytes(remade(good, edit))
    said = place.refused("import", str(file))
    assert why in said
    assert said.startswith(f"{file}: ")
    assert said.endswith("; nothing was imported")
    assert [path.name for path in place.database.parent.glob("*") if path.suffix != ".lock"] == []


def test_a_manifest_that_lies(good: bytes, place: Shell, tmp_path: Path) -> None:
    """A line that was lost or changed is found by the sums."""
    file = tmp_path / "chat.zip"
    for edit in (changed("bans", reason="kindness"), lambda files: files.update({"audit.jsonl": b""})):
        file.write_bytes(remade(good, edit, honest=False))
        assert "is not what the manifest says of it" in place.refused("import", str(file))


def test_a_key_with_a_default_may_be_missing(good: bytes, place: Shell, tmp_path: Path) -> None:
    """So a later chatroom can add keys and still read this archive."""
    file = tmp_path / "chat.zip"
    file.write_bytes(remade(good, changed("accounts", email=..., always_on=..., markers=..., places=...)))
    place.done("import", str(file))
    with place.stores() as stores:
        assert stores.accounts.find_email(3) is None
        assert stores.account_data.load(3).markers == {}


def test_a_section_may_be_missing(good: bytes, place: Shell, tmp_path: Path) -> None:
    """An older chatroom did not write the sections that came later."""

    def edit(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        del manifest["files"]["invites.jsonl"], files["invites.jsonl"], manifest["highest"]["invite"]
        files["manifest.json"] = json.dumps(manifest).encode()

    file = tmp_path / "chat.zip"
    file.write_bytes(remade(good, edit))
    assert place.json("import", str(file))["records"]["invites"] == 0


def test_a_clock_ahead_is_warned_of(good: bytes, place: Shell, tmp_path: Path) -> None:
    """If the newest message is of the future, so will be the ids of all that follow."""
    file = tmp_path / "chat.zip"
    at_ms = round((datetime.now(UTC) + timedelta(days=2)).timestamp() * 1000)

    def edit(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        manifest["highest"]["message"] = at_ms * 1024
        files["manifest.json"] = json.dumps(manifest).encode()

    file.write_bytes(remade(good, edit))
    result = place.run("import", str(file))
    assert result.exit_code == 0
    assert "the newest message is of the future" in result.stderr


def read_all(archive: bytes) -> dict[Section, list[ArchiveRecord]]:
    """All records of an archive."""
    reader = ArchiveReader(io.BytesIO(archive))
    return {section: [record for _, record in reader.read(section)] for section in SECTIONS}


@given(data=st.data())
@settings(max_examples=300)
def test_damage_is_noticed(good: bytes, data: st.DataObject) -> None:
    """If any byte is changed or the end is missing, it is refused in one line, or nothing that is read has changed."""
    if data.draw(st.booleans()):
        damaged = good[: data.draw(st.integers(0, len(good) - 1))]
    else:
        at = data.draw(st.integers(0, len(good) - 1))
        damaged = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    found, said = read_all(good), ""
    try:
        found = read_all(damaged)
    except InvalidValue as error:
        said = str(error)
    assert "\n" not in said
    assert found == read_all(good)


@given(st.binary(max_size=2000))
def test_any_bytes(data: bytes) -> None:
    """What is no archive is refused."""
    with pytest.raises(InvalidValue):
        ArchiveReader(io.BytesIO(data))
