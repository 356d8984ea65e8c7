"""The picture of the full screen in the documentation."""

from __future__ import annotations

import html

from harness.daemon import Daemon
from harness.screen_picture import DOCS, play


def test_the_scene_of_the_picture_can_be_played(daemon: Daemon) -> None:
    """``make pictures`` draws what a user sees, and takes nothing from other servers; so does the stored picture."""
    for svg in (play(daemon), (DOCS / "full-screen.svg").read_text()):
        assert "who has the sugar" in html.unescape(svg).replace("\u00a0", " ")
        assert "url(http" not in svg
