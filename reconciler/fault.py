"""The errors that providers raise; ``reconciler.provider`` gives them to a provider's author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False)
class ProviderError(Exception):
    """A provider could not do or read something; trying again later may work.

    ``seen``, ``expected`` and ``remedy`` are the parts of every message of ours; ``code`` is stable;
    ``log`` holds the last lines of output of what failed. None of them ever contains a secret.
    """

    code: str
    where: str
    seen: str
    expected: str = ""
    remedy: str = ""
    log: Sequence[str] = field(default_factory=tuple)
    retry_after: float | None = None
    """Seconds after which the other side asked to be tried again."""

    @property
    def message(self) -> str:
        """Where, what was seen, what was expected, what to do; without the code."""
        parts = [f"{self.where}: {self.seen}"]
        parts += [f"expected {self.expected}"] if self.expected else []
        parts += [self.remedy] if self.remedy else []
        return "; ".join(parts)

    def __str__(self) -> str:
        return f"{self.message}  [{self.code}]"


class Stale(ProviderError):
    """The world moved under the action: observe again now."""


class Refused(ProviderError):
    """No use trying until the spec or the world changes (a bad login, a failing Dockerfile)."""
