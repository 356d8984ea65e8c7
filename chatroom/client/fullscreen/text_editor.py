"""Writing a text in the user's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from textual.app import SuspendNotSupported

from chatroom.client.fullscreen.program import Program
from chatroom.plain_file import read_plain_text


def edit(app: Program, text: str) -> str | None:
    """Open $VISUAL or $EDITOR with a text, and return what it was changed to; None if that was not possible."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        # A directory of its own, which nobody else can read. An editor may have removed it.
        with tempfile.TemporaryDirectory(prefix="chatroom-", ignore_cleanup_errors=True) as directory:
            file = Path(directory, "message.txt")
            file.write_text(text, encoding="utf-8", errors="replace")
            return _edit_file(app, command, file)
    except OSError as error:  # no room for the file, or the editor has left none
        app.tell(f"The text could not be written in the editor {command!r}, and is as it was: {error}", wrong=True)
        return None


def _edit_file(app: Program, command: str, file: Path) -> str | None:
    try:
        with app.suspend():
            code = subprocess.run([*shlex.split(command), str(file)], check=False).returncode  # noqa: S603
    except (OSError, ValueError, SuspendNotSupported) as error:
        app.tell(f"The editor {command!r} could not be started: {error}", wrong=True)
        return None
    app.paint_anew()
    if code != 0:
        app.tell(f"The editor {command!r} has failed with exit code {code}, so the text is as it was.", wrong=True)
        return None
    return read_plain_text(file, "utf-8-sig", "replace").rstrip("\n")
