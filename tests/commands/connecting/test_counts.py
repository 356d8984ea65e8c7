"""What is counted for the metrics: logins, bans that act, and actions that were too many."""

from __future__ import annotations

from collections.abc import Callable

from harness.world import Here

from chatroom.chat.people.line_rates import limit_lines


def test_logins_are_counted_by_their_outcome(here: Here) -> None:
    """A good one, and one with a wrong password."""
    here.admin("ada")
    counts = here.world.runtime.counts
    assert (counts.logins_good, counts.logins_bad) == (1, 0)
    guesser = here.open()
    guesser.say("PASS :ada:wrong", "NICK ada", "USER a 0 * :A")
    assert (counts.logins_good, counts.logins_bad) == (1, 1)


def test_a_ban_that_keeps_someone_out_is_counted(here: Here) -> None:
    """Each refused registration counts."""
    here.moderator("mona").ask("UBAN ADD mallory 1h spam")
    before = here.world.runtime.counts.bans_hit
    here.open().say("NICK mallory", "USER m 0 * :M")
    assert here.world.runtime.counts.bans_hit == before + 1


def test_an_action_too_many_is_counted(make_here: Callable[..., Here]) -> None:
    """Such as one nick change more than limits.nick_changes_per_minute."""
    here = make_here(limits={"enabled": True, "nick_changes_per_minute": 2})
    alice = here.connect("alice")
    limit_lines(alice.session, here.world.settings)
    for number in range(3):
        alice.say(f"NICK alice{number}")
    assert here.world.runtime.counts.actions_refused == 1
