"""Which hooks can be made."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from chatroom.chat.stored.hook_records import HOOK_EVENT_KINDS, NewHook
from chatroom.errors import InvalidName, InvalidValue
from chatroom.irc.names import RELAY_SEPARATOR, is_channel, is_relayed_nick

URL_BYTES = 1000
PREFIX_BYTES = 100
NAME_BYTES = 60
SIGN = "hook"
"""What stands behind the slash in the nick of an incoming hook."""


def nick_of(name: str) -> str:
    """The nick under which an incoming hook speaks. No user's nick has a slash, so it is taken for nobody."""
    return f"{name}{RELAY_SEPARATOR}{SIGN}"


def make_outgoing(
    channel: str,
    url: str,
    *,
    name: str = "",
    events: Sequence[str] = (),
    prefix: str = "",
    mention: str = "",
    hears_hooks: bool = False,
) -> NewHook:
    """Return a hook that sends to a URL. Raises ``InvalidName`` and ``InvalidValue``.

    Without ``events`` it sends messages. The address may be any, also one of the own network: only admins make hooks.
    """
    _require_channel(channel)
    _require_url(url)
    for what, text, most in (
        ("name", name, NAME_BYTES),
        ("prefix", prefix, PREFIX_BYTES),
        ("name", mention, NAME_BYTES),
    ):
        if len(text.encode(errors="replace")) > most or not text.isprintable():
            raise InvalidValue(f"a {what} has at most {most} bytes, and no control characters")
    kinds = tuple(kind for kind in HOOK_EVENT_KINDS if kind in (events or ("message",)))
    if len(kinds) < len(set(events)):
        raise InvalidValue(f"the events are {', '.join(HOOK_EVENT_KINDS)}")
    if (prefix or mention) and not {"message", "notice"} & set(kinds):
        raise InvalidValue("a prefix and a mention are of messages and notices, and the hook sends neither")
    return NewHook(channel, name, url, kinds, prefix, mention, hears_hooks)


def make_incoming(channel: str, name: str) -> NewHook:
    """Return a hook that says something in a channel under the nick ``NAME/hook``. Raises ``InvalidName``."""
    _require_channel(channel)
    if RELAY_SEPARATOR in name or not name or not is_relayed_nick(nick_of(name)):
        raise InvalidName("the name of an incoming hook has letters, digits and hyphens, such as ci")
    return NewHook(channel, name)


def _require_channel(channel: str) -> None:
    if not is_channel(channel):
        raise InvalidName(f"{channel!r} is no valid channel name; one begins with #")


def _require_url(url: str) -> None:
    fault = "a hook's URL begins with http:// or https:// and names a host"
    if len(url) > URL_BYTES:
        raise InvalidValue(f"a hook's URL has at most {URL_BYTES} characters")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidValue("a hook's URL has ASCII characters only, and no spaces: encode the others")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is no number
    except ValueError:
        raise InvalidValue(fault) from None
    host = parts.hostname or ""
    # As DNS has it: a part is not empty and has at most 63 bytes. A dot at the end is one.
    is_name = all(0 < len(part) < 64 for part in host.removesuffix(".").split("."))
    if parts.scheme not in ("http", "https") or not is_name:
        raise InvalidValue(fault)
    if parts.username is not None:
        raise InvalidValue("a hook's URL has no user and password: the receiver knows the server by the signature")
