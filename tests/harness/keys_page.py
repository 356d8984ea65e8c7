"""The table of keys in ``docs/full-screen.md``, as the program has them. ``make protocol`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from chatroom.client.key_table import KEYS, TOPICS, shown_keys
from chatroom.client.settings.key_section import setting_of

PATH = Path(__file__).parents[2] / "docs" / "full-screen.md"
_MARK = "<!-- keys: written by `make protocol` -->\n"


def refreshed(page: str) -> str:
    """The page with the tables of today's keys behind the mark."""
    head, _, _ = page.partition(_MARK)
    tables = []
    for topic, title in TOPICS.items():
        keys = [key for key in KEYS if key.topic == topic]
        rows = [f"| {shown_keys(key)} | {key.help} | `{setting_of(key.action)}` |" for key in keys]
        tables.append(
            f"\n### {title}\n\n| key | what it does | setting |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
        )
    return head + _MARK + "".join(tables)


if __name__ == "__main__":
    PATH.write_text(refreshed(PATH.read_text(encoding="utf-8")), encoding="utf-8")
