"""A socket with TLS that a connection uses like a plain one.

pyOpenSSL, and not the standard library's ``ssl``: an IRC client's certificate is mostly self-signed and known by its
fingerprint only, and ``ssl`` cannot ask for a certificate without refusing those that no authority has signed.
"""

from __future__ import annotations

import contextlib
import select
import socket

from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL

_WAIT = (SSL.WantReadError, SSL.WantWriteError, SSL.WantX509LookupError)


class TlsSocket:
    """The server's end of a TLS connection over a non-blocking socket, which it owns.

    One thread at a time uses it: first the one that does the handshake, then the one that owns the connection.
    """

    __slots__ = ("_socket", "_tls")

    def __init__(self, sock: socket.SocketType, context: SSL.Context) -> None:
        self._socket = sock
        self._tls = SSL.Connection(context, sock)  # type: ignore[arg-type]  # any with a descriptor
        self._tls.set_accept_state()

    def fileno(self) -> int:
        """The descriptor, for epoll."""
        return self._socket.fileno()

    def handshake(self) -> int | None:
        """Go on with the handshake. Return the epoll event to wait for, or None if it is done.

        Raises ``OSError`` with the reason if it failed.
        """
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return select.EPOLLIN
        except SSL.WantWriteError:
            return select.EPOLLOUT
        except SSL.SysCallError:
            raise ConnectionError("the client left during the TLS handshake") from None
        except SSL.Error as error:
            raise ConnectionError(f"TLS handshake failed: {reason(error)}") from None
        return None

    def client_fingerprint(self) -> str:
        """The SHA-256 fingerprint of the client's certificate, 64 hexadecimal digits; empty if it has none.

        The handshake has proved that the client has the certificate's private key. Nothing else of it is checked.
        """
        certificate = self._tls.get_peer_certificate(as_cryptography=True)
        return "" if certificate is None else certificate.fingerprint(SHA256()).hex()

    def recv(self, size: int, /) -> bytes:
        """Return what has come; nothing at the end, with or without the peer's closing alert.

        It is more than ``size`` if the record is longer: OpenSSL takes a whole record from the socket, so epoll would
        not report the rest.
        """
        try:
            data = self._tls.recv(size)
            if len(data) == size and self._tls.pending():
                data += self._tls.recv(self._tls.pending())
            return data
        except _WAIT:
            raise BlockingIOError from None
        except SSL.ZeroReturnError:
            return b""
        except SSL.SysCallError as error:
            if error.args and error.args[0] > 0:
                raise OSError(error.args[0], str(error.args[-1])) from None
            return b""
        except SSL.Error as error:
            raise OSError(0, f"TLS error: {reason(error)}") from None

    def send(self, data: bytes, /) -> int:
        """Encrypt and send the beginning of the data; return how many bytes were taken."""
        try:
            return self._tls.send(data)
        except _WAIT:
            raise BlockingIOError from None
        except SSL.SysCallError as error:
            number = error.args[0] if error.args and error.args[0] > 0 else 0
            raise OSError(number, str(error.args[-1]) if error.args else "Connection lost") from None
        except SSL.Error as error:
            raise OSError(0, f"TLS error: {reason(error)}") from None

    def shutdown(self, how: int, /) -> None:
        """Send the closing alert, and say that nothing more is sent. Raises ``OSError`` if the peer is gone."""
        with contextlib.suppress(SSL.Error):
            self._tls.shutdown()
        self._socket.shutdown(how)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()


def reason(error: SSL.Error) -> str:
    """Return OpenSSL's reason in words."""
    # An error is a list of (library, function, reason), the last one is the most specific.
    details = error.args[0] if error.args else ()
    return str(details[-1][-1]) if isinstance(details, list | tuple) and details and details[-1] else "unknown reason"
