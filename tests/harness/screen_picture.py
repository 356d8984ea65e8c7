"""The picture of the full screen in the documentation: a real chat on a real server, drawn as SVG and as PNG.

``make pictures`` writes both. The PNG needs chromium; without it only the SVG is written.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.daemon import Daemon, running
from harness.live_screen import LiveScreen, play_live
from rich.console import Console
from rich.terminal_theme import TerminalTheme

DOCS = Path(__file__).parents[2] / "docs"
SIZE = {"columns": 100, "rows": 22}
_NORMAL = ["282c34", "e06c75", "98c379", "e5c07b", "61afef", "c678dd", "56b6c2", "abb2bf"]
_BRIGHT = ["6e7480", "f0828a", "aad28c", "f0d296", "82bef5", "d796eb", "6ec8d2", "ffffff"]


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour)
    return red, green, blue


THEME = TerminalTheme(_rgb("181a1f"), _rgb("d6dae2"), [_rgb(one) for one in _NORMAL], [_rgb(one) for one in _BRIGHT])
_FONT = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"


def draw(screen: LiveScreen) -> str:
    """Return what the screen shows as SVG, without fonts of other servers."""
    app = screen.app
    console = Console(
        width=app.size.width, height=app.size.height, file=io.StringIO(), force_terminal=True, color_system="truecolor",
        record=True, legacy_windows=False, safe_box=False,
    )  # fmt: skip
    console.print(app.screen._compositor.render_update(full=True, screen_stack=app._background_screens))
    svg = console.export_svg(title="chatroom", theme=THEME, unique_id="chatroom")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!-- .*? -->\n?", "", svg)
    svg = svg.replace("Fira Code, monospace", _FONT)
    return re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)


def play(daemon: Daemon) -> str:
    """Have people talk on a server, and return the picture of what one of them sees."""
    drawn: list[str] = []
    with daemon.connect("bob") as bob, daemon.connect("carol") as carol, daemon.connect("dave") as dave:
        bob.ask("JOIN #tea", "TOPIC #tea :We drink tea; cakes on Friday", "PRIVMSG #tea :the kettle is on")

        async def scene(screen: LiveScreen) -> None:
            await screen.see("to #lobby ›")
            await screen.enter("/join #tea")
            await screen.see("We drink tea")
            carol.ask("JOIN #tea")
            dave.ask("JOIN #tea", "AWAY :at lunch")
            await screen.see("dave z")
            bob.ask("PRIVMSG #tea :has anybody seen the \x02blue\x02 pot?")
            await screen.see("blue pot")
            await screen.enter("it is on the window sill, next to https://tea.example/pots")
            await screen.see("alice it is on")
            carol.ask("PRIVMSG #tea :alice: thank you! I bring \x0304red\x03 cups")
            await screen.see("cups")
            await screen.enter("/me puts the biscuits on the table")
            await screen.see("biscuits")
            await screen.press("alt+2")
            bob.ask("PRIVMSG #lobby :good morning", "PRIVMSG #lobby :is anybody there?")
            dave.ask("PRIVMSG alice :are you coming on Friday?")
            await screen.see("1!")
            await screen.type("who has the sugar")
            await screen.see("› who has the sugar")
            drawn.append(draw(screen))

        play_live(scene, daemon.port, "alice", **SIZE)
    return drawn[0]


def photograph(svg: str, target: Path) -> None:
    """Have chromium make a PNG of the picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("There is no chromium here, so there is no new PNG.")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    width, height = (int(float(number)) + 1 for number in size.groups())
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory, "picture.html")
        page.write_text(f'<body style="margin:0">{svg}</body>', encoding="utf-8")
        subprocess.run(
            [
                *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
                *("--default-background-color=00000000", f"--user-data-dir={directory}/profile"),
                *(f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri()),
            ],
            check=True,
            capture_output=True,
            timeout=120,
        )


def main() -> None:
    """Write both pictures."""
    with running() as daemon:
        svg = play(daemon)
    (DOCS / "full-screen.svg").write_text(svg, encoding="utf-8")
    photograph(svg, DOCS / "full-screen.png")


if __name__ == "__main__":
    main()
