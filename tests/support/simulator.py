"""A seeded simulation of the loop: commits, meddling, faults, lost and doubled hints, kills and a rival."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace

from driver import Driver
from random_worlds import DEEDS, EDITS, NAMES, Meddling, edit, meddle
from reconciler.desired import Desired
from reconciler.keeper import Keeper
from reconciler.observed import Observed
from reconciler.ownership import Role
from reconciler.provider import ProviderError
from reconciler.readiness import serves
from reconciler.snapshot import Snapshot
from sketches import OWNER, Sketch, desired

STEP = 0.25
_VERBS = (
    "observe",
    "create_instance",
    "create_instance.start",
    "remove_instance",
    "retire_instance",
    "mend_instance",
    "create_network",
    "create_volume",
    "publish_files",
    "put_marker",
    "pull",
)
_KINDS = ("instances", "networks", "volumes", "markers")


@dataclass
class Process:
    """One ``reconciler run`` of the simulation."""

    name: str
    driver: Driver
    resync: float
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    keeper: Keeper = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.keeper = Keeper(OWNER, resync=self.resync, holder=self.name)
        self.task = asyncio.create_task(self.keeper.keep(self.stopping))

    def offer(self, wanted: Desired) -> None:
        self.keeper.offer(Snapshot(wanted, self.driver.clients))

    async def kill(self) -> None:
        """As kill -9: what is in flight stops where it stands, and nobody gives the lease back."""
        run, self.keeper._run = self.keeper._run, None
        doomed = [self.task, *(run.executor.tasks.values() if run is not None else ())]
        while any(not task.done() for task in doomed):
            # Once is not enough: a wait that ends in the same moment swallows the cancellation.
            for task in doomed:
                task.cancel()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        self.stopping.set()
        self.keeper.hint()
        await self.task


@dataclass
class Simulation:
    """Everything of one seed. ``story`` is what happened, for whoever looks at a seed that fails."""

    seed: int
    driver: Driver = field(default_factory=Driver)
    story: list[str] = field(default_factory=list)
    chance: random.Random = field(init=False)
    processes: list[Process] = field(default_factory=list)
    sketches: tuple[Sketch, ...] = ()
    wanted: Desired = field(default_factory=desired)
    commits: int = 0
    deletions_blind: list[str] = field(default_factory=list)
    """What was removed while instances or markers could not be read."""

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        # The jitter of pauses draws from the module's own generator.
        random.seed(self.seed)

    async def run(self) -> Observed:
        """Live through it; the world some minutes after the last event."""
        self.driver.world.publish("redis:7")
        clock = asyncio.create_task(self._tick())
        self._begin_process()
        self.commit()
        for _ in range(self.chance.randint(4, 10)):
            await self._event()
            await asyncio.sleep(self.chance.choice((0.0, 0.1, 1.0, 5.0, 30.0)))
        self.driver.world.engine.recover()
        self._say("calm")
        self._tell()
        await self._settle()
        for process in self.processes:
            await process.stop()
        clock.cancel()
        with suppress(asyncio.CancelledError):
            await clock
        return await self.driver.look(self.wanted)

    async def _settle(self) -> None:
        """Until every process has been at rest at the newest commit for longer than a sweep takes to come."""
        calm_since: float | None = None
        loop = asyncio.get_running_loop()
        limit = loop.time() + 1800.0
        while calm_since is None or loop.time() - calm_since < 80.0:
            assert loop.time() < limit, f"seed {self.seed} does not settle: {self.story}"
            await asyncio.sleep(1.0)
            rests = [process.keeper.rest for process in self.processes]
            well = all(rest is not None and rest.desired.commit == self.wanted.commit for rest in rests)
            well = well and not any(process.keeper.in_flight for process in self.processes)
            calm_since = (calm_since or loop.time()) if well else None

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STEP)
            self.driver.world.engine.advance(STEP)

    async def _event(self) -> None:
        deed = self.chance.choices(
            ("commit", "meddle", "fault", "blind", "see", "kill", "rival", "many"),
            (5, 5, 4, 1, 2, 2, 1, 1),
        )[0]
        if deed == "commit":
            self.commit()
        elif deed == "many":
            for _ in range(self.chance.randint(2, 8)):
                self.commit()
        elif deed == "meddle":
            self._meddle()
        elif deed == "fault":
            self._break()
        elif deed == "blind":
            kind = self.chance.choice(_KINDS)
            self._say(f"blind {kind}")
            self.driver.world.engine.unreadable(kind)
        elif deed == "see":
            self._say("see")
            self.driver.world.engine.recover()
        elif deed == "kill":
            await self._kill()
        elif len(self.processes) == 1:
            self._say("rival")
            self._begin_process().offer(self.wanted)

    def commit(self) -> None:
        """A new commit; every process hears of it, sooner or later."""
        self.commits += 1
        if not self.sketches:
            self.sketches = self._first()
        else:
            names = (*EDITS, "drop")
            changed = edit(self.sketches, self.chance.choice(names), self.chance.randint(0, 3))
            self.sketches = changed.sketches
        self.driver.stock.add(*self.sketches)
        wanted = desired(*self.sketches, at=self.commits)
        self.wanted = replace(wanted, policy=replace(wanted.policy, prune_limit=100))
        self._say(f"commit {self.commits}: {[s.name for s in self.sketches]}")
        for process in self.processes:
            process.offer(self.wanted)

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

    def _meddle(self) -> None:
        # Who pauses a new version for longer than its deadline has it held, rightly: nothing tells how long
        # it was paused.
        deed = self.chance.choice(sorted(DEEDS.keys() - {"pause"}))
        name = meddle(self.driver.world.engine, Meddling(deed, self.chance.randint(0, 7)))
        self._say(f"{deed} {name}")
        self._tell()

    def _tell(self) -> None:
        """Hints that are lost, doubled or told as they should be."""
        for process in self.processes:
            for _ in range(self.chance.choice((0, 1, 1, 2))):
                process.keeper.hint()

    def _break(self) -> None:
        verb, when = self.chance.choice(_VERBS), self.chance.choice(("before", "after"))
        times = self.chance.choice((1, 1, 2, 5))
        when = "before" if verb == "observe" else when
        self._say(f"fail {verb} {when} x{times}")
        error = ProviderError("SIM001", verb, "injected")
        self.driver.world.engine.fail(verb, 1, error, "after" if when == "after" else "before", times=times)

    async def _kill(self) -> None:
        index = self.chance.randrange(len(self.processes))
        process = self.processes.pop(index)
        self._say(f"kill {process.name}")
        await process.kill()
        if not self.processes:
            self._begin_process().offer(self.wanted)

    def _begin_process(self) -> Process:
        number = sum("process" in line for line in self.story)
        process = Process(f"process-{number}", self.driver, self.chance.choice((20.0, 60.0)))
        self._say(f"process {process.name}")
        self.processes.append(process)
        return process

    def _say(self, line: str) -> None:
        self.story.append(f"{asyncio.get_running_loop().time():.1f} {line}")


def check(simulation: Simulation, seen: Observed) -> None:
    """What must hold when all is calm (design, section 4): what was asked for runs, once, and well; nothing
    is left over but one kept instance a service and what is held."""
    wanted, about = simulation.wanted, f"seed {simulation.seed}: {simulation.story}"
    live = [i for i in seen.instances if i.role is Role.LIVE]
    asked = Counter({s.name: s.replicas for s in wanted.services.values() if s.replicas})
    assert Counter(i.service_name for i in live) == asked, about
    for instance in live:
        service = wanted.services[instance.service_name]
        assert instance.generation.fingerprint == service.form.fingerprint, about
        assert serves(instance), about
    kept = Counter(i.service_name for i in seen.instances if i.role is Role.KEPT)
    assert all(count == 1 for count in kept.values()), about
    assert not [i for i in seen.instances if i.role is Role.HELD], about
    names = Counter(network.name for network in seen.networks)
    assert all(count == 1 for count in names.values()), about
