"""What a pass decides, complete: actions, waits, blocks; and what became of an action."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from reconciler.actions import Action
from reconciler.desired import Subject


class Ender(Enum):
    """Who ends a wait."""

    US = "us"
    TIME = "time"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Wait:
    """What cannot happen yet, and the fact that it waits for."""

    subject: Subject
    reason: str
    ender: Ender
    recheck_at: float | None = None
    """Earliest time, on the runtime's clock, at which looking again can help."""
    expects: str = ""
    """The fact that ends it, as ``forecast.elapse`` makes it true: ``ready``, ``proved``, ``attempt``…"""
    look_at: float | None = None
    """When to look again already, though nothing ends by then: something is watched meanwhile."""

    @property
    def next_look(self) -> float | None:
        """When to look again, on the runtime's clock."""
        return self.recheck_at if self.look_at is None else self.look_at


@dataclass(frozen=True, slots=True)
class Block:
    """What must not happen, with the way out."""

    subject: Subject
    code: str
    reason: str
    remedy: str
    held: bool = False
    """A hold after a failed generation: not a guard (design, section 7)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision of one pass, complete: a value that is printed, compared, executed and explained."""

    actions: tuple[Action, ...] = ()
    waits: tuple[Wait, ...] = ()
    blocks: tuple[Block, ...] = ()
    prune_id: str | None = None

    @property
    def settled(self) -> bool:
        """No action, and no wait that we or time will end."""
        return not self.actions and all(w.ender is Ender.OUTSIDE for w in self.waits)

    def refused(self, block: Block) -> Plan:
        """The same where nothing may be done at all: what waits for us or for time waits in vain."""
        waits = tuple(wait for wait in self.waits if wait.ender is Ender.OUTSIDE)
        return replace(self, actions=(), waits=waits, blocks=(*self.blocks, block))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action."""

    action: Action
    result: Literal["done", "failed", "skipped"]
    duration: float
    error: str | None = None
    code: str = ""
    log_tail: tuple[str, ...] = ()
    refused: bool = False
    stale: bool = False
    retry_after: float | None = None
