"""The site of the documentation has every page. ``make docs`` builds it, and finds dead links as test_pages.py does."""

from __future__ import annotations

import ast

from harness.doc_pages import CHECKOUT, PAGES, name_of


def test_every_page_is_in_the_navigation_once() -> None:
    """And the navigation names no page that is not there."""
    tree = ast.parse((CHECKOUT / "docs" / "site" / "conf.py").read_text())
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [one.id for one in node.targets if isinstance(one, ast.Name)] == ["NAV"]
    ]
    named = sorted(f"{page}.md" for pages in ast.literal_eval(value).values() for page in pages)
    assert named == sorted(name_of(page) for page in PAGES if name_of(page) != "README.md")
