"""A seeded simulation of the loop with routed services, and clients that ask them all the time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

from providers.memory import Behaviour
from providers.memory.container import Container
from providers.memory.faults import Call, When
from random_worlds import EDITS, Meddling, meddle
from reconciler.ownership import SERVICE, volume_name
from reconciler.provider import ProviderError
from simulated_clients import Crowd
from simulator import STEP, Simulation
from sketches import OWNER, Sketch
from specs.proxy import OWN, PROXIES

_NAMES = ("api", "web", "worker")
_STRATEGIES = ("rolling", "rolling", "blue-green", "canary")
_STEPS = ({"weight": 10, "pause": 5.0}, {"weight": 60, "pause": 5.0})
_BAD = (
    Behaviour(exits_after=0.5, no_healthcheck=True),
    Behaviour(answers_after=1e9, no_healthcheck=True),
    Behaviour(healthy_after=None),
    Behaviour(stops_answering_after=6.0, no_healthcheck=True),
    Behaviour(fails_under_load=2.0, no_healthcheck=True),
    Behaviour(exits_after=6.0, no_healthcheck=True),
)
_GOOD = (
    Behaviour(),
    Behaviour(answers_after=1.5, no_healthcheck=True),
    Behaviour(healthy_after=0.5, answers_after=3.0),
)
_HARMLESS = ("rename", "limit", "restart", "markers", "double")
_VERBS = ("load_proxy", "switch_route", "observe_proxies")
_EDITS = ("source", "environment", "scale up", "scale down", "network", "replicas only", "monitor")
_VOLUME: Final = volume_name(OWNER, OWN)


def routed(sketch: Sketch, strategy: str = "rolling") -> Sketch:
    """With a route, and a way to roll out."""
    steps = {"steps": _STEPS} if strategy == "canary" else {}
    return replace(
        sketch,
        route=(("host", f"{sketch.name}.test"),),
        rollout=tuple({"strategy": strategy, **steps}.items()),
        order="start-first",
        replicas=max(1, sketch.replicas),
        volumes=(),
    )


@dataclass
class RoutedSimulation(Simulation):
    """One seed with routes. Nobody but a bad version takes an instance away that serves."""

    weights: ClassVar[Mapping[str, float]] = {"bad": 4, "flood": 0.1, "kill": 3}
    calm: ClassVar[float] = 30.0
    crowd: Crowd = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        proxies = self.driver.world.proxies
        self.crowd = Crowd(
            proxies,
            lambda: self.wanted,
            self.broken.append,
            self._is_bad,
            self._was_bad,
            self._has_no_way_back,
            self.seed,
        )
        self.laws.is_bad = self._is_bad
        for name in _NAMES:
            for image in ("ours:1", "ours:2"):
                self.driver.world.behave(Sketch(name, image), self.chance.choice(_GOOD))

    def _is_bad(self, container: Container) -> bool:
        return container.behaviour in _BAD

    def _was_bad(self, name: str) -> bool:
        """A bad version of it lives, or did a moment ago: what comes back takes a while to be ready."""
        ground = self.driver.world.engine.ground
        bad = [c for c in ground.containers.values() if c.labels.get(SERVICE) == name and self._is_bad(c)]
        return any(c.alive or (c.finished_at or 0.0) > ground.now - 15.0 for c in bad)

    def _has_no_way_back(self, name: str) -> bool:
        volumes = self.driver.world.engine.ground.volumes.values()
        markers = (v.marker for v in volumes if v.marker is not None)
        is_proved = any(m.kind == "release" and m.subject == name for m in markers)
        is_bad = any(s.name == name and s.image.startswith("ours:bad") for s in self.sketches)
        return is_bad and not is_proved

    def _cross(self, call: Call, when: When) -> None:
        self.laws.cross(call, when)
        self.crowd.cross(call, when)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(STEP)
            self.driver.world.engine.advance(STEP)
            self.crowd.ask()

    def about(self) -> str:
        said = f"{sum(self.crowd.answered.values())} answered, {self.crowd.failed} failed by bad versions"
        return f"{super().about()}\n{said}"

    # --- commits -----------------------------------------------------------------------------------------

    def commit(self) -> None:
        if not self.sketches:
            self.commit_these(self._first())
            return
        index = self.chance.randrange(len(self.sketches))
        chosen = self.sketches[index]
        deed = self.chance.choice((*_EDITS, "strategy", "route", "both"))
        self.commit_these(
            tuple(self._edited(s, deed) if n == index else s for n, s in enumerate(self.sketches))
        )
        self.say(f"{deed} {chosen.name}")

    def _edited(self, sketch: Sketch, deed: str) -> Sketch:
        strategy = self.chance.choice(_STRATEGIES)
        if deed == "strategy":
            return routed(sketch, strategy) if sketch.route else sketch
        if deed == "route":
            return replace(sketch, route=None, rollout=()) if sketch.route else routed(sketch, strategy)
        if deed == "both":
            return EDITS["source"](EDITS["environment"](sketch))
        changed = EDITS[deed](sketch)
        return replace(changed, replicas=max(1, changed.replicas))

    def commit_bad(self) -> None:
        index = self.chance.randrange(len(self.sketches))
        bad = replace(self.sketches[index], image=f"ours:bad{self.commits}")
        self.driver.world.behave(bad, self.chance.choice(_BAD))
        self.commit_these(tuple(bad if n == index else s for n, s in enumerate(self.sketches)))

    def _first(self) -> tuple[Sketch, ...]:
        names = self.chance.sample(_NAMES, self.chance.randint(1, 2))
        sketches = [
            Sketch(
                name,
                image=self.chance.choice(("ours:1", "redis:7")),
                replicas=self.chance.randint(1, 2),
                check=self.chance.random() < 0.4,
                deadline=20.0,
            )
            for name in names
        ]
        first = routed(sketches[0], self.chance.choice(_STRATEGIES))
        return (first, *(s if self.chance.random() < 0.5 else routed(s) for s in sketches[1:]))

    # --- people, and bad luck ----------------------------------------------------------------------------

    def _meddle(self) -> None:
        deeds: dict[str, Callable[[], str | None]] = {
            "table": self._tamper,
            "configuration": self._change,
            "proxy": self._end_proxy,
            **dict.fromkeys(_HARMLESS, self._meddle_harmlessly),
        }
        deed = self.chance.choice(sorted(deeds))
        self.laws.disturb(10.0)
        if deed == "markers":
            self._lose_sight(60.0)
        self.say(f"meddle: {deed} {deeds[deed]()}")
        self.tell()

    def _meddle_harmlessly(self) -> str | None:
        deed = self.chance.choice(_HARMLESS)
        if deed == "markers":
            self._lose_sight(60.0)
        if deed == "double":
            self.crowd.excuse(2.0)  # of a proxy: it bears names before it is up
        return f"{deed} {meddle(self.driver.world.engine, Meddling(deed, self.chance.randint(0, 7)))}"

    def _proxies(self) -> list[Container]:
        there = self.driver.world.engine.ground.containers.values()
        return [c for c in there if c.labels.get(SERVICE) in PROXIES and self.driver.world.proxies.is_up(c)]

    def _tamper(self) -> str | None:
        tables = {}
        if self._proxies():
            tables = self.driver.world.proxies.shared(_VOLUME).tables
        if not tables:
            return None
        name = self.chance.choice(sorted(tables))
        slots = [*tables[name]]
        self.chance.shuffle(slots)
        self.driver.world.proxies.tamper(_VOLUME, name, ["0123456789ab", *slots[1:]] if slots else [])
        self.crowd.excuse(90.0)
        return name

    def _change(self) -> str | None:
        for container in self._proxies()[:1]:
            self.driver.world.proxies.change(container, _VOLUME, container.labels[SERVICE])
            return container.name
        return None

    def _end_proxy(self) -> str | None:
        """It comes again by its restart policy; who asks meanwhile is lost."""
        for container in self.chance.sample(self._proxies(), min(1, len(self._proxies()))):
            self.driver.world.engine.hand.set_restart(container.name, "unless-stopped")
            self.driver.world.engine.hand.crash(container.name)
            self.crowd.excuse(15.0)
            self.laws.disturb(30.0)
            return container.name
        return None

    def _jump(self) -> None:
        before = self.driver.world.engine.clock
        super()._jump()
        self.crowd.turn_clock(self.driver.world.engine.clock - before)
        self.crowd.excuse(10.0)

    def _break(self) -> None:
        if self.chance.random() < 0.5:
            super()._break()
            return
        verb, when = self.chance.choice(_VERBS), self.chance.choice(("before", "after"))
        sure = when if verb != "observe_proxies" else "before"
        times = self.chance.choice((1, 1, 2, 5))
        self.say(f"fail {verb} {sure} x{times}")
        error = ProviderError("SIM001", verb, "injected")
        self.driver.world.engine.fail(verb, 1, error, "after" if sure == "after" else "before", times=times)

    def _recover(self) -> None:
        super()._recover()
        self.driver.world.engine.hook = self._cross
