"""A seeded simulation of the loop: commits, meddling, faults, lost and doubled hints, kills, stops, rivals.

Half of the seeds have no sweep: there a keeper wakes by hints alone, so that one that gets lost shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from random_worlds import DEEDS, Meddling, meddle
from reconciler.observed import Observed
from reconciler.provider import ProviderError
from simulated_process import Process
from simulated_stage import Stage

STEP = 0.25
_VERBS = (
    "observe",
    "images",
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
    "build",
    "digest",
)
_KINDS = ("instances", "networks", "volumes", "markers", "service:web", "service:db")
_WEIGHTS = {
    "commit": 5,
    "bad": 1,
    "many": 1,
    "flood": 0.3,
    "meddle": 5,
    "break": 4,
    "blind": 1,
    "see": 2,
    "stale": 1,
    "stop": 1.5,
    "hang": 0.7,
    "jump": 0.7,
    "kill": 2,
    "rival": 1.5,
}


@dataclass
class Simulation(Stage):
    """One seed, lived through."""

    weights: ClassVar[Mapping[str, float]] = {}
    """How often what happens, where it is other than usual."""
    calm: ClassVar[float] = 80.0
    """Seconds of rest after which all is over: longer than a sweep takes to come."""

    async def run(self) -> Observed:
        """Live through it; the world some minutes after the last event."""
        self.driver.world.publish("redis:7")
        self._recover()
        clock = asyncio.create_task(self._tick())
        self.begin_process()
        self.commit()
        for _ in range(self.chance.randint(5, 14)):
            await self._event()
            await asyncio.sleep(self.chance.choice((0.0, 0.1, 1.0, 5.0, 30.0)))
            self._obey()
        await self._calm()
        await self._settle()
        for process in self.processes:
            await process.stop()
        clock.cancel()
        with suppress(asyncio.CancelledError):
            await clock
        self._obey()
        return await self.driver.look(self.wanted)

    def _obey(self) -> None:
        self.laws.check_strangers()
        assert not self.broken, self.about()

    async def _calm(self) -> None:
        """No fault any more, everything is open, and whatever happened has been told."""
        self._recover()
        for process in self.processes:
            process.window.open.set()
            process.window.stale_looks = 0
        if self.must_change or any(s.image.startswith("ours:bad") for s in self.sketches):
            mended = (replace(s, image="redis:7", environment=(("MENDED", "1"),)) for s in self.sketches)
            self.commit_these(tuple(mended))
        self.say("calm")
        for process in self.processes:
            process.offer(self.wanted)
            process.keeper.hint()

    async def _settle(self) -> None:
        """Until every process has been at rest at the newest commit for longer than a sweep takes to come."""
        calm_since: float | None = None
        loop = asyncio.get_running_loop()
        limit = loop.time() + 1800.0
        while calm_since is None or loop.time() - calm_since < self.calm:
            assert loop.time() < limit, f"it does not settle: {self.about()}"
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
        weights = {**_WEIGHTS, **self.weights}
        deed = self.chance.choices(tuple(weights), tuple(weights.values()))[0]
        if deed == "flood":
            for _ in range(50):
                self.commit()
                await asyncio.sleep(1.2)
        elif deed == "kill":
            await self._kill()
        else:
            deeds: dict[str, Callable[[], None]] = {
                "commit": self.commit,
                "bad": self.commit_bad,
                "many": self.commit_many,
                "meddle": self._meddle,
                "break": self._break,
                "blind": self._blind,
                "see": self._see,
                "stale": self._look_late,
                "stop": self._stop,
                "hang": self._hang,
                "jump": self._jump,
                "rival": self._add_rival,
            }
            deeds[deed]()

    # --- people, and bad luck ----------------------------------------------------------------------------

    def _meddle(self) -> None:
        # Who pauses a new version for longer than its deadline has it held, rightly: nothing tells how long
        # it was paused.
        deed = self.chance.choice(sorted(DEEDS.keys() - {"pause"}))
        name = meddle(self.driver.world.engine, Meddling(deed, self.chance.randint(0, 7)))
        self.say(f"{deed} {name}")
        self.laws.disturb(10.0)
        if deed == "markers":
            self._lose_sight(60.0)
        if deed == "crash":
            self.must_change = True
        self.tell()

    def _break(self) -> None:
        verb, when = self.chance.choice(_VERBS), self.chance.choice(("before", "after"))
        times = self.chance.choice((1, 1, 2, 5))
        self.say(f"fail {verb} {when} x{times}")
        error = ProviderError("SIM001", verb, "injected")
        world = self.driver.world
        if verb == "build":
            world.builder.faults.add(verb, 1, error, "after" if when == "after" else "before", times)
        elif verb == "digest":
            world.registry.fail(verb, 1, error, times=times)
        else:
            sure = when if verb not in ("observe", "images") else "before"
            world.engine.fail(verb, 1, error, "after" if sure == "after" else "before", times=times)

    def _blind(self) -> None:
        kind = self.chance.choice(_KINDS)
        self.say(f"blind {kind}")
        self.driver.world.engine.unreadable(kind)

    def _see(self) -> None:
        self.say("see")
        self._recover()

    def _recover(self) -> None:
        self.driver.world.engine.recover()
        self.driver.world.builder.faults.clear()
        self.driver.world.registry.faults.clear()
        self.driver.world.engine.hook = self.laws.cross

    def _look_late(self) -> None:
        """An answer that is one look old."""
        process = self.chance.choice(self.processes)
        process.window.stale_looks += self.chance.randint(1, 2)
        self.laws.disturb(60.0)
        self.say(f"stale {process.name}")

    def _stop(self) -> None:
        """SIGSTOP, and SIGCONT later."""
        process, seconds = self.chance.choice(self.processes), self.chance.choice((5.0, 50.0, 70.0, 600.0))
        self.say(f"stop {process.name} for {seconds}")
        self._shut(process, seconds)

    def _hang(self) -> None:
        seconds = self.chance.choice((5.0, 90.0))
        self.say(f"the engine hangs for {seconds}")
        for process in self.processes:
            self._shut(process, seconds)

    def _shut(self, process: Process, seconds: float) -> None:
        process.window.open.clear()
        self.later(seconds, process.window.open.set)

    def _jump(self) -> None:
        seconds = self.chance.choice((-600.0, -90.0, 90.0, 3600.0))
        self.say(f"the engine's clock jumps by {seconds}")
        clock = self.driver.world.engine.time
        clock.now += seconds
        self.laws.disturb(60.0 + max(0.0, -seconds))
        self._lose_sight(120.0 + max(0.0, -seconds))
        self.must_change = True

    def _lose_sight(self, seconds: float) -> None:
        self.laws.unsure_until = max(self.laws.unsure_until, self.driver.world.engine.clock + seconds)

    async def _kill(self) -> None:
        index = self.chance.randrange(len(self.processes))
        process = self.processes.pop(index)
        self.say(f"kill {process.name}")
        await process.kill()
        if not self.processes:
            self.begin_process().offer(self.wanted)

    def _add_rival(self) -> None:
        if len(self.processes) == 1:
            self.say("rival")
            self.begin_process().offer(self.wanted)
