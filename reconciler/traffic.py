"""How requests find instances: what proxies were seen to do, and what they should do. Values; pure.

A routed service has a *table*: one hundred slots, each the short id of an instance. Proxies read a slot at
each request, so that other slots are another way at once: nothing is loaded, no connection ends for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.handle import Handle
from specs.proxy import EDGE, INNER, Proxy
from specs.route import Route

SLOTS = 100
"""Slots of a table: a hundredth of the requests is one percent of a canary."""
_ID = 12
"""Digits of an id that the engine's name service knows."""


@dataclass(frozen=True, slots=True)
class DesiredRoute:
    """One routed service. ``names``: object name of a network -> the names that neighbours call it there."""

    service_name: str
    route: Route
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DesiredProxy:
    """What both proxies of an environment are to do; ``routes`` sorted by service name."""

    settings: Proxy
    routes: tuple[DesiredRoute, ...]
    certificates: Mapping[str, str] = field(default_factory=dict)
    """Name of a secret of a certificate -> the digest of its value; names without a value are not in it."""

    def route_of(self, service_name: str) -> Route | None:
        """The route of a service."""
        return next((it.route for it in self.routes if it.service_name == service_name), None)


@dataclass(frozen=True, slots=True)
class LiveProxy:
    """One running proxy container, asked through its admin socket."""

    handle: Handle
    service_name: str
    """EDGE or INNER."""
    diffs: tuple[str, ...] = ()
    """Paths at which what it has loaded is other than what is desired; empty: it does what is desired; one
    empty path: it has nothing loaded."""
    follows: bool = False
    """What differs comes of a commit: it does exactly what it was last given. Else somebody changed it."""
    problem: str = ""
    """Why it could not be asked; then nothing else is known of it."""

    @property
    def agrees(self) -> bool:
        """It was asked, and does what is desired."""
        return not self.problem and not self.diffs


@dataclass(frozen=True, slots=True)
class Flow:
    """What is in flight to one instance now, through all proxies together."""

    requests: int = 0
    streams: int = 0
    """WebSockets and event streams."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What an instance answered when it was asked through a proxy. Times on the runtime's clock."""

    successes: int = 0
    """In a row, the last one included."""
    since: float | None = None
    """When this row of successes began."""
    failures: int = 0
    """In a row, the last one included."""
    said: str = ""
    """The last failure, in words."""
    passed: bool = False
    """It has answered well often enough before."""
    failed: str = ""
    """Why it failed for good: it answered, and then not for too many times in a row. Without requests
    it may answer again."""
    unasked: bool = False
    """No proxy was there to ask through: that is no fault of the instance."""
    is_apart: bool = False
    """Some proxy is on no network with it: a request that came through that one would be lost."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one look saw of the proxies."""

    proxies: tuple[LiveProxy, ...] = ()
    tables: Mapping[str, tuple[str, ...]] | None = field(default_factory=dict)
    """Service -> its slots; a service without a table is not in it, an empty table leads nowhere. None: they
    could not be read."""
    flows: Mapping[str, Flow] = field(default_factory=dict)
    """Short id of an instance -> what is in flight to it; absent is nothing."""
    is_blind: bool = False
    """A proxy that runs could not be asked what is in flight."""
    left: Mapping[str, float] = field(default_factory=dict)
    """Id of a running instance -> since when no slot leads to it, as far as this process knows."""
    led: Mapping[str, float] = field(default_factory=dict)
    """Id of a running instance -> since when slots lead to it, as far as this process knows."""

    ports: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Service -> short id that slots lead to -> the port at which it is dialled."""

    def slots_of(self, service_name: str) -> tuple[str, ...]:
        """The slots of a service, as far as they are known."""
        return (self.tables or {}).get(service_name, ())

    def ports_of(self, service_name: str) -> Mapping[str, int]:
        """The ports of a service's slots, as far as they are known."""
        return self.ports.get(service_name, {})


NO_TRAFFIC = Traffic()


def short_id(handle: Handle) -> str:
    """The id as slots have it."""
    return handle.id[:_ID]


def share(slots: Sequence[str], weights: Mapping[str, int]) -> tuple[str, ...]:
    """The next table: each id gets its part of the slots by weight, and as many slots as possible stay as
    they are, so that who comes back by cookie finds the same instance. Empty without any weight."""
    total = sum(weights.values())
    if total <= 0:
        return ()
    parts = _parts(weights, total)
    table = _staying(slots, parts) if len(slots) == SLOTS else [""] * SLOTS
    needs = Counter(parts) - Counter(table)
    left = Counter(needs)
    # Free slots go round, so that requests that follow one another reach different instances.
    for index in [index for index, now in enumerate(table) if not now]:
        table[index] = max(sorted(left), key=lambda name: left[name] / needs[name])
        left[table[index]] -= 1
    return tuple(table)


def _staying(slots: Sequence[str], parts: Mapping[str, int]) -> list[str]:
    """The slots that keep their id; each id gives up what it has too many all over the table, so that the
    share of another one is no row of requests."""
    held = Counter(slots)
    # Each begins elsewhere, so that not all give up neighbouring slots.
    rest = {name: index * held[name] // len(held) for index, name in enumerate(sorted(held))}
    table: list[str] = []
    for now in slots:
        rest[now] += min(held[now], parts.get(now, 0))
        stays = rest[now] >= held[now]
        rest[now] -= held[now] if stays else 0
        table.append(now if stays else "")
    return table


def _parts(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """Whole slots by weight, the largest remainders first; together exactly all slots."""
    exact = {name: SLOTS * weight / total for name, weight in sorted(weights.items()) if weight > 0}
    parts = {name: int(part) for name, part in exact.items()}
    spare = SLOTS - sum(parts.values())
    for name in sorted(exact, key=lambda name: (parts[name] - exact[name], name))[:spare]:
        parts[name] += 1
    return parts


__all__ = [
    "EDGE",
    "INNER",
    "NO_TRAFFIC",
    "SLOTS",
    "DesiredProxy",
    "DesiredRoute",
    "Flow",
    "LiveProxy",
    "Probe",
    "Traffic",
    "share",
    "short_id",
]
