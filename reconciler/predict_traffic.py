"""The way of requests after an action, or after a while, when all goes well. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.actions import LoadProxy, SwitchRoute
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.traffic import LiveProxy, Probe, Traffic, short_id
from specs.proxy import PROXIES

_GOOD = 1000
"""Successes that pass every gate."""


def predict(traffic: Traffic, action: LoadProxy | SwitchRoute) -> Traffic:
    """The traffic after it has succeeded."""
    if isinstance(action, SwitchRoute):
        tables = {**(traffic.tables or {}), action.service_name: action.slots}
        return replace(traffic, tables=tables, ports={**traffic.ports, action.service_name: action.ports})
    others = tuple(proxy for proxy in traffic.proxies if proxy.handle != action.handle)
    return replace(traffic, proxies=(*others, LiveProxy(action.handle, action.service_name)))


def elapse(traffic: Traffic, instances: Iterable[Instance], at: float) -> Traffic:
    """A while later: proxies that run answer, what was in flight has ended."""
    running = [i for i in instances if i.role is Role.LIVE and i.phase is Phase.RUNNING]
    leading = {slot for slots in (traffic.tables or {}).values() for slot in slots}
    left = {i.handle.id: at for i in running if short_id(i.handle) not in leading}
    left |= {key: since for key, since in traffic.left.items() if key in left}
    proxies = tuple(_answering(i, traffic.proxies) for i in running if i.service_name in PROXIES)
    tables = {} if traffic.tables is None and proxies else traffic.tables
    return replace(traffic, proxies=proxies, tables=tables, flows={}, is_blind=False, left=left)


def _answering(instance: Instance, proxies: Iterable[LiveProxy]) -> LiveProxy:
    known = (proxy for proxy in proxies if proxy.handle == instance.handle and not proxy.problem)
    return next(known, LiveProxy(instance.handle, instance.service_name, ("",)))


def answer(instance: Instance, at: float) -> Instance:
    """The instance, when it answers what it is asked through a proxy."""
    probe = instance.probe
    if probe is None or (probe.passed and not probe.failures) or instance.phase is not Phase.RUNNING:
        return instance
    return replace(instance, probe=Probe(_GOOD, probe.since if probe.since is not None else at, passed=True))
