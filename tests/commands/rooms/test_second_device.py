from __future__ import annotations

from harness.world import Here, verbs


def test_a_join_on_one_device_shows_the_channel_to_the_other(here: Here) -> None:
    """Both read the JOIN, the topic and the members."""
    here.account("una")
    phone, laptop = (here.connect("una", login="una") for _ in range(2))
    founder = here.connect("founder")
    founder.say("JOIN #a", "TOPIC #a :hello")
    here.forget_unread()
    phone.say("JOIN #a")
    assert [verb for verb in verbs(laptop.read()) if verb != "MODE"] == ["JOIN", "332", "333", "353", "366"]
