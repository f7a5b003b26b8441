"""What looks like a password in a Compose file, and the name of the secret that replaces it."""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(
    r"(?:^|[_.-])(?:PASS|PASSWD|PASSWORD|PWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|SALT|HTPASSWD|USERS_PASSWORDS?"
    r"|PASSWORD_HASH|(?:API|ACCESS|PRIVATE|SECRET|ENCRYPTION|AUTH|APP|FERNET|SIGNING|LICENSE|MASTER|JWT|ADMIN"
    r"|LOGGED_IN|NONCE|COOKIE|SESSION|DEPLOY|SERVICE_ROLE|ANON|PRIMARY|DETERMINISTIC)_?KEY)"
    r"(?:_BASE|_VALUE|_?[0-9]{1,2})?$|(?:PASSWORD|PASSWD|SECRET)$",
    re.IGNORECASE,
)
_SWITCH: Final = re.compile(r"(?i)true|false|yes|no|on|off|none|null|disabled?|enabled?|[0-9]{1,3}|")
LOGIN_IN_URL: Final = re.compile(r"(?P<before>://[^:/@\s]*:)(?P<password>[^@/\s]+)(?=@)")
_WORD_IN_COMMAND: Final = re.compile(
    r"(?i)^-{1,2}(?:[a-z0-9-]*-)?(?:requirepass|masterauth|pass|passwd|password|secret|token|api-?key|auth-?key)$"
)


def looks_secret(name: str, value: object) -> bool:
    """Whether a variable holds a password by its name.

    ``*_FILE`` names a path, an empty value hides nothing, and a switch or a path is no password.
    """
    text = "" if value is None else str(value)
    return not _SWITCH.fullmatch(text) and not text.startswith("/") and bool(_NAME.search(name))


def takes_secret(word: str) -> bool:
    """Whether a word of a command, such as ``--requirepass``, is followed by a password."""
    return bool(_WORD_IN_COMMAND.match(word.partition("=")[0]))


def name_of(text: str) -> str:
    """A name of the language (a DNS label) made of any text; never empty."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return label or "app"
