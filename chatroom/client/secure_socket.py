"""Connections with TLS.

Only a link that needs TLS imports this module: loading ``ssl`` takes a while.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl

from chatroom.client.address import Address
from chatroom.client.trust import Trust, Untrusted
from chatroom.plain_file import require_plain

# OpenSSL's codes of why it did not verify a certificate (X509_V_ERR_...).
_WHY_UNTRUSTED = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is self-signed",
    19: "its certificate is signed by an unknown authority",
    20: "its certificate is signed by an unknown authority",
    21: "its certificate is signed by an unknown authority",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}
_WHY_FAILED = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS on this port",
    "RECORD_LAYER_FAILURE": "the server does not speak TLS on this port",
    "UNSUPPORTED_PROTOCOL": "the server speaks only versions of TLS that are no longer safe",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server speaks only versions of TLS that are no longer safe",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "the server wants a certificate: name one with --certificate",
}


class SecureSocket:
    """A socket with TLS that a link uses like a plain, non-blocking one. One thread uses it."""

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self._tls = tls

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._tls.fileno()

    def setblocking(self, flag: bool, /) -> None:
        """Make it blocking or not."""
        self._tls.setblocking(flag)

    def recv(self, size: int, /) -> bytes:
        """Return what has come; nothing at the end, with or without the server's closing alert.

        OpenSSL reads one record at a time and ``size`` must be larger than a record (16 KB), so nothing that came waits
        here unseen by a selector.
        """
        try:
            return self._tls.recv(size)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            raise ConnectionError(_describe(error)) from None

    def send(self, data: bytes | bytearray, /) -> int:
        """Encrypt and send the beginning of the data, and return how many bytes were taken.

        After a ``BlockingIOError`` the next call must have the same bytes at the beginning of its data.
        """
        try:
            return self._tls.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            raise BrokenPipeError from None
        except ssl.SSLError as error:
            raise ConnectionError(_describe(error)) from None

    def close(self) -> None:
        """Send the closing alert if that is possible at once, and close the socket."""
        with contextlib.suppress(OSError, ValueError):
            self._tls.unwrap()
        self._tls.close()


def connect(address: Address, trust: Trust, timeout_s: float) -> SecureSocket:
    """Connect and do the handshake, each within ``timeout_s`` seconds. The socket blocks at first.

    Raises ``Untrusted``, or ``OSError`` for everything else that goes wrong.
    """
    try:
        tls = _shake_hands(address, _make_context(trust), timeout_s)
    except ssl.SSLCertVerificationError as error:
        why = _WHY_UNTRUSTED.get(error.verify_code, f"its certificate cannot be verified ({error.verify_message})")
        raise Untrusted(why, _look(address, timeout_s)) from None
    found = _fingerprint(tls)
    if trust.fingerprint and found != trust.fingerprint:
        tls.close()
        raise Untrusted("its certificate is another one", found)
    return SecureSocket(tls)


def check_files(trust: Trust) -> None:
    """Raise ``OSError`` with a clear text if a file of ``trust`` cannot be used."""
    _make_context(trust)


def _make_context(trust: Trust) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["irc"])
    if trust.fingerprint:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif trust.authorities:
        # The file may hold the server's own certificate, or an authority below the root.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            require_plain(trust.authorities)
            context.load_verify_locations(trust.authorities)
        except ssl.SSLError:
            raise OSError(f"{trust.authorities}: no certificate in PEM") from None
        except OSError as error:
            raise OSError(f"{trust.authorities}: {error.strerror}") from None
    else:
        context.load_default_certs()
    if trust.certificate:
        _load_own(context, trust)
    return context


def _load_own(context: ssl.SSLContext, trust: Trust) -> None:
    files = [trust.certificate, *([trust.key] if trust.key else [])]
    for file in files:  # the error of OpenSSL does not name the file
        try:
            require_plain(file)
        except OSError as error:
            raise OSError(f"{file}: {error.strerror}") from None
    asked = []

    def no_password() -> bytes:
        # Without this OpenSSL would ask at the terminal, in the middle of the chat.
        asked.append(True)
        return b""

    try:
        context.load_cert_chain(trust.certificate, trust.key or None, no_password)
    except ssl.SSLError:
        named = " and ".join(files)
        if asked:
            raise OSError(f"{files[-1]}: the key has a password; chatroom needs one without") from None
        raise OSError(f"{named}: no certificate in PEM with its key (--key names the file of the key)") from None


def _shake_hands(address: Address, context: ssl.SSLContext, timeout_s: float) -> ssl.SSLSocket:
    sock = socket.create_connection(address[:2], timeout=timeout_s)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as in link
        # A zone, as in fe80::1%eth0, is no part of the name.
        return context.wrap_socket(sock, server_hostname=address.host.partition("%")[0])
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLEOFError:
        raise ConnectionError("the server hung up during the TLS handshake") from None
    except ssl.SSLError as error:
        raise ConnectionError(_describe(error)) from None
    except ConnectionResetError:
        raise ConnectionError("the server hung up during the TLS handshake") from None
    except ValueError:  # a name that cannot stand in a certificate
        raise ConnectionError("that is not a valid host name") from None
    finally:
        sock.close()  # wrap_socket has taken its descriptor; after a failure before that it is still here


def _look(address: Address, timeout_s: float) -> str:
    """Return the fingerprint of a certificate that was not verified; empty if the server does not show it again.

    It makes a second connection, because ``ssl`` tells nothing of a certificate that it has refused.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["irc"])
    try:
        tls = _shake_hands(address, context, timeout_s)
    except OSError:
        return ""
    with tls:
        return _fingerprint(tls)


def _fingerprint(tls: ssl.SSLSocket) -> str:
    certificate = tls.getpeercert(binary_form=True)
    return "" if certificate is None else hashlib.sha256(certificate).hexdigest()


def _describe(error: ssl.SSLError) -> str:
    reason = error.reason or ""
    return _WHY_FAILED.get(reason) or f"TLS failed: {reason.replace('_', ' ').lower() or 'unknown reason'}"
