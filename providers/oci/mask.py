"""Secrets that were sent, so that a server which quotes them back does not bring them into a message."""

from __future__ import annotations

import base64
from collections import deque
from urllib.parse import quote

_KEPT = 64  # tokens last minutes; older ones are of no use to anybody


class Mask:
    """Replaces every secret that it learned."""

    def __init__(self) -> None:
        self._secrets: deque[str] = deque(maxlen=_KEPT)

    def learn(self, secret: str) -> None:
        """Remember a secret, also as base64 and percent-encoded."""
        for form in (secret, base64.b64encode(secret.encode()).decode(), quote(secret, safe="")):
            if form and form not in self._secrets:
                self._secrets.append(form)

    def apply(self, text: str) -> str:
        """The text with every known secret replaced, on one line, without control characters."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return "".join(letter if letter.isprintable() else " " for letter in text)
