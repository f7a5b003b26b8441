"""Proxies in memory: what drives the instances of the proxy services of an engine in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from providers.memory.container import Container
from providers.memory.engine import MemoryEngine
from providers.memory.faults import Call
from providers.memory.ways import InFlight, Kind, Shared, Work
from reconciler.observed import Phase
from reconciler.ownership import Owner
from reconciler.provider import (
    Answer,
    ProbeRequest,
    ProviderError,
    Proxies,
    ProxyQuestion,
    ProxyWorld,
    RunningProxy,
    Stale,
)
from reconciler.traffic import DesiredProxy, Flow, LiveProxy
from specs.proxy import EDGE

_ID = 12
_NOTHING = ("",)


class MemoryProxies:
    """Implements ``Proxies``. What it is told has its effect at once, and meets faults and hooks of the
    engine before and after it, as ``load_proxy.load`` and ``switch_route.turn``."""

    def __init__(self, engine: MemoryEngine, moment: float = 0.3) -> None:
        self.ground = engine.ground
        self.moment = moment
        """Seconds after its start until a proxy answers."""
        self.deaf: set[str] = set()
        """Ids of proxies that do not answer us; they do their work all the same."""
        self.blurred: bool = False
        """The tables cannot be read."""
        self.flights: list[InFlight] = []
        self._works: dict[str, tuple[float | None, Work | None]] = {}
        """Id of a proxy -> when it was started, and what it does since."""
        self._led_since: dict[str, float] = {}
        self._up: dict[str, float] = {}
        """Id of a proxy that was seen to answer -> when it was started."""

    # --- what tests do and ask ---------------------------------------------------------------------------

    def send(self, short_id: str, seconds: float, kind: Kind = "requests") -> InFlight:
        """Let an instance work on something for so long."""
        flight = InFlight(short_id, self.ground.now + seconds, kind)
        self.flights.append(flight)
        return flight

    def shared(self, volume: str) -> Shared:
        """What lies in a volume. Raises ProviderError when there is no such volume."""
        found = self.ground.volumes.get(volume)
        if found is None:
            raise _silent(volume, "its volume is gone")
        return found.shared

    def work_of(self, container: Container, volume: str, service_name: str) -> Work | None:
        """What a proxy does now; None while it was never given anything."""
        began, work = self._works.get(container.id, (None, None))
        if began != container.started_at:
            saved = self.shared(volume).saved.get(service_name)
            work = Work(saved.given, saved.changed) if saved is not None else None
            self._works[container.id] = (container.started_at, work)
        return work

    def answers(self, container: Container) -> bool:
        """Whether an instance answers requests now."""
        does, started = container.behaviour, container.started_at
        if container.phase is not Phase.RUNNING or started is None:
            return False
        age, led = self.ground.now - started, self._led_since.get(container.id[:_ID])
        is_gone = does.stops_answering_after is not None and age >= does.stops_answering_after
        is_loaded = led is not None and does.fails_under_load is not None
        is_beaten = is_loaded and self.ground.now - (led or 0.0) >= (does.fails_under_load or 0.0)
        is_early = 0 <= age < does.answers_after
        return not is_early and not is_gone and not is_beaten

    def is_up(self, container: Container) -> bool:
        """Whether a proxy takes requests."""
        started = container.started_at
        if container.phase is not Phase.RUNNING or started is None:
            return False
        is_known = self._up.get(container.id) == started
        if is_known or not 0 <= self.ground.now - started < self.moment:
            self._up[container.id] = started  # whatever somebody sets the clock to
            return True
        return False

    def tamper(self, volume: str, service_name: str, slots: Sequence[str]) -> None:
        """Somebody writes into the volume."""
        self._turn(self.shared(volume), service_name, slots)

    def change(self, container: Container, volume: str, service_name: str, path: str = "apps.http") -> None:
        """Somebody loads something else into a proxy."""
        work = self.work_of(container, volume, service_name)
        if work is not None:
            work.changed = (path,)
            self.shared(volume).saved[service_name] = Work(work.given, (path,))

    # --- Proxies -----------------------------------------------------------------------------------------

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        """Raises what ``fail("observe_proxies")`` says."""
        await asyncio.sleep(0)
        self.ground.elapse()
        self.ground.faults.cross_read(Call("observe_proxies", "look", str(question.owner)))
        seen = [self._see(running, question.proxy) for running in question.running]
        able = [
            running
            for running, live in zip(question.running, seen, strict=True)
            if not live.problem and live.diffs != _NOTHING
        ]
        answers = self._probe_all(question.probes, able) if able or not question.probes else None
        asked = [r for r, live in zip(question.running, seen, strict=True) if not live.problem]
        if not asked or self.blurred:
            return ProxyWorld(tuple(seen), answers=answers, problem="no proxy can be asked")
        tables = dict(self.shared(asked[0].volume).tables)
        ports = dict(self.shared(asked[0].volume).ports)
        if len(asked) < len(seen):
            return ProxyWorld(tuple(seen), tables, None, answers, "a proxy cannot be asked", ports)
        return ProxyWorld(tuple(seen), tables, self.flows(), answers, ports=ports)

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        """Raises Stale when it does not run, ProviderError when it does not answer."""
        effect = partial(self._load, owner, running, proxy)
        await self.ground.call("load_proxy", "load", running.service_name, effect)

    async def switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: Sequence[str],
        ports: Mapping[str, int],
    ) -> None:
        """Raises as ``load`` does."""
        effect = partial(self._switch, owner, running, service_name, tuple(slots), ports)
        await self.ground.call("switch_route", "turn", service_name, effect)

    # --- effects -----------------------------------------------------------------------------------------

    def _load(self, owner: Owner, running: RunningProxy, proxy: DesiredProxy) -> None:
        container = self._require(owner, running)
        self._works[container.id] = (container.started_at, Work(proxy))
        self.shared(running.volume).saved[running.service_name] = Work(proxy)

    def _switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: tuple[str, ...],
        ports: Mapping[str, int],
    ) -> None:
        self._require(owner, running)
        self.shared(running.volume).ports[service_name] = dict(ports)
        self._turn(self.shared(running.volume), service_name, slots)

    def _turn(self, shared: Shared, service_name: str, slots: Sequence[str]) -> None:
        shared.tables[service_name] = tuple(slots)
        leading = {slot for table in shared.tables.values() for slot in table}
        kept = {slot: at for slot, at in self._led_since.items() if slot in leading}
        self._led_since = {slot: kept.get(slot, self.ground.now) for slot in leading}

    def _require(self, owner: Owner, running: RunningProxy) -> Container:
        container = self.ground.owned(owner, running.handle.id)
        if not self.is_up(container) or container.id in self.deaf:
            raise _silent(container.name, "it does not answer")
        return container

    # --- looks -------------------------------------------------------------------------------------------

    def flows(self) -> dict[str, Flow]:
        """What is in flight now, by short id."""
        self.flights = [flight for flight in self.flights if flight.ends_at > self.ground.now]
        found: dict[str, Flow] = {}
        for flight in self.flights:
            had = found.get(flight.short_id, Flow())
            is_request = flight.kind == "requests"
            found[flight.short_id] = Flow(had.requests + is_request, had.streams + (not is_request))
        return found

    def _see(self, running: RunningProxy, desired: DesiredProxy | None) -> LiveProxy:
        container = self.ground.containers.get(running.handle.id)
        if container is None or not self.is_up(container) or container.id in self.deaf:
            return LiveProxy(running.handle, running.service_name, problem="it does not answer")
        work = self.work_of(container, running.volume, running.service_name)
        if work is None:
            return LiveProxy(running.handle, running.service_name, _NOTHING)
        if work.changed:
            return LiveProxy(running.handle, running.service_name, work.changed)
        is_same = desired is None or _part(running, work.given) == _part(running, desired)
        diffs = () if is_same else ("apps.http",)
        return LiveProxy(running.handle, running.service_name, diffs, follows=bool(diffs))

    def _probe_all(self, requests: Sequence[ProbeRequest], able: Sequence[RunningProxy]) -> dict[str, Answer]:
        return {request.instance_id: Answer(self._problem(request, able)) for request in requests}

    def _problem(self, request: ProbeRequest, able: Sequence[RunningProxy]) -> str:
        container = self.ground.containers.get(request.instance_id)
        if container is None:
            return "it is gone"
        proxies = [self.ground.containers[running.handle.id] for running in able[:1]]
        if not any(reaches(proxy, container) for proxy in proxies):
            return "it does not answer: no such host"
        return "" if self.answers(container) else "it does not answer: connection refused"


def reaches(one: Container, other: Container) -> bool:
    """Whether they share a network."""
    return bool(one.networks.keys() & other.networks.keys())


def _part(running: RunningProxy, proxy: DesiredProxy) -> object:
    """What of it is in this proxy's configuration."""
    return tuple(_parts(running.service_name, proxy))


def _parts(service_name: str, proxy: DesiredProxy) -> Iterator[object]:
    if service_name == EDGE:
        yield proxy.settings
        yield sorted(proxy.certificates.items())
        yield from ((r.service_name, r.route) for r in proxy.routes if r.route.all_hosts)
    else:
        yield from ((r.service_name, r.route, sorted(r.names.items())) for r in proxy.routes)


def _silent(name: str, seen: str) -> ProviderError:
    if seen.endswith("gone"):
        return Stale("MEM404", f"memory proxies: {name}", seen, "a volume of the proxies")
    return ProviderError("MEM504", f"memory proxies: {name}", seen, "a proxy that answers")


if TYPE_CHECKING:
    _: type[Proxies] = MemoryProxies
