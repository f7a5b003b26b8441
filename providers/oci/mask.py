"""Secrets that were sent, so that a server which quotes them back does not bring them into a message."""

from __future__ import annotations

import base64
from collections import deque
from urllib.parse import quote

_TOKENS = 64  # they last minutes; older ones are of no use to anybody


class Mask:
    """Replaces every secret that it learned."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._tokens: deque[str] = deque(maxlen=_TOKENS)

    def learn_secret(self, secret: str) -> None:
        """Remember a secret for good, also as base64 and percent-encoded."""
        self._secrets |= {secret, base64.b64encode(secret.encode()).decode(), quote(secret, safe="")} - {""}

    def learn_token(self, token: str) -> None:
        """Remember a short-lived token."""
        self._tokens.append(token)

    def apply(self, text: str) -> str:
        """The text with every known secret replaced, on one line, without control characters."""
        for secret in sorted({*self._secrets, *self._tokens}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return "".join(letter if letter.isprintable() else " " for letter in text)
