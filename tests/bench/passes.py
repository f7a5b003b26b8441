"""Passes of a loop over many services in memory: with nothing to do, and with a commit to one of them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace

from pure import settle

from driver import Driver
from providers.memory import MemoryEngine
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.observe import Memory, observe
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.provider import Question, World
from sketches import Sketch, desired


@dataclass(frozen=True)
class Passes:
    """Milliseconds of processor of the fastest of each."""

    look: float
    """Building what is observed from what the engine said."""
    settled: float
    """A plan with nothing to do."""
    commit: float
    """The plan for a commit to one service."""
    actions: int
    """What that plan starts."""


class Still(MemoryEngine):
    """An engine that says what it is told to say, at once: its own cost is not ours."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    async def observe(self, question: Question) -> World:
        return self.world


def loop_passes(size: int = 1000, times: int = 7) -> Passes:
    """Measure passes over ``size`` settled services."""
    sketches = [Sketch(f"s{n}", image="redis:7") for n in range(size)]
    before = desired(*sketches, at=1)
    observed = settle(before)
    changed = [replace(sketches[0], environment=(("LEVEL", "debug"),)), *sketches[1:]]
    after = desired(*changed, at=2)
    decided = plan(after, observed, observed.at)
    return Passes(
        min(asyncio.run(_look(before, observed)) for _ in range(times)),
        min(_plan(before, observed) for _ in range(times)),
        min(_plan(after, observed) for _ in range(times)),
        len(decided.actions),
    )


def _plan(wanted: Desired, observed: Observed) -> float:
    began = time.process_time()
    plan(wanted, observed, observed.at)
    return (time.process_time() - began) * 1000


async def _look(wanted: Desired, observed: Observed) -> float:
    world = World(observed.at, observed.instances, observed.networks, markers=observed.markers)
    clients: Clients = replace(Driver().clients, runtime=Still(world))
    began = time.process_time()
    await observe(wanted, clients, Memory())
    return (time.process_time() - began) * 1000


if __name__ == "__main__":
    found = loop_passes()
    print(f"1,000 services in memory, a pass of the loop: looking {found.look:.0f} ms, planning", end=" ")
    print(f"{found.settled:.0f} ms with nothing to do, {found.commit:.0f} ms with a commit to one of them")
