"""Asks the proxies what they do, and instances through them; remembers what a look cannot see alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.clients import ReadClients
from reconciler.desired import Desired
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role, volume_name
from reconciler.provider import Answer, ProbeRequest, ProviderError, ProxyQuestion, ProxyWorld, RunningProxy
from reconciler.proxy_reach import port_of
from reconciler.readiness import LAST_FAILURE
from reconciler.traffic import LiveProxy, Probe, Traffic, short_id
from reconciler.view import Views, same_spec
from specs.proxy import OWN, PROXIES
from specs.route import Ready, Route

_UNASKED = "no proxy could ask it"


@dataclass(slots=True)
class TrafficMemory:
    """What this process remembers from look to look; all of it may be lost."""

    probes: dict[str, Probe] = field(default_factory=dict)
    asked_at: dict[str, float] = field(default_factory=dict)
    left: dict[str, float] = field(default_factory=dict)
    led: dict[str, float] = field(default_factory=dict)
    agreed: dict[str, float] = field(default_factory=dict)
    """Id of a proxy -> since when it answers."""
    started: dict[str, float | None] = field(default_factory=dict)
    """When each was started, as of the last look."""
    trusted: dict[str, float | None] = field(default_factory=dict)
    """Id of an instance that has requests and is proved -> when it was started then: it is asked no more."""

    def keep_only(self, ids: Iterable[str]) -> None:
        """What is gone is never asked for again."""
        living = set(ids)
        for memory in (
            self.probes,
            self.asked_at,
            self.left,
            self.led,
            self.agreed,
            self.started,
            self.trusted,
        ):
            for gone in [key for key in memory if key not in living]:
                del memory[gone]

    def meet(self, instance: Instance) -> None:
        """One that was started again has everything to show again."""
        key, started = instance.handle.id, self.started.get(instance.handle.id)
        if started is not None and instance.started_at != started and key in self.probes:
            self.probes[key] = Probe()
            self.asked_at.pop(key, None)
        self.started[key] = instance.started_at

    def note(
        self, instance_id: str, answer: Answer | None, ready: Ready, now: float, is_led: bool = False
    ) -> Probe:
        """One more answer; None where no proxy could ask. ``is_led``: requests reach it already, so that some
        process before this one has found it ready."""
        let_in = Probe(ready.successes, now - ready.healthy_for, passed=True)
        before = self.probes.get(instance_id, let_in if is_led else Probe())
        # Somebody may have set the runtime's clock back.
        began = now if before.since is None else min(before.since, now)
        if answer is None:
            probe = replace(before, unasked=True, said=_UNASKED)
        elif answer.problem:
            failures, passed = before.failures + 1, before.passed
            failed = before.failed or (answer.problem if passed and failures >= LAST_FAILURE else "")
            probe = Probe(failures=failures, said=answer.problem, passed=passed, failed=failed)
        else:
            successes = before.successes + 1
            passed = before.passed or (successes >= ready.successes and now - began >= ready.healthy_for)
            probe = Probe(successes, began, passed=passed, failed=before.failed)
        self.probes[instance_id] = probe
        if answer is not None:
            self.asked_at[instance_id] = now
        return probe


async def look_at_traffic(
    desired: Desired,
    clients: ReadClients,
    memory: TrafficMemory,
    instances: tuple[Instance, ...],
    views: Views,
    now: float,
    is_new: bool = False,
) -> tuple[Traffic, tuple[Instance, ...]]:
    """One look: the traffic, and the instances with what they answered. Never raises ProviderError.
    ``is_new``: there is no volume of proxies, so that no table can be in it."""
    memory.keep_only(i.handle.id for i in instances)
    for instance in instances:
        memory.meet(instance)
    proxies = clients.proxies
    if desired.proxy is None or proxies is None:
        return Traffic(), instances
    running = _running(desired, instances)
    asked = _asked(desired, instances, running, memory, now)
    volume = volume_name(desired.owner, OWN)
    told = tuple(RunningProxy(i.handle, i.service_name, volume) for i in running)
    question = ProxyQuestion(desired.owner, desired.proxy, told, asked)
    world = ProxyWorld(problem="no proxy runs")
    if running:
        try:
            world = await proxies.observe(question)
        except ProviderError as error:
            world = ProxyWorld(problem=str(error))
    found = tuple(_with_probe(i, desired, memory, world, asked, now) for i in instances)
    # A proxy that does not run comes again, and leads by the tables that lie there: nobody knows them now.
    tables = world.tables if running else {} if is_new else None
    _note_ways(memory, tables, instances, now)
    memory.trusted = {
        i.handle.id: i.started_at
        for i in found
        if tables is not None
        and short_id(i.handle) in tables.get(i.service_name, ())
        and any(r.generation == i.generation for r in views.of(i.service_name).releases[:1])
        and len(views.of(i.service_name).live) == len(_same(i, views))
    }
    is_blind = world.flows is None if running else False
    is_blind = is_blind or any(proxy.problem for proxy in world.proxies)
    return Traffic(
        world.proxies,
        tables,
        world.flows or {},
        is_blind,
        dict(memory.left),
        dict(memory.led),
        world.ports,
    ), found


def _same(instance: Instance, views: Views) -> list[Instance]:
    """The live instances of its service that are of its generation: while others are there, all are asked."""
    return [i for i in views.of(instance.service_name).live if i.generation == instance.generation]


def _running(desired: Desired, instances: Iterable[Instance]) -> list[Instance]:
    """The proxies that run; first those that reach most."""
    live = [i for i in instances if i.service_name in PROXIES and i.role is Role.LIVE]
    running = [i for i in live if i.phase is Phase.RUNNING]
    return sorted(running, key=lambda i: (-len(i.networks), i.handle.id))


def _is_near(instance: Instance, proxies: Iterable[Instance]) -> bool:
    """Whether the proxy that asks is on a network with it."""
    return any(name in proxy.networks for proxy in [*proxies][:1] for name in instance.networks)


def _route(desired: Desired, instance: Instance) -> Route | None:
    if instance.role is not Role.LIVE or instance.phase is not Phase.RUNNING:
        return None
    service = desired.services.get(instance.service_name)
    return service.form.spec.route if service is not None else None


def _port(desired: Desired, instance: Instance, route: Route) -> int:
    """A version that is on its way may listen on another port than the one before."""
    service = desired.services[instance.service_name]
    is_current = same_spec(instance, service) and instance.input == service.image.input
    return port_of(instance, route.port, is_current=is_current)


def _asked(
    desired: Desired,
    instances: Iterable[Instance],
    proxies: Sequence[Instance],
    memory: TrafficMemory,
    now: float,
) -> tuple[ProbeRequest, ...]:
    """Who is to be asked now, no more often than the route says: everybody who has yet to prove something."""
    found = []
    for instance in instances:
        route = _route(desired, instance)
        key = instance.handle.id
        is_trusted = key in memory.trusted and memory.trusted[key] == instance.started_at
        if route is not None and not is_trusted and _is_near(instance, proxies):
            last = memory.asked_at.get(key)
            if last is None or now - last >= 0.8 * route.ready.interval or now < last:
                port = _port(desired, instance, route)
                found.append(ProbeRequest(key, port, route.ready, instance.service_name))
    return tuple(found)


def _with_probe(
    instance: Instance,
    desired: Desired,
    memory: TrafficMemory,
    world: ProxyWorld,
    asked: tuple[ProbeRequest, ...],
    now: float,
) -> Instance:
    if instance.service_name in PROXIES:
        return _with_work(instance, memory, world.proxies, now)
    if instance.role is Role.HELD:
        return replace(instance, probe=memory.probes.get(instance.handle.id))
    route = _route(desired, instance)
    if route is None:
        return instance
    if any(request.instance_id == instance.handle.id for request in asked):
        answer = (world.answers or {}).get(instance.handle.id)
        is_led = short_id(instance.handle) in (world.tables or {}).get(instance.service_name, ())
        return replace(instance, probe=memory.note(instance.handle.id, answer, route.ready, now, is_led))
    probe = memory.probes.get(instance.handle.id)
    return replace(instance, probe=Probe(said=_UNASKED, unasked=True) if probe is None else probe)


def _with_work(
    instance: Instance, memory: TrafficMemory, proxies: tuple[LiveProxy, ...], now: float
) -> Instance:
    """A proxy is ready when it answers and does what is desired."""
    live = next((proxy for proxy in proxies if proxy.handle == instance.handle), None)
    if instance.phase is not Phase.RUNNING or live is None:
        return instance
    key = instance.handle.id
    if live.agrees:
        since = memory.agreed[key] = min(memory.agreed.get(key, now), now)
        return replace(instance, probe=Probe(1, since, passed=True))
    memory.agreed.pop(key, None)
    if live.problem:
        return replace(instance, probe=Probe(said=live.problem))
    # Its work is ours to give: that it has none yet is no fault of it.
    return replace(instance, probe=Probe(said="it does not do yet what is desired", unasked=True))


def _note_ways(
    memory: TrafficMemory,
    tables: Mapping[str, tuple[str, ...]] | None,
    instances: Iterable[Instance],
    now: float,
) -> None:
    """Since when slots lead to each running instance, or none does. Begins again with this process."""
    if tables is None:
        return
    leading = {slot for slots in tables.values() for slot in slots}
    for instance in instances:
        key, runs = instance.handle.id, instance.phase is Phase.RUNNING
        is_led = short_id(instance.handle) in leading
        for times, holds in ((memory.led, is_led), (memory.left, not is_led)):
            if runs and holds:
                times[key] = min(times.get(key, now), now)
            else:
                times.pop(key, None)
