"""What looks like a password in a Compose file, and the name of the secret that replaces it."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?:^|_)(?:PASS|PASSWD|PASSWORD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|PRIVATE|SECRET)_?KEY)"
    r"(?:_|$)",
    re.IGNORECASE,
)
_LOGIN_IN_URL = re.compile(r"://[^:/@\s]*:[^@/\s]+@")


def looks_secret(name: str, value: object) -> bool:
    """Whether an environment variable holds a password by its name, or by a login inside a URL.

    ``*_FILE`` names a path, and an empty value hides nothing.
    """
    if name.upper().endswith("_FILE") or value in (None, ""):
        return False
    return bool(_NAME.search(name)) or (isinstance(value, str) and bool(_LOGIN_IN_URL.search(value)))


def name_of(text: str) -> str:
    """A name of the language (a DNS label) made of any text; never empty."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return label or "app"
