"""``chatroomctl web``: the web client that a WebSocket listener serves (``webroot``)."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import click

from chatroom.ctl.invocation import Invocation, pass_invocation
from chatroom.ctl.output import confirm, report_result, result_option, yes_option
from chatroom.ctl.subcommands import Subcommands
from chatroom.ctl.web_archive import read_archive
from chatroom.errors import Refused
from chatroom.paths import default_database
from chatroom.server.web_files import INDEX


@click.group(cls=Subcommands)
def web() -> None:
    """Install the web client that browsers get.

    A page of its own comes with the server: webroot = "default" in a [[listen]] table with kind = "websocket". This is
    for other clients, such as gamja and Kiwi IRC.

    \b
    Example:
      chatroomctl web install gamja.tar.gz /srv/chat
    """


@web.command("install")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@yes_option
@result_option("directory", "files", "replaced", "todo")
@pass_invocation
def install(invocation: Invocation, file: Path, directory: Path | None, yes: bool) -> None:
    """Unpack a client's built files from the archive FILE (.tar.gz, .tgz, .tar, .tar.bz2, .zip) into DIR.

    Without DIR, it is the directory that webroot names, or else "web" beside the database. A client that is there is
    replaced as a whole. An archive with links or with names that lead elsewhere is refused.

    \b
    Examples:
      chatroomctl web install gamja.tar.gz
      chatroomctl web install kiwiirc.zip /srv/chat --yes
    """
    settings = invocation.settings
    roots = [listen.webroot for listen in settings.listen if isinstance(listen.webroot, Path)]
    address = settings.database.address
    beside = address if isinstance(address, Path) else default_database()
    target = (directory or next(iter(roots), beside.parent / "web")).absolute()
    replaced = _is_client(target)
    files = read_archive(file)
    if replaced:
        confirm(f"Replace the web client in {target}?", yes)
    _install(files, target)
    todo = []
    if target not in roots:
        todo.append(f'in a [[listen]] table with kind = "websocket", set webroot = "{target}"')
    todo.append("restart the server: it reads the files when it starts")
    report_result(
        f"{'Replaced the client in' if replaced else 'Installed'} {target}: {len(files)} files.",
        "What to do next:",
        *(f"  {line}" for line in todo),
        directory=target,
        files=len(files),
        replaced=replaced,
        todo=todo,
    )


def _is_client(target: Path) -> bool:
    """True if a web client is there, and False if nothing is. Raises ``Refused`` if something else is."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise Refused(f"{target} is a link or no directory; name another one")
    if not target.exists() or not any(target.iterdir()):
        return False
    if not (target / INDEX).exists():
        raise Refused(f"{target} has other files and no {INDEX}; name a directory of its own")
    return True


def _install(files: Mapping[PurePosixPath, bytes], target: Path) -> None:
    """Write the files beside the directory, and put them into its place whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    old = made.with_name(f"{made.name}-old")
    try:
        for name, body in files.items():
            file = made / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as out:
                out.write(body)
            # Whoever asks the server gets them. It may run as another user.
            file.chmod(0o644)
        for folder in [made, *(path for path in made.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
        if target.exists():
            target.rename(old)
        try:
            made.rename(target)
        except OSError:
            with contextlib.suppress(OSError):
                old.rename(target)
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
