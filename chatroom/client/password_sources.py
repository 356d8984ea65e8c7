"""Where the password of an account comes from if nobody types it: a program of the user, or the desktop's keyring.

``keyring`` is an optional package, and is imported only if the settings ask for it.
"""

from __future__ import annotations

from types import ModuleType

from chatroom.errors import PasswordUnavailable

_SERVICE = "chatroom"


def run_command(words: tuple[str, ...]) -> str:
    """Return the first line that a program prints. It may ask the user at the terminal. Raises ``PasswordUnavailable``.

    No shell reads the words, and nothing that the program prints is in an error.
    """
    import subprocess  # here, because most chats need no program

    program = words[0]
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, check=False)  # noqa: S603 - the user's own settings
    except OSError as error:
        raise PasswordUnavailable(f"password_command: cannot run {program}: {error.strerror}") from None
    if done.returncode != 0:
        how = f"exit code {done.returncode}" if done.returncode > 0 else f"signal {-done.returncode}"
        raise PasswordUnavailable(f"password_command: {program} ended with {how}")
    try:
        # utf-8-sig: a file from Windows, which the program may only copy, begins with a byte order mark.
        password = done.stdout.decode("utf-8-sig").split("\n", 1)[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise PasswordUnavailable(f"password_command: {program} printed no UTF-8 text") from None
    if not password:
        raise PasswordUnavailable(f"password_command: the first line that {program} printed is empty")
    return password


def find_in_keyring(account: str, server: str) -> str:
    """Return the password of an account from the keyring of the desktop; an empty text if it has none.

    ``server`` is an address with its port: another port may be another user's server. It may take long, for a desktop
    asks its user to unlock the keyring. Raises ``PasswordUnavailable``.
    """
    keyring = _load_keyring()
    try:
        found: object = keyring.get_password(_SERVICE, f"{account}@{server}")
    except Exception as error:  # each backend raises errors of its own
        raise PasswordUnavailable(_why(error)) from None
    if not isinstance(found, str | None):
        raise PasswordUnavailable(f"the keyring cannot be used: it has {type(found).__name__} instead of a text")
    return found or ""


def can_keep() -> bool:
    """True if ``keyring`` is installed, and the desktop has a keyring that it can use. It may take long."""
    try:
        import keyring

        return float(keyring.get_keyring().priority) > 0
    except Exception:  # what is not there, or broken, is not offered; each backend raises errors of its own
        return False


def keep_in_keyring(account: str, server: str, password: str) -> None:
    """Store the password of an account as ``find_in_keyring`` finds it. Raises ``PasswordUnavailable``."""
    keyring = _load_keyring()
    try:
        keyring.set_password(_SERVICE, f"{account}@{server}", password)
    except Exception as error:
        raise PasswordUnavailable(_why(error)) from None


def _why(error: Exception) -> str:
    # Some texts have further lines, with advice for programmers.
    text = (str(error).splitlines() or [""])[0].rstrip(".") or type(error).__name__
    return f"the keyring cannot be used: {text}"


def _load_keyring() -> ModuleType:
    try:
        import keyring
    except ImportError:
        raise PasswordUnavailable(
            "passwords.keyring is set, but keyring is not installed: pip install 'chatroom[keyring]'"
        ) from None
    return keyring
