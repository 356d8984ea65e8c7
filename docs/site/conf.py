"""The site of the documentation: ``make docs`` has Sphinx build it of the same pages that a forge shows."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

CHECKOUT = Path(__file__).parents[2]
NAV = {
    "Start": ["docs/tutorial", "docs/clients", "docs/client", "docs/full-screen", "docs/browser"],
    "Run a server": [
        "docs/service",
        "docs/operating",
        "docs/certificates",
        "docs/proxies",
        "docs/hardening",
        "docs/monitoring",
        "docs/backups",
        "docs/archive",
        "docs/postgresql",
        "docs/nodes",
        "docs/moving-in",
        "docs/hooks",
    ],
    "People": ["docs/inviting", "docs/moderating"],
    "Reference": ["docs/commands", "docs/settings", "docs/client-options", "docs/client-settings", "docs/protocol"],
    "About": [
        "docs/comparison",
        "bench/README",
        "bench/results",
        "bench/abuse",
        "bench/client_screen",
        "bench/start_times",
        "bench/cluster",
        "bench/cluster_worlds",
        "docs/architecture",
        "docs/cluster",
        "docs/glossary",
        "SECURITY",
        "CONTRIBUTING",
        "CHANGELOG",
    ],
}
"""The list of pages beside each page. A test wants every page in it."""

project = "chatroom"
copyright = "the chatroom maintainers"
extensions = ["myst_parser"]
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "bench/*.md"]
exclude_patterns = ["docs/site/**", "**/node_modules/**"]
myst_heading_anchors = 4
suppress_warnings = ["misc.highlighting_failure"]  # blocks such as `chat` and `mermaid` are shown as they are
highlight_language = "none"

html_theme = "furo"  # its fonts are the reader's own, and it loads nothing from elsewhere
html_title = "chatroom"
html_show_sphinx = False
html_copy_source = False
html_additional_pages = {"index": "to_readme.html"}
templates_path = [str(Path(__file__).parent)]


def add_navigation(app: Sphinx, name: str, text: list[str]) -> None:
    """Put the list of pages behind the README, where a forge would show it as text."""
    if name == root_doc:
        for title, pages in NAV.items():
            listed = "\n".join(page for page in pages if (CHECKOUT / f"{page}.md").exists())
            text[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_navigation)
