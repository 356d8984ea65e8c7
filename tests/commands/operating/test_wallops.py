from __future__ import annotations

from harness.world import SERVER, Here, verbs


def test_users_with_mode_w_read_wallops(here: Here) -> None:
    """A moderator's text reaches users with +w only; any other user's WALLOPS is refused with 481."""
    mo, alice, bob = here.moderator(), here.connect("alice"), here.connect("bob")
    alice.say("MODE alice +w")
    here.forget_unread()
    mo.say("WALLOPS :look out")
    assert alice.read() == [f":{mo.prefix} WALLOPS :look out"]
    assert bob.read() == []
    assert verbs(bob.ask("WALLOPS :me too")) == ["481"]


def test_the_moderator_reads_it_once_on_each_device(here: Here) -> None:
    """A moderator with +w reads their own WALLOPS on every session; one without a text gets 461."""
    phone, laptop = here.moderator(), here.moderator()
    phone.say("MODE mo +w")
    here.forget_unread()
    assert phone.ask("WALLOPS :look out") == [f":{phone.prefix} WALLOPS :look out"]
    assert laptop.read() == [f":{phone.prefix} WALLOPS :look out"]
    assert phone.ask("WALLOPS :") == [f":{SERVER} 461 mo WALLOPS :Not enough parameters"]
