"""A plan to its end, a row for each thing that changes: what becomes of it, why, what it interrupts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.outputs.parts import ActionPart, DiffPart
from reconciler.outputs.plan import PlanMembers

COLUMNS: Final = ("create", "replace", "in place", "remove", "build", "other")
"""What can become of a thing, in the order of the table."""
_LEFT_OUT: Final = ("put-marker", "remove-marker", "pull")
"""Notes of our own, and what is part of everything."""
_OF_A_SERVICE: Final = ("Route", "Proxy")
_EFFECTS: Final = (
    ("replace", {"create", "retire"}),
    ("replace", {"create", "remove"}),
    ("create", {"create"}),
    ("create", {"create-network"}),
    ("create", {"create-volume"}),
    ("remove", {"retire"}),
    ("remove", {"remove"}),
    ("remove", {"remove-network"}),
    ("remove", {"remove-volume"}),
    ("in place", {"mend"}),
    ("build", {"build"}),
)
"""An effect, and the verbs that all have to be there for it; the first that fits counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that changes, with all that is done to it. ``interrupts`` in seconds."""

    kind: str
    name: str
    effect: str
    verbs: tuple[tuple[str, int], ...]
    """Each verb, and how often."""
    types: tuple[str, ...]
    refs: tuple[str, ...]
    diffs: tuple[DiffPart, ...]
    interrupts: float | None

    def words(self, quote: Callable[[str], str]) -> str:
        """What becomes of it, and by which steps; ``quote`` for what the plan says."""
        steps = ", ".join(verb if times == 1 else f"{verb} ×{times}" for verb, times in self.verbs)
        return f"{self.effect}: {quote(steps)}" if steps != self.effect else self.effect

    @property
    def why(self) -> str:
        """The causes, each with the first things that it names."""
        named = list(self.refs) or [diff.path for diff in self.diffs]
        more = f" and {len(named) - 3} more" if len(named) > 3 else ""
        return ", ".join(self.types) + (f": {', '.join(named[:3])}{more}" if named else "")


def rows(plan: PlanMembers) -> list[Row]:
    """What changes until the plan is settled, as far as can be told; our own notes left out."""
    steps = [step.actions for step in plan.forecast] or [plan.actions]
    found: dict[tuple[str, str], list[ActionPart]] = {}
    for action in (action for actions in steps for action in actions if action.verb not in _LEFT_OUT):
        kind = "Service" if action.subject.kind in _OF_A_SERVICE else action.subject.kind
        found.setdefault((kind, action.subject.name), []).append(action)
    return [_row(kind, name, actions) for (kind, name), actions in sorted(found.items())]


def counted(changes: Sequence[Row]) -> dict[str, int]:
    """How many things there are of each effect, and how many are interrupted."""
    tally = Counter(row.effect for row in changes)
    return {
        **{effect: tally[effect] for effect in COLUMNS},
        "interrupts": sum(row.interrupts is not None for row in changes),
    }


def _row(kind: str, name: str, actions: Sequence[ActionPart]) -> Row:
    tally = Counter(action.verb for action in actions)
    longest = [action.interrupts.max_s for action in actions if action.interrupts is not None]
    diffs = {(diff.path, diff.origin): diff for action in actions for diff in action.cause.diffs}
    return Row(
        kind,
        name,
        next((effect for effect, verbs in _EFFECTS if verbs <= tally.keys()), "other"),
        tuple(tally.items()),
        tuple(dict.fromkeys(action.cause.type for action in actions)),
        tuple(dict.fromkeys(ref for action in actions for ref in action.cause.refs)),
        tuple(diffs.values()),
        max(longest) if longest else None,
    )
