"""Logging in by SASL (AUTHENTICATE) and by OPER. Registering a name is in ``register``.

Source: IRCv3 SASL 3.1 and 3.2 (PLAIN, SCRAM-SHA-256, EXTERNAL); Modern IRC Client Protocol, "OPER message".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatroom.chat.account_notices import tell_of_certificate_login
from chatroom.chat.admission.sasl_exchange import EXTERNAL, PLAIN, SaslExchange, mechanisms
from chatroom.chat.admission.scram import KIND, ScramExchange, Verifier, read_verifier, unmatched_verifier
from chatroom.chat.operator_mode import operators_of
from chatroom.chat.stored.records import Account, AccountEntry, Role
from chatroom.commands.command_table import When, command
from chatroom.commands.connecting.login import (
    Attempt,
    check_password,
    end_after_failures,
    log_in,
    log_in_present,
    may_log_in,
    record_login,
    show_operator_mode,
)
from chatroom.commands.connecting.proven_accounts import Denied, admitted, know_account, with_known_account
from chatroom.commands.connecting.registration import advance, take_account
from chatroom.commands.context import Context
from chatroom.commands.pending import Pending
from chatroom.commands.presence.account_data import with_account_data
from chatroom.commands.rooms.rejoining import come_back
from chatroom.irc import caps, numerics
from chatroom.irc.names import casefold
from chatroom.irc.sasl import SaslFault, encode_response, parse_plain

if TYPE_CHECKING:
    from chatroom.chat.people.user import User
    from chatroom.chat.stored.stores import Stores

_FAILED = "SASL authentication failed"


@command("AUTHENTICATE", "<data>", when=When.ANY)
def authenticate(context: Context, params: list[str]) -> Pending | None:
    """Logs in to an account by SASL, with the mechanism PLAIN, SCRAM-SHA-256 or EXTERNAL."""
    session, data = context.session, params[0]
    registration = session.registration
    # A client in capability negotiation may authenticate without CAP REQ: some do.
    negotiates = registration is not None and registration.cap_open
    if not session.caps & caps.SASL and not negotiates:
        context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: negotiate the sasl capability first")
    elif session.sasl is not None:  # every further line is part of the open exchange, a mechanism's name too
        return _continue(context, session.sasl, data)
    elif data == "*":
        context.reply(numerics.ERR_SASLABORTED)
    else:
        offered = mechanisms(context.world.settings, certified=bool(session.certificate))
        if data.upper() in offered:
            session.sasl = SaslExchange(data.upper())
            context.say("AUTHENTICATE +")
        else:
            context.reply(numerics.RPL_SASLMECHS, ",".join(offered))
            why = "your connection shows no certificate" if data.upper() == EXTERNAL else "unknown mechanism"
            context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: {why}")
    return None


def _continue(context: Context, exchange: SaslExchange, data: str) -> Pending | None:
    response = exchange.buffer.feed(data)
    if response is None:
        return None
    if isinstance(response, SaslFault):
        context.session.sasl = None
        if response is SaslFault.ABORTED:
            context.reply(numerics.ERR_SASLABORTED)
        elif response is SaslFault.PIECE_TOO_LONG:
            _failed(context, Denied("", numerics.ERR_SASLTOOLONG))
        elif response is SaslFault.TOO_LONG:
            _failed(context, Denied("the response is too long"))
        else:
            _failed(context, Denied("the response is not base64"))
        return None
    if exchange.mechanism in (PLAIN, EXTERNAL):
        # One message is all of these. The session's next lines wait for the check, so none of them can be part of it.
        context.session.sasl = None
        return _plain(context, response) if exchange.mechanism == PLAIN else _external(context, response)
    if exchange.scram is None:
        return _scram_first(context, exchange, response)
    if exchange.proven is None:
        return _scram_final(context, exchange, exchange.scram, response)
    return _scram_end(context, exchange.proven, response)


def _plain(context: Context, response: bytes) -> Pending | None:
    login = parse_plain(response)
    if login is None:
        _failed(context, Denied("the response is not a valid PLAIN message"))
    elif login.authzid and casefold(login.authzid) != casefold(login.authcid):
        _failed(context, Denied("acting as another account is not supported"))
    else:
        return check_password(context, login.authcid, login.password, _checked)
    return None


def _external(context: Context, response: bytes) -> Pending | None:
    """Log in by the certificate of the session. The response is empty, or the name of the account."""
    certificate = context.session.certificate
    try:
        wanted = response.decode()
    except UnicodeDecodeError:
        _failed(context, Denied("the response is not UTF-8"))
        return None
    attempt = Attempt(context, wanted, guessable=False)
    if attempt.refusal is not None:
        _failed(context, attempt.refusal)
        return None

    # The store worker is asked, instead of a table in memory: a login is rare, and a certificate that was added or
    # removed a moment ago, here or from the shell, counts at once.
    def job(stores: Stores) -> Account | None:
        found = stores.client_certificates.find(certificate)
        return stores.accounts.find_by_id(found.account_id) if found is not None else None

    def then(context: Context, account: Account | None) -> Pending | None:
        if account is None:
            outcome = attempt.judge(context, None, f"no account has the certificate {certificate}")
        elif wanted and casefold(wanted) != casefold(account.name):
            outcome = attempt.judge(context, None, "the certificate is that of another account")
        else:
            know_account(context.world, account, context.session)
            outcome = attempt.judge(context, account)
        if not isinstance(outcome, Denied):
            record_login(context, outcome, certificate)
            tell_of_certificate_login(context.world, outcome.id, context.session)
            if context.session.registration is not None:
                context.session.registration.told_account_id = outcome.id
        return _checked(context, outcome)

    return Pending("store", job, then, attempt.delay_ms, reads=True)


# -- SCRAM. A worker handles each message of the client. Unknown names take the same steps as known ones. -------------


def _scram_first(context: Context, exchange: SaslExchange, response: bytes) -> Pending:
    # Not an ``Attempt`` yet: the first message names the account, and proves nothing.
    iterations = context.world.settings.accounts.scram_iterations

    def job(stores: Stores) -> tuple[ScramExchange, bytes | None, Account | None]:
        account: Account | None = None

        def find(name: str) -> Verifier:
            nonlocal account
            account, verifiers = stores.accounts.find_with_credentials(name)
            # An unknown name gets a salt that depends on the name and on a secret, so it looks like a known one.
            return read_verifier(verifiers.get(KIND)) or unmatched_verifier(
                name, stores.server_key("scram"), iterations
            )

        scram = ScramExchange()
        answer = scram.begin(response, find)
        return scram, answer, account

    def then(context: Context, begun: tuple[ScramExchange, bytes | None, Account | None]) -> None:
        scram, answer, account = begun
        if answer is None:
            _failed(context, Denied("the response is not a valid SCRAM message"))
        else:
            exchange.scram, exchange.named = scram, account
            _challenge(context, answer)

    return Pending("password", job, then, reads=True)


def _scram_final(context: Context, exchange: SaslExchange, scram: ScramExchange, response: bytes) -> Pending | None:
    attempt = Attempt(context, scram.name)
    if attempt.refusal is not None:
        _failed(context, attempt.refusal)
        return None

    def job(stores: Stores) -> bytes | None:
        return scram.finish(response)

    def then(context: Context, proof: bytes | None) -> Pending | None:
        def conclude(context: Context, proven: Account | None) -> None:
            outcome = attempt.judge(context, proven)
            if isinstance(outcome, Denied):
                _failed(context, outcome)
            else:
                exchange.proven = outcome
                _challenge(context, proof or b"")

        return with_known_account(context, exchange.named if proof is not None else None, conclude)

    def put_off(context: Context) -> None:
        _failed(context, attempt.put_off(context))

    return Pending("password", job, then, attempt.delay_ms, if_overloaded=put_off)


def _scram_end(context: Context, proven: AccountEntry, response: bytes) -> Pending | None:
    # The client has checked the server's proof and sends an empty response. Time has passed: ``admitted`` looks whether
    # the account may still log in. The try was counted and judged in ``_scram_final``.
    context.session.sasl = None
    if response:
        _failed(context, Denied("the exchange is already over"))
        return None
    outcome = admitted(context.world, proven)
    if not isinstance(outcome, Denied):
        record_login(context, outcome)
    return _checked(context, outcome)


def _challenge(context: Context, message: bytes) -> None:
    for piece in encode_response(message):
        context.say(f"AUTHENTICATE {piece}")


# -- the end of every mechanism --------------------------------------------------------------------------------------


def _checked(context: Context, account: AccountEntry | Denied) -> Pending | None:
    if isinstance(account, Denied):
        _failed(context, account)
        return None
    user = context.session.user
    if user is None:
        take_account(context, account)
        context.reply(numerics.RPL_SASLSUCCESS)
        return advance(context)
    return log_in_present(context, account, _failed, _refuse_another_account, _logged_in)


def _refuse_another_account(context: Context) -> None:
    context.reply(numerics.ERR_SASLALREADY)


def _logged_in(context: Context) -> None:
    context.reply(numerics.RPL_SASLSUCCESS)


def _failed(context: Context, denied: Denied) -> None:
    session = context.session
    session.sasl = None
    if denied.numeric == numerics.ERR_SASLTOOLONG:
        context.reply(numerics.ERR_SASLTOOLONG)
    else:
        context.reply(numerics.ERR_SASLFAIL, text=f"{_FAILED}: {denied.why}")
    end_after_failures(context)


@command("OPER", "<account> <password>")
def oper(context: Context, params: list[str]) -> Pending | None:
    """Gives this connection the rights of an admin or a moderator, by the password of their account.

    It also logs you in to the account, if you are not logged in.
    """
    return check_password(context, params[0], params[1], _oper_checked)


def _oper_checked(context: Context, account: AccountEntry | Denied) -> Pending | None:
    user = context.session.user
    if isinstance(account, Denied):
        _refuse_oper(context, account)
    elif user is not None and account.role >= Role.MODERATOR and _oper_logs_in(user, account):
        return with_account_data(context, account, lambda context: _become_operator(context, account))
    else:
        return _become_operator(context, account)
    return None


def _oper_logs_in(user: User, account: AccountEntry) -> bool:
    """True if OPER logs the user in. A user that has an account keeps it: it has their read markers and metadata."""
    return may_log_in(user, account) and (user.account is None or user.account.id == account.id)


def _become_operator(context: Context, account: AccountEntry) -> Pending | None:
    # Looked up again, because the account may have changed while its data were read.
    user, known = context.session.user, admitted(context.world, account)
    is_new = False
    if user is None:
        return None
    if isinstance(known, Denied):
        _refuse_oper(context, known)
    elif known.role < Role.MODERATOR:
        context.reply(numerics.ERR_NOOPERHOST, text=f"{known.name} is not the account of an admin or a moderator")
    else:
        if _oper_logs_in(user, known):
            is_new = log_in(context, user, known)
        else:
            before, online = operators_of(user), context.world.online
            online.set_oper(user, context.session, known)
            online.step_up(user, context.session)
            show_operator_mode(context, user, before)
        context.reply(numerics.RPL_YOUREOPER)
    return come_back(context) if is_new else None


def _refuse_oper(context: Context, denied: Denied) -> None:
    if denied.numeric == numerics.ERR_PASSWDMISMATCH:
        context.reply(denied.numeric, text=denied.sentence)
    elif denied.numeric == numerics.RPL_TRYAGAIN:
        context.reply(denied.numeric, "OPER", text=denied.why)
    else:  # not 465, which tells the client that its session is over
        context.reply(numerics.ERR_NOOPERHOST, text=denied.sentence)
