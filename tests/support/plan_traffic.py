"""The way of requests in a plan case: proxies, tables, what is in flight, what instances answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from plan_case import Case, Words
from reconciler.canary import Standing, write_standing
from reconciler.desired import Desired
from reconciler.observed import Instance, Observed, Phase
from reconciler.ownership import Role
from reconciler.traffic import SLOTS, Flow, LiveProxy, Probe, Traffic, share
from specs.proxy import PROXIES

_STATES: Mapping[str, Words] = {
    "agrees": {},
    "new": {"diffs": ("",)},
    "changed": {"diffs": ("apps.http",)},
    "older": {"diffs": ("apps.http",), "follows": True},
    "silent": {"problem": "it does not answer"},
}


def with_proxies(case: Case, desired: Desired) -> Case:
    """The case with both proxies, at work and proved, unless it says of them what there is."""
    sight = case.observed
    there = [name for name in PROXIES if name in desired.services and sight.traffic.get("proxies") != "none"]
    instances = {**{name: ({},) for name in there}, **sight.instances}
    releases = {**{name: ("desired",) for name in there if instances[name]}, **sight.releases}
    return replace(case, observed=replace(sight, instances=instances, releases=releases))


def with_traffic(case: Case, desired: Desired, seen: Observed) -> Observed:
    """The look with what it saw of the proxies."""
    if desired.proxy is None:
        return seen
    words, now = case.observed.traffic, case.now
    states = words.get("proxies") if isinstance(words.get("proxies"), dict) else {}
    running = [i for i in seen.instances if i.phase is Phase.RUNNING and i.role is Role.LIVE]
    proxies = tuple(
        LiveProxy(i.handle, i.service_name, **_STATES[(states or {}).get(i.service_name, "agrees")])
        for i in running
        if i.service_name in PROXIES
    )
    flows = {name[:12]: Flow(**flow) for name, flow in words.get("flows", {}).items()}
    left = {name: now - ago for name, ago in words.get("left", {}).items()}
    tables = _tables(words)
    ports = {name: _ports(name, slots, desired, words) for name, slots in (tables or {}).items()}
    traffic = Traffic(proxies, tables, flows, words.get("blind", False), left, ports=ports)
    instances = tuple(_answering(i, desired, proxies, now) for i in seen.instances)
    return replace(seen, traffic=traffic, instances=instances)


def _tables(words: Words) -> dict[str, tuple[str, ...]] | None:
    said: Any = words.get("tables", {})
    if said == "unread":
        return None
    return {name: _slots(table) for name, table in said.items()}


def _ports(name: str, slots: tuple[str, ...], desired: Desired, words: Words) -> dict[str, int]:
    """The port of each slot: the route's, unless ``ports`` says another."""
    route = desired.proxy.route_of(name) if desired.proxy is not None else None
    said = words.get("ports", {})
    return {slot: said.get(slot, route.port if route is not None else 80) for slot in sorted({*slots})}


def _slots(table: Any) -> tuple[str, ...]:
    """A list shares equally; a map says how many slots each has."""
    weights = dict.fromkeys(table, 1) if isinstance(table, list) else dict(table)
    if isinstance(table, dict):
        assert sum(weights.values()) == SLOTS
    return share((), {name[:12]: weight for name, weight in weights.items()})


def _answering(instance: Instance, desired: Desired, proxies: tuple[LiveProxy, ...], now: float) -> Instance:
    if instance.phase is not Phase.RUNNING or instance.role is not Role.LIVE:
        return instance
    if instance.service_name in PROXIES:
        agrees = any(p.agrees for p in proxies if p.handle == instance.handle)
        probe = Probe(1, instance.started_at, passed=True) if agrees else Probe(unasked=True)
        return replace(instance, probe=probe)
    service = desired.services.get(instance.service_name)
    if service is None or service.form.spec.route is None:
        return instance
    said: Any = instance.probe
    if isinstance(said, dict):
        return replace(instance, probe=_probe(said, now))
    return replace(instance, probe=Probe(99, instance.started_at, passed=True))


def _probe(words: dict[str, Any], now: float) -> Probe:
    """``for: 5``: it has answered well for five seconds."""
    if "for" in words:
        return Probe(99, now - words["for"], passed=True)
    return Probe(**words)


def slots_text(slots: tuple[str, ...]) -> str:
    """How many slots lead to whom."""
    counted = {slot: slots.count(slot) for slot in sorted({*slots})}
    return ", ".join(f"{slot} {number} %" for slot, number in counted.items()) or "nobody"


def step_value(case: Case, commits: Mapping[str, Desired], service_name: str, words: Words) -> str:
    """The value of the marker of a canary's step: ``{of: desired, index: 1, for: 30}``."""
    commit_name = words.get("of", "desired")
    service = commits[commit_name].services[service_name]
    g8 = case.commit(commit_name).generation(service).g8
    state = words.get("state", "running")
    return write_standing(Standing(g8, words["index"], case.now - words["for"], state, words.get("by", "")))
