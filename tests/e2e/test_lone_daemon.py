"""A daemon that is alone, with a database in a file, pays nothing for clusters and servers."""

from __future__ import annotations

from harness.daemon import Daemon, Place, stopped_well
from harness.injected_code import InjectedCode


def test_what_only_a_cluster_needs_is_not_loaded() -> None:
    """Neither the packages for Redis and PostgreSQL, nor what we have for them, from the start to a visit."""
    with Place.make() as place:
        code = InjectedCode(place)
        for daemon in stopped_well(Daemon(place)):
            with daemon.connect("ann") as ann:
                ann.ask("JOIN #tea", "PRIVMSG #tea :hello", "LINKS", "WHOIS ann")
            listed = place.root / "modules"
            code.run(f"import sys; open({str(listed)!r}, 'w').write(' '.join(sys.modules))")
            loaded = listed.read_text().split()
    assert "chatroom.server.daemon" in loaded
    of_servers = ("psycopg", "redis", "chatroom.storage.postgresql", "chatroom.chat.cluster", "chatroom.server.cluster")
    assert [name for name in loaded if name.startswith(of_servers)] == []
