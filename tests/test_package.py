"""The wheel: built, installed elsewhere, and run without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatroom import __version__

CHECKOUT = Path(__file__).parents[1]
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without the network."""
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (built,) = directory.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with the wheel. Its dependencies come from the environment of the tests."""
    place = tmp_path_factory.mktemp("elsewhere") / "env"
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    # A plain .pth adds the directory without reading the .pth files in it, so our editable install stays out of reach.
    (Path(found.stdout.strip()) / "needs.pth").write_text(sysconfig.get_path("purelib"))
    return place / "bin"


@pytest.fixture
def shell(installed: Path, tmp_path: Path) -> Iterator[Shell]:
    """Run an installed program in an empty home."""
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def run(program: str, *args: str, input: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / program, *args],
            cwd=tmp_path,
            env=environ,
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )

    # Daemons are looked for in both directories. Not tmp_path: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="chatroom-test-") as runtime:
        environ |= {"XDG_RUNTIME_DIR": runtime, "TMPDIR": runtime}
        yield run


def test_the_wheel_has_the_package_and_the_migrations(wheel: Path) -> None:
    """Every module, the page for browsers, the marker for types, migrations, man pages; nothing else."""
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {path.relative_to(CHECKOUT).as_posix() for path in CHECKOUT.glob("chatroom/**/*.py")}
    page = {path.relative_to(CHECKOUT).as_posix() for path in CHECKOUT.glob("chatroom/web_page/*")}
    assert "chatroom/web_page/index.html" in page
    migrations = {f"chatroom/_{path.relative_to(CHECKOUT)}" for path in CHECKOUT.glob("migrations/*/*.sql")}
    assert migrations
    shared = f"chatroom-{__version__}.data/data/share/"
    manual = {f"{shared}man/man{path.suffix[1:]}/{path.name}" for path in CHECKOUT.glob("man/*")}
    assert len(manual) == 4
    assert modules | page | migrations | manual | {"chatroom/py.typed"} <= names
    assert all(name.startswith(("chatroom/", f"chatroom-{__version__}.dist-info/", shared)) for name in names)


def test_the_operators_program_runs_elsewhere(shell: Shell, installed: Path, tmp_path: Path) -> None:
    """chatroomctl works from the wheel: the version, an account in a new database, a ban, the settings."""
    where = shell("python", "-c", "import chatroom; print(chatroom.__file__)").stdout
    assert Path(where).is_relative_to(installed.parent)
    assert (installed.parent / "share" / "man" / "man1" / "chatroomctl.1").exists()
    assert shell("chatroomctl", "--version").stdout == f"chatroomctl {__version__}\n"
    made = shell(
        "chatroomctl", "--database", "new.db", "user", "create-admin", "alice", "--password-stdin",
        input="correct horse battery\n",
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "new.db").exists()
    assert "alice" in shell("chatroomctl", "--database", "new.db", "user", "list").stdout
    assert shell("chatroomctl", "--database", "new.db", "ban", "add", "mallory").returncode == 0
    assert shell("chatroomctl", "config", "init", "chatroom.toml").returncode == 0
    assert shell("chatroomctl", "--config", "chatroom.toml", "config", "check").stdout == "chatroom.toml: valid.\n"


def test_the_guests_program_runs_elsewhere(shell: Shell) -> None:
    """The client from the wheel shows its usage."""
    told = shell("chatroom", "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert "--nick" in told.stdout
