"""Which call meets which fault: every kind of call meets every class once, seldom twice in a row."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine_faults import BY_NAME, FAULTS, Fault
from faulty_engine import Call, Choose

_BODIES = ("json", "html", "empty")


@dataclass
class Schedule:
    """What is still to happen, by kind of call, for all sites that share it.

    ``sample`` classes a kind are drawn; 0 takes all of them (of the bodies of a refusal one a kind, in turn).
    """

    seed: int
    sample: int = 0
    left: dict[str, list[Fault]] = field(default_factory=dict)
    met: dict[str, list[str]] = field(default_factory=dict)

    def chooser(self, in_a_row: int = 2) -> Choose:
        """For the calls of one site: of calls of a kind at most ``in_a_row`` are spoiled, then one is not."""
        streaks: dict[str, int] = {}

        def choose(call: Call) -> Fault | None:
            queue = self.left.setdefault(call.kind, self._draw(call.kind))
            if not queue or streaks.get(call.kind, 0) >= in_a_row:
                streaks[call.kind] = 0
                return None
            streaks[call.kind] = streaks.get(call.kind, 0) + 1
            fault = queue.pop()
            self.met.setdefault(call.kind, []).append(fault.name)
            return fault

        return choose

    def _draw(self, kind: str) -> list[Fault]:
        if kind in self.left:
            return []
        chance = random.Random(f"{self.seed} {kind}")
        turn = len(self.left)
        chosen: Sequence[Fault] = [f for f in FAULTS if "-" not in f.name or not f.name[:3].isdecimal()]
        for number, status in enumerate((500, 503, 429, 409)):
            chosen = [*chosen, BY_NAME[f"{status}-{_BODIES[(turn + number) % 3]}"]]
        return chance.sample(chosen, self.sample or len(chosen))

    def unmet(self) -> dict[str, list[str]]:
        """What has not happened yet, of the kinds that were called at all."""
        return {kind: [str(f) for f in queue] for kind, queue in self.left.items() if queue}

    def count(self) -> int:
        return sum(len(names) for names in self.met.values())
