"""The stage of a simulation: a world, processes, and a history of commits."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from driver import Driver
from providers.memory import Behaviour
from random_worlds import EDITS, NAMES, edit
from reconciler.desired import Desired
from simulated_laws import Laws
from simulated_process import Process
from sketches import Sketch, desired, lineage

_NEVER = 1e7
_BAD = (Behaviour(exits_after=0.5), Behaviour(healthy_after=None), Behaviour(unhealthy_after=2.0))


@dataclass
class Stage:
    """Everything of one seed. ``story`` is what happened, for whoever looks at a seed that fails."""

    seed: int
    driver: Driver = field(default_factory=Driver)
    story: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """The laws that were broken."""
    chance: random.Random = field(init=False)
    processes: list[Process] = field(default_factory=list)
    sketches: tuple[Sketch, ...] = ()
    wanted: Desired = field(default_factory=desired)
    commits: int = 0
    must_change: bool = False
    """A version may be held that is well: the last commit has to be another."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # The jitter of pauses draws from the module's own generator.
        random.seed(self.seed)
        self.sweeps = self.chance.random() < 0.5
        self.laws = Laws(self.driver.world.engine, lambda: self.wanted, self.broken.append)

    def about(self) -> str:
        """The seed, the laws that were broken, and what happened until then."""
        return "\n".join((f"RECONCILER_SEEDS={self.seed}:1", *self.broken, *self.story))

    # --- commits -----------------------------------------------------------------------------------------

    def commit(self) -> None:
        """A new commit; every process hears of it, of two sometimes one later than the other."""
        if not self.sketches:
            self.commit_these(self._first())
        else:
            names = (*EDITS, "drop")
            self.commit_these(
                edit(self.sketches, self.chance.choice(names), self.chance.randint(0, 3)).sketches
            )

    def commit_many(self) -> None:
        for _ in range(self.chance.randint(2, 8)):
            self.commit()

    def commit_bad(self) -> None:
        index = self.chance.randrange(len(self.sketches))
        bad = replace(self.sketches[index], image="ours:bad")
        self.driver.world.behave(bad, self.chance.choice(_BAD))
        self.commit_these(tuple(bad if n == index else s for n, s in enumerate(self.sketches)))

    def commit_these(self, sketches: tuple[Sketch, ...]) -> None:
        self.commits += 1
        self.sketches = sketches
        self.driver.stock.add(*sketches)
        wanted = desired(*sketches, at=self.commits)
        policy = replace(wanted.policy, prune_limit=100)
        self.wanted = replace(wanted, policy=policy, lineage=lineage(self.commits, self.commits + 100))
        self.laws.disturb(3.0)
        self.say(f"commit {self.commits}: {[(s.name, s.image, s.replicas, s.order) for s in sketches]}")
        for process in self.processes:
            late = self.chance.choice((0.0, 0.0, 3.0, 40.0)) if len(self.processes) > 1 else 0.0
            self.later(late, partial(self._offer, process, self.wanted))

    def _offer(self, process: Process, wanted: Desired) -> None:
        kept = process.keeper.snapshot
        if kept is None or kept.desired.commit < wanted.commit:
            process.offer(wanted)

    def _first(self) -> tuple[Sketch, ...]:
        names = self.chance.sample(NAMES, self.chance.randint(1, 3))
        return tuple(
            Sketch(
                name,
                image=self.chance.choice(("ours:1", "redis:7")),
                replicas=self.chance.randint(1, 2),
                order=self.chance.choice(("start-first", "stop-first")),
                check=self.chance.random() < 0.5,
                volumes=self.chance.choice(((), (f"{name}-data",))),
                configs=self.chance.choice(((), (("settings", "a"),))),
                deadline=20.0,
            )
            for name in names
        )

    # --- processes ---------------------------------------------------------------------------------------

    def begin_process(self) -> Process:
        number = sum("process" in line for line in self.story)
        resync = self.chance.choice((20.0, 60.0)) if self.sweeps else _NEVER
        process = Process(f"process-{number}", self.driver, resync, self.laws.passed)
        self.laws.watch(process.window, process.name, lambda: process.commit)
        self.say(f"process {process.name}")
        self.processes.append(process)
        return process

    def tell(self) -> None:
        """Hints that are doubled, late, in any order, or lost where a sweep comes after all."""
        for process in self.processes:
            for _ in range(self.chance.choice((0, 1, 1, 2) if self.sweeps else (1, 1, 2))):
                self.later(self.chance.choice((0.0, 0.1, 3.0)), process.keeper.hint)

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        if seconds:
            asyncio.get_running_loop().call_later(seconds, deed)
        else:
            deed()

    def say(self, line: str) -> None:
        self.story.append(f"{asyncio.get_running_loop().time():.1f} {line}")
