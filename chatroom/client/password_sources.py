"""The password of an account from a program of the user, such as a password manager."""

from __future__ import annotations

from chatroom.errors import PasswordUnavailable


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
        password = done.stdout.decode().split("\n", 1)[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise PasswordUnavailable(f"password_command: {program} printed no UTF-8 text") from None
    if not password:
        raise PasswordUnavailable(f"password_command: the first line that {program} printed is empty")
    return password
