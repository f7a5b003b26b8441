"""Who types a command, as far as this machine can tell: shown to others, and never believed."""

from __future__ import annotations

import getpass
import os
import socket


def person() -> str:
    """``user@host``; of who became root by sudo the name that they have otherwise."""
    try:
        user = os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
