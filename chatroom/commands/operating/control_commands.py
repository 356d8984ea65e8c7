"""The verbs of the control socket, which ``chatroomctl`` sends.

The socket speaks IRC. Its sessions have an admin's rights, but no nick: they are not users. Access is limited by the
file mode 0600 and by the uid of the peer.
"""

from __future__ import annotations

from chatroom.chat.admission.lockdown import Lockdown
from chatroom.chat.enforcement import find_absent
from chatroom.chat.people.session import ControlRights
from chatroom.commands.about.server_info import SOFTWARE
from chatroom.commands.command_table import When, command
from chatroom.commands.context import Context, printable
from chatroom.commands.operating.lockdown_command import explain_lockdown
from chatroom.commands.operating.login_delays import find_delayed
from chatroom.commands.pending import Pending
from chatroom.irc.framing import LINE_BYTES
from chatroom.irc.packing import pack_words


@command("ACTOR", "<name>", when=When.CONTROL)
def actor(context: Context, params: list[str]) -> Pending | None:
    """Names the shell user, for the audit."""
    control = context.session.control
    if control is not None:
        # The kernel knows only the uid. The name is the client's claim, but only root and our own user can connect.
        context.session.control = ControlRights(params[0][:64], control.role)
    return None


@command("STATUS", when=When.CONTROL)
def status(context: Context, params: list[str]) -> Pending | None:
    """Shows the state of the daemon."""
    world = context.world
    settings = world.settings
    places, counts = world.runtime.places(settings), world.runtime.counts
    values = {
        "version": SOFTWARE,
        "server": settings.server.name,
        "network": settings.server.network,
        "uptime_s": str((world.mono_ms - world.start_mono_ms) // 1000),
        "users": str(len(world.users)),
        "most_users": str(world.online.most_users),
        "sessions": str(len(world.own_sessions())),
        "unregistered": str(len(world.online.unregistered)),
        "connections": str(places.taken),
        "most_connections": "unlimited" if places.most is None else str(places.most),
        "channels": str(len(world.channels)),
        "accounts": str(len(world.accounts)),
        "bans": str(world.bans.count_in_force(world.wall_ms)),
        "filters": str(len(world.spam.filters)),
        "delayed_logins": str(len(find_delayed(world))),
        "logins": str(counts.logins_good),
        "failed_logins": str(counts.logins_bad),
        "refused_by_bans": str(counts.bans_hit),
        "history": world.ledger.failure or ("kept" if world.ledger.journal is not None else "not kept"),
        **world.runtime.facts(),
    }
    lockdown = world.lockdown.at(world.wall_ms)
    if lockdown is not Lockdown.OFF:
        values["lockdown"] = explain_lockdown(world)
    if world.runtime.waiting_for_restart:
        values["waits_for_restart"] = world.runtime.waiting_for_restart
    for key, value in values.items():
        context.note(key, text=value)
    return None


@command("SESSIONS", when=When.CONTROL)
def sessions(context: Context, params: list[str]) -> Pending | None:
    """Lists the sessions with their addresses, and in a cluster with their nodes."""
    # Each line has the same number of words, with "*" for a missing one, so that the client can split it by position.
    # A session that is not registered is known to its own node only.
    world = context.world
    for session in world.sessions.values():
        user = session.user
        if user is None:
            registration = session.registration
            name, account, role, channels = (registration.nick if registration else "") or "*", "*", "*", ["*"]
            username = "*"
        else:
            name, username = user.nick, user.username
            account = user.account_name or "*"
            role = session.rank.word if user.account is not None or session.oper is not None else "*"
            channels = [channel.name for channel in user.channels] or ["*"]
        idle_s = (world.mono_ms - (user.spoke_mono_ms if user is not None else session.opened_mono_ms)) // 1000
        address = printable(session.address_text)
        head = (
            f":{context.server} NOTE SESSIONS {session.id} {name} {username} {address} {account} {role} "
            f"{session.connected_ms // 1000} {idle_s} "
        )
        if node := world.node_of(session):
            head += f"{node} "
        # The channels of one session may need several lines.
        for line in pack_words(channels, ",", LINE_BYTES - len(head.encode())):
            context.say(head + line)
    return None


@command("ABSENT", when=When.CONTROL)
def absent(context: Context, params: list[str]) -> Pending | None:
    """Lists the users that are always on and not connected, with their last addresses."""
    for user in find_absent(context.world):
        address = printable(user.former_addresses[-1]) if user.former_addresses else "*"
        names = f"{user.nick} {user.username} {address} {user.account_name or '*'}"
        context.say(f":{context.server} NOTE ABSENT {names} {user.rank.word}")
    return None


@command("UNSTORED", when=When.CONTROL)
def unstored(context: Context, params: list[str]) -> Pending | None:
    """Lists the bans that act, and that the database refused so far."""
    for rule in context.world.bans.list_unstored():
        kind = "name" if rule.name is not None else "ip"
        moments = f"{rule.created_ms} {rule.until_ms}"
        # An address that begins with a colon would be the last parameter.
        context.say(
            f":{context.server} NOTE UNSTORED {kind} {printable(rule.target)} {rule.by} {moments} :{rule.reason}"
        )
    return None


@command("ANNOUNCE", "[<node>] <text>", when=When.CONTROL)
def announce(context: Context, params: list[str]) -> Pending | None:
    """Sends a notice from the server to all users, or to those that are connected to one node of a cluster."""
    world, by, text = context.world, context.actor, params[-1]
    node = params[0] if len(params) > 1 else ""
    if not text.strip():
        context.fail("EMPTY_TEXT", text="There is no text to announce")
        return None
    readers = [
        (session, user)
        for user in world.users.values()
        for session in user.sessions
        if not node or world.node_of(session) == node
    ]
    if node and not readers:
        context.fail("NO_SUCH_NODE", node, text=f"Nobody is connected to a node {printable(node)}")
        return None
    for event in world.outbox.notices(context.server, "*", text):  # the same for all, so rendered once
        for session, _ in readers:
            world.tell_event(session, event)
    to = f" to node {node}" if node else ""
    world.log_line(f"announced{to} by {by.name}: {text}")
    world.work.write(lambda stores: stores.audit.add(by, "announce", node or "*", text))
    count = len({user for _, user in readers}) if node else len(world.users)
    context.note("DONE", text=f"Sent to {count} {'user' if count == 1 else 'users'}")
    return None
