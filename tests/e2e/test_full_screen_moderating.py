"""Moderators on the full screen, on the connection of a real daemon."""

from __future__ import annotations

from harness.daemon import Daemon
from harness.live_screen import LiveScreen, play_live


def test_a_person_is_banned_for_a_time_and_the_ban_is_lifted_from_the_list(daemon: Daemon) -> None:
    """First the server says who would be hit; then the ban is in the list, and in the audit."""
    daemon.create("mona", "moderator")

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #lobby")
        with daemon.connect("mallory") as mallory:
            await screen.see("mallory joined")
            await screen.choose("alt+p", "mallory", "ban the name")
            await screen.answer("Ban mallory from the server. How long?", "1h")
            await screen.see("1 of 2 users: mallory")
            await screen.answer("Reason", "flooding")
            await screen.answer("Ban mallory from the whole server, 1h? [y/N]:", "y")
            await screen.see("mallory is banned for 1h")
            assert any("banned: flooding" in line for line in mallory.expect_closed())
        await screen.choose("alt+g", "bans of the server")
        await screen.see("mallory  banned: flooding (until")
        await screen.press(*"mallory", "enter")
        await screen.see("Lift the ban on mallory")
        await screen.press(*"lift", "enter")
        await screen.answer("Lift the ban on mallory? [y/N]:", "y")
        await screen.gone("mallory  banned: flooding")
        await screen.press("escape")
        await screen.choose("alt+g", "audit")
        await screen.see("ban.remove mallory")
        await screen.see("ban.add mallory")
        await screen.press(*"ban.add", "enter")
        await screen.see("Lift the ban on mallory")
        await screen.press("escape")
        await screen.choose("alt+g", "lockdown of the server")
        await screen.see("(now: Lockdown off")
        await screen.press(*"guests", "enter")
        await screen.answer("Keep out new guests. How long?", "2h")
        await screen.see("Lockdown accounts-only: new guests")

    play_live(scene, daemon.port, "mona", account=True)


def test_an_operator_mutes_and_bans_in_a_channel(daemon: Daemon) -> None:
    """A mute has an end, and is in the list of bans; the channel is locked down, and opened again, in one row each."""

    async def scene(screen: LiveScreen) -> None:
        await screen.see("You joined #tea")
        with daemon.connect("bob") as bob:
            bob.ask("JOIN #tea")
            await screen.see("bob joined")
            await screen.choose("alt+p", "bob", "mute")
            await screen.answer("bob in #tea. How long?", "12h")
            await screen.answer("Reason", "too loud")
            await screen.see("is banned for 12h")
            assert any(" 404 " in line for line in bob.ask("PRIVMSG #tea :hello"))
            await screen.choose("alt+g", "bans of")
            await screen.see("~m:bob!*@* (muted)  banned by alice!")
            await screen.press(*"bob", "enter")
            await screen.see("Take ~m:bob!*@* off the list")
            await screen.press(*"take", "enter")
            await screen.answer("Take ~m:bob!*@* off the list? [y/N]:", "y")
            await screen.gone("(muted)")
            await screen.press("escape")
            bob.ask("PRIVMSG #tea :hello")
            await screen.see("bob hello")
            await screen.choose("alt+g", "lockdown of #tea")
            await screen.see("Only users with an account come in  off")
            await screen.press(*"all of", "enter")
            await screen.see("Only operators and voiced members speak  on")
            await screen.press(*"nothing", "enter")
            await screen.see("Only operators and voiced members speak  off")
            await screen.press("escape")
            await screen.choose("alt+g", "standing", "add")
            await screen.answer("Whom?", "carol")
            await screen.see("carol!*@*  by alice")

    play_live(scene, daemon.port, join=("#tea",))


def test_refusals_say_of_what(daemon: Daemon) -> None:
    """Those of the server: of a channel, a message, a reaction. A question of /kick follows its user, and kicks it."""
    daemon.create("mona", "moderator")
    with daemon.connect("bob") as bob:
        bob.ask("JOIN #ops", "MODE #ops +i", "JOIN #tea", "MODE #tea +m")

        async def guest(screen: LiveScreen) -> None:
            await screen.see("You joined #lobby")
            await screen.enter("/join #ops")
            await screen.see("/join #ops: #ops is by invitation only.")
            await screen.enter("/join #nowhere:1")
            await screen.see("/join #nowhere:1: ")
            await screen.enter("/part #ops")
            await screen.enter("/part #cats")
            await screen.see("/part #cats: There is no channel called #cats.")

        async def moderator(screen: LiveScreen) -> None:
            await screen.until(lambda: any(row.endswith(" bob") for row in screen.rows))
            await screen.enter("/kick bob spam")
            await screen.see("disconnect bob from the whole server?")
            bob.ask("NICK bobby")
            await screen.see("bob is bobby now: disconnect bobby from the whole server?")
            await screen.enter("y")
            bob.expect_closed()

        play_live(guest, daemon.port, columns=120)
        play_live(moderator, daemon.port, "mona", account=True, columns=120)
