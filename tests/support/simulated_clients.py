"""Clients of routed services in virtual time: who asks, whether it is answered, and whose fault it is if not.

From outside a request goes through the edge, from a neighbour to whatever bears the service's name on a
network: the inner proxy or, before there is one, an instance.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from providers.memory import InFlight, MemoryProxies
from providers.memory.container import Container
from providers.memory.faults import Call, When
from providers.memory.proxies import reaches
from reconciler.desired import Desired
from reconciler.observed import Handle, Phase
from reconciler.ownership import OWNER as OWNER_LABEL
from reconciler.ownership import SERVICE, volume_name
from reconciler.provider import ProviderError
from reconciler.traffic import short_id
from sketches import OWNER
from specs.proxy import EDGE, INNER, OWN

SLOW = 5.0
"""How long a slow request takes, in seconds."""
_VOLUME = volume_name(OWNER, OWN)
_EMPTY = "the table is empty"


@dataclass
class Crowd:
    """All clients. ``tell`` is given every loss. ``is_bad``: a version that may fail its requests."""

    proxies: MemoryProxies
    wanted: Callable[[], Desired]
    tell: Callable[[str], None]
    is_bad: Callable[[Container], bool] = lambda container: False
    was_bad: Callable[[str], bool] = lambda name: False
    """Whether a bad version of a service may have had all its requests until a moment ago."""
    has_no_way_back: Callable[[str], bool] = lambda name: False
    """Whether what is asked for of a service is bad, and nothing was proved before it."""
    seed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    failed: int = 0
    """Requests that a bad version got and did not answer."""
    excused_until: float = 0.0
    """Until then somebody else is to blame for what is lost."""
    _begun: set[tuple[str, str]] = field(default_factory=set)
    """(service, way) that answered once: from then on every request is to be answered."""
    _slow: list[tuple[InFlight, str, float | None]] = field(default_factory=list)
    """What is in flight, the id of who works on it, and when that was started."""

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    # --- asking ------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """One request on each way to each routed service."""
        self.proxies.ground.elapse()
        self._forget_crashed()
        wanted = self.wanted()
        routes = wanted.proxy.routes if wanted.proxy is not None else ()
        ways = {(it.service_name, EDGE) for it in routes if it.route.all_hosts}
        ways |= {(it.service_name, network) for it in routes for network in it.names}
        self._begun &= ways
        for name, way in sorted(ways):
            problem, is_bad = self._outside(name) if way == EDGE else self.neighbour(name, way)
            if not problem:
                # What only a bad version ever served has nothing to go back to.
                self._begun |= set() if is_bad else {(name, way)}
                self.answered[name] += 1
            elif self.has_no_way_back(name):
                self.failed += 1
                self._begun.discard((name, way))
            elif is_bad or (problem == _EMPTY and self.was_bad(name)):
                self.failed += 1
            elif (name, way) in self._begun:
                self._lose(f"{name} by {way}: {problem}")

    def _outside(self, name: str) -> tuple[str, bool]:
        edges = [c for c in self._of(EDGE) if self.proxies.is_up(c)]
        return self._through(self._chance.choice(edges), name) if edges else ("no edge runs", False)

    def neighbour(self, name: str, network: str) -> tuple[str, bool]:
        """What the engine's name service leads to."""
        found = list(self._named(name, network))
        if not found:
            return "nothing bears its name", False
        chosen = self._chance.choice(sorted(found, key=lambda c: c.id))
        if chosen.labels[SERVICE] == INNER:
            return self._through(chosen, name) if self.proxies.is_up(chosen) else ("inner is not up", False)
        return "", self.is_bad(chosen)  # past all proxies: what it answers is its own affair

    def _named(self, name: str, network: str) -> Iterator[Container]:
        for container in self.proxies.ground.containers.values():
            is_ours = container.labels.get(OWNER_LABEL) == str(OWNER)
            bears = any(e.network == network and name in e.aliases for e in container.networks.values())
            if is_ours and bears and container.phase is Phase.RUNNING:
                yield container

    def _through(self, proxy: Container, name: str) -> tuple[str, bool]:
        """By the table of this moment, to an instance that must answer."""
        try:
            work = self.proxies.work_of(proxy, _VOLUME, proxy.labels[SERVICE])
            table = self.proxies.shared(_VOLUME).tables.get(name, ())
        except ProviderError as error:
            return str(error), False
        if work is None or work.given.route_of(name) is None:
            return "the proxy knows no such route", False
        if not table:
            return _EMPTY, False
        slot = self._chance.choice(table)
        found = [c for c in self.proxies.ground.containers.values() if _short(c) == slot]
        if not found or found[0].phase is not Phase.RUNNING:
            return f"slot leads to {slot}, which does not run", bool(found) and self.is_bad(found[0])
        if not reaches(proxy, found[0]):
            return f"{proxy.name} shares no network with {found[0].name}", False
        if not self.proxies.answers(found[0]):
            return f"{found[0].name} does not answer", self.is_bad(found[0])
        if self._chance.random() < 0.2:
            self._slow.append((self.proxies.send(slot, SLOW), found[0].id, found[0].started_at))
        return "", self.is_bad(found[0])

    def _of(self, service_name: str) -> list[Container]:
        found = self.proxies.ground.containers.values()
        return [c for c in found if c.labels.get(SERVICE) == service_name]

    def _forget_crashed(self) -> None:
        """What worked on it has ended by itself."""
        there = self.proxies.ground.containers
        for flight, container_id, started_at in self._slow:
            container = there.get(container_id)
            if container is not None and not _works(container, started_at):
                flight.ends_at = min(flight.ends_at, self.proxies.ground.now)

    # --- what is in flight -------------------------------------------------------------------------------

    def cross(self, call: Call, when: When) -> None:
        """A hook: whatever we stop works on nothing any more."""
        now, there = self.proxies.ground.now, self.proxies.ground.containers
        self._slow = [it for it in self._slow if it[0].ends_at > now]
        for entry in list(self._slow):
            flight, container_id, started_at = entry
            container = there.get(container_id)
            if container is not None and _works(container, started_at):
                continue
            self._slow.remove(entry)
            left, flight.ends_at = flight.ends_at - now, now
            is_ours = call.verb in ("retire_instance", "remove_instance") and call.step == "stop"
            routed = self.wanted().proxy
            name = container.labels[SERVICE] if container is not None else call.subject.split("_")[2]
            is_routed = routed is not None and routed.route_of(name) is not None
            if is_ours and when == "after" and is_routed:
                self._lose(f"{call} ends a request {left:.1f} s before its end")

    def turn_clock(self, seconds: float) -> None:
        """What is in flight lasts as long as it does, whatever somebody sets the clock to."""
        before = self.proxies.ground.now - seconds
        self._slow = [it for it in self._slow if it[0].ends_at > before]
        for flight, *_ in self._slow:
            flight.ends_at += seconds
        self.proxies.flights = [flight for flight, *_ in self._slow]

    def _lose(self, words: str) -> None:
        now = self.proxies.ground.now
        if now >= self.excused_until:
            self.lost.append(f"{now:.2f} {words}")
            self.tell(f"a request is lost at {now:.2f}: {words}")

    def excuse(self, seconds: float) -> None:
        """For so long somebody else is to blame."""
        self.excused_until = max(self.excused_until, self.proxies.ground.now + seconds)


def _works(container: Container, started_at: float | None) -> bool:
    """It has run ever since."""
    return container.phase is Phase.RUNNING and container.started_at == started_at


def _short(container: Container) -> str:
    return short_id(Handle("", container.id))
