"""What is always true of the bytes that a tick sends, and of the world between two ticks."""

from __future__ import annotations

from chatroom.chat.cluster.shadow import Shadow
from chatroom.chat.stored.records import Role
from chatroom.chat.world import World
from chatroom.irc.names import casefold


def check_lines(data: bytes) -> None:
    """Check that each line ends in CR LF, has no other line end, and has at most 512 bytes behind its tags."""
    assert data.endswith(b"\r\n")
    for line in data.split(b"\r\n")[:-1]:
        assert b"\r" not in line and b"\n" not in line and b"\0" not in line, line
        line.decode()
        rest = line.partition(b" ")[2] if line.startswith(b"@") else line
        assert rest, line
        assert len(rest) + 2 <= 512, line
        assert len(line) - len(rest) <= 8191, line
        words = rest.split(b" ", 3)
        verb = 1 if words[0].startswith(b":") else 0
        assert words[verb] != b"BATCH" or words[verb + 1][:1] in (b"+", b"-"), line


def check_invariants(world: World, *, knows_accounts: bool = True) -> None:
    """Check what must be true between ticks, whatever was said.

    ``knows_accounts`` is False for a node of a cluster: another one may have read of a changed account before.
    """
    for folded, user in world.users.items():
        assert folded == user.folded == casefold(user.nick)
        assert user.prefix == f"{user.nick}!{user.username}@{user.host}"
        assert len(set(user.sessions)) == len(user.sessions)
        # The plain way of a message relies on it that a user without a session is away.
        assert user.sessions or (user.away is not None and user.account is not None and user.account.always_on)
        for session in user.sessions:
            assert session.user is user and session.registration is None and not session.closing
            assert world.sessions.get(session.id) is session
        for channel in user.channels:
            assert user in channel.members and world.channels.get(channel.folded) is channel
        if user.account is not None:
            assert not user.account.disabled
            assert not knows_accounts or user.account == world.accounts.find_by_id(user.account.id)
    for number, session in world.sessions.items():
        assert session.id == number and not session.closing and not session.unread
        if session.user is None:
            assert session.registration is not None
        else:
            assert world.users.get(session.user.folded) is session.user and session in session.user.sessions
    _check_channels(world)
    present = list(world.users.values())
    accounts = {user.account.id for user in present if user.account is not None}
    assert {key: set(users) for key, users in world.online.by_account.items()} == {
        key: {user for user in present if user.account is not None and user.account.id == key} for key in accounts
    }
    assert set(world.online.account_data) >= accounts
    for user in present:
        assert user.account is None or user.account_data is world.online.account_data[user.account.id]
    assert set(world.online.operators) == {user for user in present if user.is_operator}
    opered = {session for user in present for session in user.sessions if session.oper is not None}
    assert set(world.online.opered) == opered
    for session in opered:
        assert session.oper is not None
        assert not knows_accounts or session.oper == world.accounts.find_by_id(session.oper.id)
        assert session.oper.role >= Role.MODERATOR and not session.oper.disabled
    assert world.online.invisible == sum(user.invisible for user in present)
    unregistered = [session for session in world.sessions.values() if session.registration is not None]
    assert list(world.online.unregistered) == unregistered
    assert world.online.most_users >= len(present)


def _check_channels(world: World) -> None:
    own = {session for session in world.sessions.values() if not isinstance(session, Shadow)}
    for folded, channel in world.channels.items():
        assert folded == channel.folded == casefold(channel.name)
        assert channel.members or channel.stored, f"{channel.name} is empty and not stored"
        for member in channel.members:
            assert channel in member.channels and world.users.get(member.folded) is member
        in_replay = world.outbox.replays.by_channel.get(channel, {})
        assert channel.sessions | in_replay.keys() == {
            session for member in channel.members for session in member.sessions if session in own
        }
        assert not channel.sessions & in_replay.keys()
    assert not world.outbox.logs
    assert world.outbox.replays.by_channel.keys() <= set(world.channels.values())
