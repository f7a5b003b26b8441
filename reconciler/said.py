"""What people said by markers, as a process that has seen it remembers (design, section 5). No IO."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from reconciler.hands_off import newest_said, still_says
from reconciler.observed import Instance, Marker
from reconciler.ownership import SAID


@dataclass(slots=True)
class Said:
    """The newest marker of each kind and subject that a person wrote. A hand-off must not end because
    somebody tidied up volumes: what vanished without a newer word in its place counts, and goes back."""

    known: dict[tuple[str, str], Marker] = field(default_factory=dict)

    def vanished(
        self, markers: tuple[Marker, ...], instances: Iterable[Instance], now: float
    ) -> tuple[Marker, ...]:
        """What is known and gone; learns what is there. Only for a look that could read the markers."""
        found = newest_said(markers, SAID)
        there = tuple(instances)
        # Whatever is there is the newest word, also under a lower number: who wrote it saw none of ours.
        lost = {k: m for k, m in self.known.items() if k not in found and still_says(m, there, now)}
        self.known = {**lost, **found}
        return tuple(marker for _, marker in sorted(lost.items()))
