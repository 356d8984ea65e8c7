"""``chatroomctl web install``: an archive becomes the directory of a web client, or nothing happens."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from chatroom.ctl import web_archive
from chatroom.ctl.web_archive import read_archive
from chatroom.errors import Refused

Run = Callable[..., Result]
FILES = {"client/index.html": b"<!doctype html>", "client/js/main.js": b"hello()"}


def tar_bytes(files: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """Make a tar archive of files, and of further items that have no content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, body in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(body)
            archive.addfile(item, io.BytesIO(body))
        for item in more:
            archive.addfile(item)
    return out.getvalue()


def zip_bytes(files: dict[str, bytes], mode: int = 0) -> bytes:
    """Make a zip archive; with a ``mode``, its items are of that kind."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            item = zipfile.ZipInfo(name)
            item.external_attr = mode << 16
            archive.writestr(item, body, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def special(kind: bytes, name: str = "client/x", target: str = "") -> tarfile.TarInfo:
    """Make an item that is no plain file."""
    item = tarfile.TarInfo(name)
    item.type, item.linkname = kind, target
    return item


def tree(directory: Path) -> dict[str, bytes]:
    """Return the files below a directory."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "name, data",
    [
        ("a.tgz", gzip.compress(tar_bytes(FILES))),
        ("a.tar.bz2", bz2.compress(tar_bytes(FILES))),
        ("a.tar", tar_bytes({f"./{name}": body for name, body in FILES.items()})),
        ("a.zip", zip_bytes(FILES)),
        ("top.zip", zip_bytes({"index.html": b"<!doctype html>", "js/main.js": b"hello()"}, stat.S_IFREG | 0o600)),
        ("hidden.tar", tar_bytes({**FILES, "client/.git/config": b"x", "README": b"above the page"})),
    ],
    ids=["tgz", "bz2", "tar", "zip", "top", "hidden"],
)
def test_every_kind_of_archive_is_unpacked(name: str, data: bytes, home: Path, run: Run) -> None:
    """The directory of the page becomes DIR; everybody may read the files, and the settings that are left are told."""
    (home / name).write_bytes(data)
    result = run("web", "install", name, "site")
    assert result.exit_code == 0, result.output
    assert tree(home / "site") == {"index.html": b"<!doctype html>", "js/main.js": b"hello()"}
    assert stat.S_IMODE((home / "site").stat().st_mode) == 0o755
    assert stat.S_IMODE((home / "site" / "js" / "main.js").stat().st_mode) == 0o644
    assert f'webroot = "{home / "site"}"' in result.output
    assert sorted(path.name for path in home.iterdir() if path.name != name) == ["site"]


def test_a_client_is_replaced_as_a_whole(home: Path, run: Run) -> None:
    """After a question; nothing of the old one is left. The directory is that of the configuration."""
    (home / "chatroom.toml").write_text('[[listen]]\nkind = "websocket"\nwebroot = "site"\n')
    (home / "a.tar").write_bytes(tar_bytes({**FILES, "client/old.js": b"old"}))
    (home / "b.tar").write_bytes(tar_bytes(FILES))
    config = ("--config", home / "chatroom.toml", "web", "install")
    assert run(*config, "a.tar").exit_code == 0
    refused = run(*config, "b.tar")
    assert refused.exit_code == 1 and "--yes" in refused.output
    assert "old.js" in tree(home / "site")
    result = run(*config, "b.tar", "--yes", "--json")
    made = json.loads(result.stdout)
    assert (made["replaced"], made["files"], made["directory"]) == (True, 2, str(home / "site"))
    assert made["todo"] == ["restart the server: it reads the files when it starts"]
    assert "old.js" not in tree(home / "site")


def test_other_directories_are_left_alone(home: Path, run: Run) -> None:
    """One that has other files, a link, and a file."""
    (home / "a.tar").write_bytes(tar_bytes(FILES))
    (home / "photos").mkdir()
    (home / "photos" / "cat.jpg").touch()
    (home / "link").symlink_to(home / "photos")
    for name in ("photos", "link", "a.tar"):
        result = run("web", "install", "a.tar", name, "--yes")
        assert result.exit_code == 1 and "name a" in result.output
    assert (home / "photos" / "cat.jpg").exists()


@pytest.mark.parametrize(
    "data",
    [
        tar_bytes({**FILES, "../evil.txt": b"x"}),
        tar_bytes({**FILES, "/tmp/evil.txt": b"x"}),
        tar_bytes({**FILES, "client/../../evil.txt": b"x"}),
        tar_bytes({**FILES, "client\\..\\evil.txt": b"x"}),
        tar_bytes({**FILES, "client/a\nb": b"x"}),
        tar_bytes(FILES, special(tarfile.SYMTYPE, target="/etc/passwd")),
        tar_bytes(FILES, special(tarfile.LNKTYPE, target="client/index.html")),
        tar_bytes(FILES, special(tarfile.FIFOTYPE)),
        tar_bytes(FILES, special(tarfile.CHRTYPE)),
        tar_bytes(FILES, special(tarfile.DIRTYPE, "../evil")),
        zip_bytes({**FILES, "../evil.txt": b"x"}),
        zip_bytes(FILES, stat.S_IFLNK | 0o777),
        tar_bytes({"client/main.js": b"no page"}),
        b"",
        b"PK\x03\x04 no zip",
        gzip.compress(b"no tar"),
        gzip.compress(tar_bytes(FILES))[:100],
    ],
    ids=range(17),
)
def test_what_leads_elsewhere_or_is_broken_is_refused_whole(data: bytes, home: Path, run: Run) -> None:
    """One line, and nothing is written."""
    (home / "a.tgz").write_bytes(data)
    result = run("web", "install", "a.tgz", "site")
    assert result.exit_code == 1
    assert result.output.startswith("chatroomctl: ") and result.output.count("\n") == 1
    assert [path.name for path in home.iterdir()] == ["a.tgz"]


@pytest.mark.parametrize(
    "bound, value",
    [("FILE_BYTES", 10), ("ALL_BYTES", 20), ("MOST_FILES", 1), ("ARCHIVE_BYTES", 4000), ("_MOST_ITEMS", 1)],
)
def test_what_is_too_much_is_refused(bound: str, value: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long file, many files, a long archive, and one that unpacks to much more than it has."""
    (home / "a.tgz").write_bytes(gzip.compress(tar_bytes(FILES)))
    assert len(read_archive(home / "a.tgz")) == 2
    monkeypatch.setattr(web_archive, bound, value)
    with pytest.raises(Refused):
        read_archive(home / "a.tgz")


def test_a_bomb_is_refused_before_it_is_unpacked(home: Path) -> None:
    """A page of zeros, and nothing but zeros: some kilobytes that would become as much as anybody likes."""
    for body in (tar_bytes({"index.html": bytes(65 << 20)}), bytes(65 << 20)):
        (home / "bomb.tgz").write_bytes(gzip.compress(body, 1))
        with pytest.raises(Refused, match="unpacked, it has more than 64 MiB"):
            read_archive(home / "bomb.tgz")


@given(st.binary(max_size=400), st.integers(0, 500))
def test_no_bytes_are_a_fault(tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int) -> None:
    """Whatever the file has, it is an archive or refused."""
    file = tmp_path_factory.getbasetemp() / "noise"
    whole = gzip.compress(tar_bytes(FILES))
    for content in (data, tar_bytes(FILES)[:at] + data, whole[:at] + data, zip_bytes(FILES)[:at] + data):
        file.write_bytes(content)
        try:
            read_archive(file)
        except Refused:
            pass
