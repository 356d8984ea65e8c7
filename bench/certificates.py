"""The certificate that all measured servers with TLS have, so that each does the same work."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from chatroom.ctl.self_signed import make_self_signed


def write_pair(directory: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate and its key (P-256), and return their paths."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    for path, text in zip((certificate, key), make_self_signed(("localhost",), datetime.now(UTC), 30), strict=True):
        path.write_text(text)
        path.chmod(0o600)
    return certificate, key
