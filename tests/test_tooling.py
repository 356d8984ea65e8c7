"""Files of the checkout that must agree with each other, though no program reads them together."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
MAKEFILE = (CHECKOUT / "Makefile").read_text()


def test_the_commit_hooks_run_what_make_lint_runs() -> None:
    """Each program of ``make lint`` is a hook, with the same options and from the same environment."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert recipe is not None
    hooks = re.findall(r"entry: (.*)", (CHECKOUT / ".pre-commit-config.yaml").read_text())
    linted = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe[1].splitlines()]
    assert hooks == linted


def test_the_makefile_explains_each_of_its_targets() -> None:
    """The comment at the top of the Makefile names each target that a person types."""
    explained = re.findall(r"\bmake ([a-z-]+)", MAKEFILE.partition("\n\n")[0])
    phony = re.search(r"^\.PHONY: (.*) FORCE$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(explained) == set(phony[1].split())
