from __future__ import annotations

from harness.world import Here


def test_a_ban_by_a_users_address_takes_all_devices(here: Here) -> None:
    """``--ip NAME`` bans the address of each session of the user, and closes all of them."""
    here.account("una")
    moderator = here.moderator()
    phone = here.connect("una", address="192.0.2.1", login="una")
    laptop = here.connect("una", address="198.51.100.1", login="una")
    sent = moderator.ask("UBAN ADD --ip una 1h flooding")
    assert phone.closed and laptop.closed
    assert [address for address in ("192.0.2.1", "198.51.100.1") if any(address in line for line in sent)] == [
        "192.0.2.1",
        "198.51.100.1",
    ]
    assert sorted(ban.target for ban in here.world.bans) == ["192.0.2.1", "198.51.100.1"]
