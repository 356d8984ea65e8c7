"""Registration: the checks when NICK and USER are there and CAP is closed, and what a new user is sent.

Clients send NICK before they authenticate. So the server judges a nick here, when registration would complete, and not
when it is sent. Each line that may complete registration (NICK, USER, PASS, CAP END, a login) calls ``advance``, which
tries from the start. The order of the checks is in ``docs/protocol.md``.

Source: Modern IRC Client Protocol, "Connection Registration".
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from chatroom.chat.admission.ban_table import describe
from chatroom.chat.admission.flood import limit_key
from chatroom.chat.always_on import find_alone
from chatroom.chat.people.user import ABSENT, NO_DEVICE, User
from chatroom.chat.stored.records import Account, AccountEntry
from chatroom.commands.connecting.listed_addresses import ask_lists, turn_away_listed
from chatroom.commands.connecting.login import check_password
from chatroom.commands.connecting.nick_refusals import holder_refusal, may_join, may_share
from chatroom.commands.connecting.proven_accounts import Denied, know_account
from chatroom.commands.connecting.strangers import turn_away_stranger
from chatroom.commands.connecting.welcome_burst import welcome
from chatroom.commands.context import Context
from chatroom.commands.long_answers import in_pieces
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.presence.away_and_ison import set_away
from chatroom.commands.presence.metadata_push import tell_watchers
from chatroom.commands.rooms.further_device import show_channels
from chatroom.commands.rooms.invitations import let_in
from chatroom.commands.rooms.joining import enter, show_channel
from chatroom.commands.rooms.rejoining import come_back, welcome_back
from chatroom.commands.rooms.throttles import refuse_throttled_join
from chatroom.commands.spam_checks import find_name_refusal
from chatroom.irc import numerics
from chatroom.irc.names import casefold

if TYPE_CHECKING:
    from chatroom.chat.people.channel import Channel
    from chatroom.chat.people.session import Registration, Session
    from chatroom.chat.world import World


def advance(context: Context) -> Pending | None:
    """Complete the session's registration if nothing is missing. Refuse it if a check fails.

    Returns what it must wait for, if a password has to be checked or account data to be read.
    """
    session = context.session
    registration = session.registration
    if registration is None or session.closing or registration.cap_open:
        return None
    if not registration.nick or not registration.username:
        return None
    if registration.passwords:
        pending = _use_passwords(context, registration)
        if pending is not None or context.session.closing:  # written so, mypy does not take it for known from above
            return pending
    account, settings = registration.account, context.world.settings
    if account is not None:
        account = registration.account = _account_now(context, account)
    # Reading account data is a job for a worker. When it is done, registration is tried again from the start.
    if account is not None and account.id not in context.world.online.account_data:
        return with_account_data(context, account, advance)
    if settings.server.password and not registration.server_password_given:
        _refuse_login(context, Denied("this server needs a password, send it by PASS"))
        return None
    pending = ask_lists(context, account, advance) if settings.dnsbl.zones else None
    folded = casefold(registration.nick)
    if pending is None and _may_enter(context, registration, folded, account):
        return _complete(context, registration, folded)
    return pending


def _account_now(context: Context, account: AccountEntry) -> AccountEntry | None:
    """The account as it is now: its role may have changed since the login. None if it is disabled or deleted."""
    known = context.world.accounts.find_by_id(account.id)
    return None if known is None or known.disabled else known


def _may_enter(context: Context, registration: Registration, folded: str, account: AccountEntry | None) -> bool:
    """True if the session may become a user of its nick. Otherwise refuse it, and close it if it may not stay."""
    world, session, nick = context.world, context.session, registration.nick
    is_banned = world.bans.find_address(session.version, session.address, world.wall_ms) is not None
    if (is_banned and turn_away_banned(context)) or (registration.listing and turn_away_listed(context, nick, account)):
        return False
    # The name of the account too: it may be banned while the nick is another.
    rule, name = world.bans.find_name(folded, world.wall_ms), nick
    if rule is None and account is not None:
        rule, name = world.bans.find_name(casefold(account.name), world.wall_ms), account.name
    if rule is not None:
        refuse_banned(context, describe(rule, context.world.bans.zone), name)
        return False
    refusal = holder_refusal(context, nick, folded, account)
    if refusal is not None and not may_share(context, nick, account):
        numeric, code, text = refusal
        # The connection stays open, so that the client can log in or choose another nick.
        context.reply(numeric, nick, text=text)
        if not code:
            registration.refused_nick = nick
        if code:
            is_free = code == "NICK_RESERVED" and world.accounts.find(nick) is None
            why = "reserved for the server" if is_free else "registered, no password yet"
            world.log_line(f"refused {nick} from {session.address_text}: {why}", at=(__name__, "nick"))
            # A FAIL names the verb that is refused. The line that led here may be another, such as CAP END.
            context.verb = "NICK"
            context.fail(code, nick, text=text)
        return False
    if turn_away_stranger(context, nick, account):
        return False
    return not world.spam.is_on or not _turn_away_spammer(context, registration)


def _turn_away_spammer(context: Context, registration: Registration) -> bool:
    """Close the session if a spam filter matches its nick or its real name. True if one does."""
    world, nick = context.world, registration.nick
    why = find_name_refusal(context, nick, registration.realname)
    if why:
        context.reply(numerics.ERR_YOUREBANNEDCREEP, text=f"You may not enter: {why}")
        world.log_line(f"refused {nick} from {context.session.address_text}: a spam filter", at=(__name__, "spam"))
        world.close(context.session, f"You may not enter: {why}")
    return bool(why)


def refuse_banned(context: Context, why: str, name: str = "") -> None:
    """Close a banned session. It reads ``why``, which has the reason and the end of the ban.

    ``name`` is for the log: the nick or account that is banned, if it is not the address.
    """
    world, session = context.world, context.session
    context.reply(numerics.ERR_YOUREBANNEDCREEP, text=f"You are {why}")
    world.runtime.counts.bans_hit += 1
    world.log_line(f"refused {name + ' from ' if name else ''}{session.address_text}: {why}", at=(__name__, "banned"))
    world.close(session, f"You are {why}")


def _use_passwords(context: Context, registration: Registration) -> Pending | None:
    """Use the passwords of PASS: each is the server's, an account's, or of no use.

    ``account:password`` always names the account. Without a colon it is the server's password, if the server has one,
    and otherwise the password of the account with the name of the nick.
    """
    server_password = context.world.settings.server.password
    while registration.passwords:
        given = registration.passwords.pop(0)
        # Before the colon is looked at, because the server's password may have one.
        if server_password and hmac.compare_digest(given.encode(), server_password.encode()):
            registration.server_password_given = True
            continue
        name, colon, password = given.partition(":")
        if not colon and server_password:
            if registration.passwords:
                continue  # a wrong one may be followed by the right one: the last one counts
            if not registration.server_password_given:
                _refuse_login(context, Denied("wrong server password"))
            return None
        if not colon:
            name, password = registration.nick, given
            if context.world.accounts.find(name) is None:
                return _look_for_account(name, password)
        if registration.account is None:
            return check_password(context, name, password, _password_checked)
    return None


def _look_for_account(name: str, password: str) -> Pending:
    """Look in the store for an account that the shell made a moment ago. If there is none, ignore the password.

    Many clients always send a password. Without an account of that name it is not an error.
    """

    def then(context: Context, account: Account | None) -> Pending | None:
        if account is None:
            return advance(context)
        know_account(context.world, account)
        return check_password(context, name, password, _password_checked)

    return Pending("store", lambda stores: stores.accounts.find(name), then, reads=True)


def _password_checked(context: Context, account: AccountEntry | Denied) -> Pending | None:
    if isinstance(account, Denied):
        _refuse_login(context, account)
        return None
    take_account(context, account)
    return advance(context)


def _refuse_login(context: Context, denied: Denied) -> None:
    """Close a session that gave a wrong password, or may not log in with the right one."""
    why, session = denied.why, context.session
    if denied.numeric == numerics.RPL_TRYAGAIN:
        context.reply(denied.numeric, "PASS", text=why)
    else:
        why = denied.sentence
        context.reply(denied.numeric, text=why)
    context.world.log_line(f"refused {session.address_text}: {denied.why}", at=(__name__, "login"))
    context.world.close(session, why)


def take_account(context: Context, account: AccountEntry) -> None:
    """Log in a session that is not registered yet. It reads 900."""
    registration = context.session.registration
    if registration is None:
        return
    if registration.account != account:
        context.world.online.forget_unused_data(registration.account)
    registration.account = account
    nick = registration.nick or "*"
    mask = f"{nick}!{registration.username or '*'}@{context.session.host}"
    context.reply(numerics.RPL_LOGGEDIN, mask, account.name, text=f"You are now logged in as {account.name}")


def _complete(context: Context, registration: Registration, folded: str) -> Pending | None:
    world, session = context.world, context.session
    # IRCv3 SASL: an exchange that is not over when registration completes is aborted.
    if session.sasl is not None:
        session.sasl = None
        context.reply(numerics.ERR_SASLABORTED)
    session.registration = None
    del world.online.unregistered[session]
    account = registration.account
    other = world.users.get(folded)
    if other is None and account is not None:
        other = _take_alone(context, registration.nick, account)
    if other is not None:
        if account is None or account.id != registration.told_account_id:
            _tell_of_device(context, other)
        return _attach(context, other, registration.away)
    user = world.user_kind(
        registration.nick,
        registration.username,
        registration.realname,
        session.host,
        session,
        world.wall_ms,
        world.mono_ms,
    )
    if account is not None:
        user.account = account
    user.away = registration.away
    if registration.account_data is not None:
        user.account_data = registration.account_data
    world.add_user(user)
    if account is not None:
        # Before the replays: the client can say that it is a bot only after 001, which is too late for them.
        user.bot = user.account_data.is_bot
        world.whereabouts.arrive(user, None, world.wall_ms)
        world.whereabouts.save_user(user)
    if user.has_account_data:
        tell_watchers(world, user)
    # Clients take nothing before 001 for a sign that they are registered, so the welcome comes before the joins.
    _welcome(context, user, "joined")
    for name in world.settings.channels.autojoin:
        channel = world.find_channel(name)
        if channel is not None and channel not in user.channels:
            _autojoin(context, channel)
    if registration.channel:
        let_in(context, user, registration.channel)
    return come_back(context) if account is not None else None


def _take_alone(context: Context, nick: str, account: AccountEntry) -> User | None:
    """Return the account's user without a device, which becomes the session's and takes its nick; None if none may."""
    alone = find_alone(context.world, account.id)
    if alone is None or not may_join(context, account, alone):
        return None
    # A user that is banned or muted in a channel keeps its nick there, as with NICK.
    bound = [channel for channel in alone.channels if channel.lists and not channel.members[alone]]
    if not any(channel.is_silenced(alone) for channel in bound):
        context.world.rename(alone, nick)
    return alone


def _autojoin(context: Context, channel: Channel) -> None:
    refusal = None
    if channel.excludes(context.user):
        refusal = numerics.ERR_SECUREONLYCHAN
    elif channel.join_throttle is not None:
        refusal = refuse_throttled_join(context, channel)
    if refusal is None:
        enter(context, channel)
    else:
        context.reply(refusal, channel.name)


def _attach(context: Context, user: User, away: str | None) -> Pending | None:
    """Add the session to a user that is connected already: it gets the same nick and channels.

    ``away`` is what the session said by AWAY. The user is back, or away with that text, unless the session said ``*``:
    then no person is at the device (IRCv3 draft/pre-away), and nothing changes.
    """
    session, was_alone = context.session, not user.sessions
    # Messages of this tick from before are not for this session.
    context.world.outbox.settle(session)
    session.user = user
    context.world.online.add_session(user, session)
    _welcome(context, user, "joined by one more device")
    if was_alone:
        for channel in user.channels:
            channel.sessions.add(session)
            show_channel(context, channel, joined=True)
        welcome_back(context)
    if away != ABSENT and (away is not None or user.away in (ABSENT, NO_DEVICE)):
        set_away(context, user, away)
    return None if was_alone else in_pieces(context, show_channels(context))


def _tell_of_device(context: Context, user: User) -> None:
    """Tell the user's sessions of one more, unless it comes from where one of them is."""
    session = context.session
    key = limit_key(session.version, session.address)
    if user.sessions and all(limit_key(other.version, other.address) != key for other in user.sessions):
        text = f"One more device has logged in to your account, from {session.address_text}. If it is not yours, change"
        context.world.tell_notice(user, f"{text} the password: /msg NickServ SET PASSWORD")


def _welcome(context: Context, user: User, what: str) -> None:
    account = f", account {user.account_name}" if user.account is not None else ""
    context.world.log_line(
        f"{what}: {user.nick} from {context.session.address_text}{account}", at=(__name__, "welcome")
    )
    welcome(context)


def start(world: World, session: Session) -> None:
    """Add a new connection to the world, and close it at once if its address is banned.

    The address of a trusted gateway is judged later, in ``advance``, and only if the gateway gives no user's address.
    """
    world.sessions[session.id] = session
    world.online.unregistered[session] = None
    gateways = world.settings.webirc
    if gateways.password and gateways.trusts(session.version, session.address):
        return
    if world.bans.find_address(session.version, session.address, world.wall_ms) is not None:
        turn_away_banned(Context(world, session, ""))


def turn_away_banned(context: Context) -> bool:
    """Close the session if its address is banned. True if it is."""
    world, session = context.world, context.session
    rule = world.bans.find_address(session.version, session.address, world.wall_ms)
    if rule is not None:
        refuse_banned(context, describe(rule, context.world.bans.zone))
    return rule is not None
