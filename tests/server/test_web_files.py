"""Reading the files of a web client."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from chatroom.config import Settings
from chatroom.config.chatting import Channels
from chatroom.config.serving import Backup, Database, Listen, Server
from chatroom.errors import ServeError
from chatroom.findings import Finding
from chatroom.server import web_files
from chatroom.server.web_files import read_files


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings whose database is elsewhere."""
    return replace(Settings(), database=Database(path=tmp_path / "data" / "chat.db"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The directory of a small client."""
    directory = tmp_path / "site"
    (directory / "parts").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html>")
    (directory / "parts" / "with space.js").write_text("hello()")
    return directory


def test_files_are_found_by_the_paths_that_a_browser_asks_for(site: Path, settings: Settings) -> None:
    """A directory with an index.html is that file; other names are percent-encoded."""
    (site / "parts" / "index.html").write_text("parts")
    files = read_files(site, settings)
    assert sorted(files) == [
        "/",
        "/config.json",
        "/index.html",
        "/parts/",
        "/parts/index.html",
        "/parts/with%20space.js",
    ]
    assert files["/"] is files["/index.html"]
    assert files["/parts/with%20space.js"].body == b"hello()"
    assert b"Content-Type: text/javascript; charset=utf-8\r\n" in files["/parts/with%20space.js"].fields


def test_each_file_forbids_what_a_page_does_not_need(site: Path, settings: Settings) -> None:
    """No guessed types, no frames of others, no scripts from elsewhere or within the page."""
    for file in read_files(site, settings).values():
        fields = file.fields.decode()
        policy = next(line for line in fields.split("\r\n") if line.startswith("Content-Security-Policy: "))
        assert "X-Content-Type-Options: nosniff\r\n" in fields
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy and "unsafe-eval" not in policy


def test_scripts_within_a_page_run_if_they_were_there_at_the_start(site: Path, settings: Settings) -> None:
    """Some clients have one in their page. The policy of that page has its hash, as the browser computes it."""
    (site / "index.html").write_bytes(
        b"<!doctype html><script src=a.js></script><script type=module>\r\nlet a = '&amp;<p>';\r\n</script>"
    )
    files = read_files(site, settings)
    expected = base64.b64encode(hashlib.sha256(b"\nlet a = '&amp;<p>';\n").digest()).decode()
    assert f"script-src 'self' 'sha256-{expected}';" in files["/"].fields.decode()
    assert "sha256-" not in files["/config.json"].fields.decode()


def test_our_own_page_has_the_strictest_policy(settings: Settings) -> None:
    """Its files, its WebSocket, and nothing else: no script within the page, no text that is read as HTML."""
    files = read_files("default", settings)
    assert {"/", "/page.js", "/style.css", "/icon.svg", "/config.json"} <= files.keys()
    for file in files.values():
        policy = file.fields.decode().partition("Content-Security-Policy: ")[2].partition("\r\n")[0]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy and "trusted-types 'none'" in policy


def test_links_hidden_files_and_what_is_no_file_are_left_out(site: Path, settings: Settings, tmp_path: Path) -> None:
    """A link could lead to any file that the daemon may read; .git tells more than the site."""
    (tmp_path / "secret.txt").write_text("secret")
    (site / "link.txt").symlink_to(tmp_path / "secret.txt")
    (site / "linked").symlink_to(tmp_path)
    (site / ".htaccess").write_text("x")
    (site / ".git").mkdir()
    (site / ".git" / "config").write_text("x")
    (site / ".well-known").mkdir()
    (site / ".well-known" / "security.txt").write_text("x")
    os.mkfifo(site / "pipe")
    paths = set(read_files(site, settings))
    assert paths == {"/", "/index.html", "/config.json", "/parts/with%20space.js", "/.well-known/security.txt"}


def test_the_directory_itself_may_be_a_link(site: Path, settings: Settings, tmp_path: Path) -> None:
    """So a new version is put into place by changing one link."""
    (tmp_path / "current").symlink_to(site)
    assert read_files(tmp_path / "current", settings).keys() == read_files(site, settings).keys()


def test_a_configuration_is_made_unless_there_is_one(site: Path, settings: Settings) -> None:
    """Where the WebSocket is, the channels, the network's name; a file of the client's own stays as it is."""
    settings = replace(settings, channels=Channels(autojoin=("#tea",)), server=Server(network="Tea house"))
    made = json.loads(read_files(site, settings)["/config.json"].body)
    assert made == {"name": "Tea house", "server": {"url": "/", "autojoin": ["#tea"]}}
    (site / "config.json").write_text("{}")
    assert read_files(site, settings)["/config.json"].body == b"{}"


def test_a_backup_is_never_served(site: Path, settings: Settings) -> None:
    """It has the hashes of all passwords: the directory of the backups may lie within that of the page by mistake."""
    shown = replace(settings, backup=Backup(directory=site / "backups"))
    (site / "backups").mkdir()
    (site / "backups" / "notes.txt").write_text("for everybody")
    assert "/backups/notes.txt" in read_files(site, shown)
    name = f"{settings.database.path.stem}-20261126T110000Z.db"
    (site / "backups" / name).write_text("hashes")
    with pytest.raises(ServeError, match=rf"{name} is no file for everybody"):
        read_files(site, shown)


def test_a_file_with_secrets_is_never_served(site: Path, settings: Settings, tmp_path: Path) -> None:
    """The configuration, a private key, the database: also under another name."""
    (tmp_path / "data").mkdir()
    for name in ("key.pem", "chatroom.toml", "data/chat.db"):
        (tmp_path / name).write_text("secret")
        listen = Listen(key=(tmp_path / "key.pem",))
        shown = replace(settings, listen=(listen,), source=tmp_path / "chatroom.toml")
        read_files(site, shown)
        os.link(tmp_path / name, site / "copy.txt")
        with pytest.raises(ServeError, match=r"copy\.txt is no file for everybody"):
            read_files(site, shown)
        (site / "copy.txt").unlink()


KEY = b"-----BEGIN %sPRIVATE KEY-----\nMIIEvQIBADAN\n-----END %sPRIVATE KEY-----\n"


@pytest.mark.parametrize(
    "body, kind",
    [
        (b"SQLite format 3\0" + bytes(100), "a database"),
        (b"SQLite format 3\0" + bytes(9 << 20), "a database"),
        (gzip.compress(b"SQLite format 3\0" + bytes(100), mtime=0), "a database"),
        (bytes.fromhex("377f0682") + bytes(28), "the write-ahead log of a database"),
        (bytes.fromhex("d9d505f920a163d7") + bytes(20), "the journal of a database"),
        (KEY % (b"", b""), "a private key"),
        (
            b"-----BEGIN CERTIFICATE-----\r\nMII\r\n" + (KEY % (b"RSA ", b"RSA ")).replace(b"\n", b"\r\n"),
            "a private key",
        ),
        (KEY % (b"OPENSSH ", b"OPENSSH "), "a private key"),
    ],
    ids=["database", "long", "packed", "log", "journal", "key", "behind-a-certificate", "openssh"],
)
def test_what_has_secrets_is_left_out_with_a_warning(
    body: bytes, kind: str, site: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A copy of the database that was made by hand, whatever its name and size, or a key that no setting names."""
    before = read_files(site, settings).keys()
    (site / "old.bin").write_bytes(body)
    assert read_files(site, settings).keys() == before
    assert caplog.messages == [f"listen.webroot: {site}/old.bin is {kind}: browsers do not get it; move it elsewhere"]


def test_an_archive_of_everything_is_left_out(site: Path, settings: Settings) -> None:
    """It has the hashes of all passwords. Other archives are files like any other, and so is what is none."""
    for name, packed in (("all.zip", ("accounts.jsonl", "manifest.json")), ("other.zip", ("manifest.json",))):
        with zipfile.ZipFile(site / name, "w") as archive:
            for member in packed:
                archive.writestr(member, "{}")
    (site / "broken.zip").write_bytes(b"PK\3\4" + bytes(100))
    (site / "other.gz").write_bytes(gzip.compress(gzip.compress(b"x")))
    (site / "broken.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    left_out: list[Finding] = []
    files = read_files(site, settings, left_out.append)
    assert [one.problem.split(" is ")[1].split(":")[0] for one in left_out] == ["an archive of everything"]
    assert {"/other.zip", "/broken.zip", "/other.gz", "/broken.gz"} <= files.keys()


def test_a_zip_file_with_secrets_in_it_is_left_out(site: Path, settings: Settings) -> None:
    """Behind files that have none, too. One that cannot be unpacked here is served, as a picture is."""
    for name, member in (("copy.zip", b"SQLite format 3\0" + bytes(100)), ("keys.zip", KEY % (b"", b""))):
        with zipfile.ZipFile(site / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("README", "x" * 100_000)
            archive.writestr("file", member)
    locked = bytearray((site / "copy.zip").read_bytes())
    for begin, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = -1
        while (at := locked.find(begin, at + 1)) >= 0:
            locked[at + flags] |= 1  # encrypted (APPNOTE.TXT, section 4.4.4)
    (site / "locked.zip").write_bytes(locked)
    left_out: list[Finding] = []
    files = read_files(site, settings, left_out.append)
    assert [one.problem.split(" is ")[1].split(":")[0] for one in left_out] == ["a database", "a private key"]
    assert "/locked.zip" in files


def test_a_script_that_knows_keys_is_served(site: Path, settings: Settings) -> None:
    """It has the words, and no key."""
    (site / "pem.js").write_text('if (line === "-----BEGIN PRIVATE KEY-----") {}\n-----BEGIN PRIVATE KEY-----\n`')
    assert "/pem.js" in read_files(site, settings)


@pytest.mark.parametrize("bound, value", [("FILE_BYTES", 10), ("ALL_BYTES", 20), ("MOST_FILES", 1)])
def test_what_is_too_much_is_refused(
    bound: str, value: int, site: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files stay in memory, so one file, all of them, and their number are bounded."""
    monkeypatch.setattr(web_files, bound, value)
    with pytest.raises(ServeError, match=r"listen\.webroot"):
        read_files(site, settings)


def test_a_directory_without_a_page_is_refused_with_a_way_out(tmp_path: Path, settings: Settings) -> None:
    """It is the wrong directory, does not exist, or is a file."""
    with pytest.raises(ServeError, match=r"there is no index\.html; name the directory"):
        read_files(tmp_path, settings)
    with pytest.raises(ServeError, match="No such file"):
        read_files(tmp_path / "nowhere", settings)
    (tmp_path / "file").touch()
    with pytest.raises(ServeError, match="Not a directory"):
        read_files(tmp_path / "file", settings)


def test_a_changed_file_has_another_tag(site: Path, settings: Settings) -> None:
    """A browser asks again each time, and gets a file only if it has changed."""
    before = read_files(site, settings)["/"]
    again = read_files(site, settings)["/"]
    (site / "index.html").write_text("new")
    after = read_files(site, settings)["/"]
    assert before.tag == again.tag != after.tag
    assert f"ETag: {after.tag}\r\n".encode() in after.fields
