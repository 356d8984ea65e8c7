from __future__ import annotations

import json

from harness.daemon import Place, running


def find(place: Place) -> tuple[int, dict[str, list[str]], list[str]]:
    """Run the check; return its exit code, the problems of each family, and the families that were looked at."""
    done = place.run("check", "--json")
    document = json.loads(done.stdout)
    problems: dict[str, list[str]] = {}
    for one in document["findings"]:
        problems.setdefault(one["check"], []).append(one["problem"])
    return done.returncode, problems, document["checks"]


def test_a_daemon_is_looked_at_while_it_runs() -> None:
    """It answers for its version, threads and addresses; what waits for a restart is found, and is gone after one."""
    with running() as daemon:
        place = daemon.place
        place.ctl("config", "init")
        place.ctl("config", "set", "listen.port", str(daemon.port))
        _, problems, checks = find(place)
        assert {"daemon", "addresses", "database", "open files"} <= set(checks)
        assert problems.pop("database") == ["no admin can log in"]
        assert set(problems) <= {"disk", "service"}  # of the machine that tests run on
        place.ctl("config", "set", "server.network", "another")
        place.ctl("reload")
        code, problems, _ = find(place)
        assert code == 1
        assert problems["configuration"] == ["the running daemon does not use the new value of server.network yet"]
        assert daemon.stop() == 0
        place.ctl("user", "create-admin", "ada", "--password-stdin", stdin="a lamp of seven winters\n")
        _, problems, checks = find(place)
        assert "daemon" not in checks
        assert not {"configuration", "database", "permissions"} & set(problems)
