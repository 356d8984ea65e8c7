"""The template of ``chatroom.toml``: every key with its description, commented out at its default."""

from __future__ import annotations

from chatroom.config.settings import SCHEMA
from chatroom.settings.file_template import explain_all

HEAD = """\
Settings of a chatroom server. Every key is commented out and shows its default; a line under it that is not commented
out is a proposal for a new server. To change a key, uncomment it or run "chatroomctl config set KEY VALUE".
"chatroomctl config check" looks for errors in the file.

The file in use is the one that --config names, else CHATROOM_CONFIG, else ~/.config/chatroom/chatroom.toml, else
/etc/chatroom/chatroom.toml. A file in the working directory is not read unless it is named.

An environment variable CHATROOM_SECTION__KEY, such as CHATROOM_LIMITS__BURST_LINES=100, overrides the file, and an
option on the command line overrides both. Changes apply after "chatroomctl reload", or after a restart of the daemon if
the key says so.
"""
"""What the file begins with; the manual has it too."""

PROPOSED: dict[str, object] = {"history.max_size_mb": 4096}
"""What a new set-up should have instead of the default. Servers that run already keep the default."""


def template() -> str:
    """Return the text of the template. Read unchanged, it sets what is proposed, and nothing else."""
    return explain_all(SCHEMA, HEAD, PROPOSED)
