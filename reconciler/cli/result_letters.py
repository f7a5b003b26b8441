"""What is sent of a result, and where it goes. A letter holds no secret: tokens are read when it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Final

from reconciler.desired import Json

LIFETIME: Final = 86_400.0
"""Seconds after which a letter that could not be sent is thrown away."""
_MAX_BODY: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Letter:
    """One request that is to be made. Of two with one ``key`` for one ``destination`` the newer counts.

    ``destination`` names who receives it (see ``result_places``); ``written_at`` and ``not_before`` are
    seconds since 1970; ``path`` is appended to the destination's address.
    """

    destination: str
    key: str
    path: str
    body: Mapping[str, Json] = field(default_factory=dict)
    written_at: float = 0.0
    not_before: float = 0.0

    @property
    def name(self) -> str:
        """A file name that only this destination and key have."""
        return sha256(f"{self.destination}\n{self.key}".encode()).hexdigest()[:32]


def write_letter(letter: Letter) -> bytes:
    """The letter as it lies in the outbox."""
    return json.dumps(asdict(letter), ensure_ascii=False, sort_keys=True).encode() + b"\n"


def read_letter(content: bytes) -> Letter:
    """A letter of the outbox. Raises ValueError when it is damaged."""
    try:
        found = json.loads(content)
        texts = [found[name] for name in ("destination", "key", "path")]
        times = [found[name] for name in ("written_at", "not_before")]
        body = found["body"]
    except (RecursionError, KeyError, TypeError):
        raise ValueError("no letter") from None
    if not all(isinstance(text, str) for text in texts) or not isinstance(body, dict):
        raise ValueError("no letter")
    if not all(isinstance(time, (int, float)) for time in times) or len(content) > _MAX_BODY * 2:
        raise ValueError("no letter")
    return Letter(texts[0], texts[1], texts[2], body, float(times[0]), float(times[1]))
