"""Requests move before processes die: the table of a routed service, and who may be stopped when. Pure.

Everything else plans as if there were no proxy. What it would stop is first led around, then left until
nothing is in flight to it, or its time to end is over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.actions import Action, RemoveInstance, RetireInstance, SwitchRoute
from reconciler.canary import Canary
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.entering import await_entry
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.proxy_reach import has_left_its_name, port_of
from reconciler.proxying import wait_for_proxy
from reconciler.render import count
from reconciler.route_drift import TAMPERED, is_tampered
from reconciler.steps import Steps
from reconciler.strategy import Scene, weigh
from reconciler.target import Target
from reconciler.traffic import INNER, Flow, share, short_id
from reconciler.view import ServiceView
from specs.rollout import Rollout

SETTLE = 0.25
"""Seconds after a switch before what is in flight is believed: a request may just have read its slot."""
_PAUSE = 0.25
_FAILED = 5.0
"""Seconds at most for what is in flight to an instance that failed: what comes back waits for its end."""
STOPS = (RetireInstance, RemoveInstance)


@dataclass(frozen=True, slots=True)
class Traveller:
    """What the service's own plan says, for its requests to follow."""

    target: Target
    view: ServiceView
    current: tuple[Instance, ...]
    cause: Cause
    proved: bool
    canary: Canary | None = None


def lead(steps: Steps, traveller: Traveller, begin: int) -> None:
    """Plan the table for what the actions from ``begin`` on leave running, and put off the stops of those
    that have requests still."""
    service_name = traveller.target.service.name
    subject = Subject("Service", service_name)
    tables = steps.observed.traffic.tables
    if tables is None:
        # Without the tables nobody knows who has requests: nothing that runs is stopped.
        planned = len(steps.actions)
        _put_off(steps, begin, traveller, None)
        if len(steps.actions) < planned or _able(steps):
            words = "the proxies cannot be asked who has requests"
            wait_for_proxy(steps, subject, words)
        return
    if Subject("Route", service_name) in steps.observed.in_flight:
        # It may lead anywhere when it ends: to whom nothing leads now, it could a moment later.
        _put_off(steps, begin, traveller, None)
        steps.wait(subject, "its requests are being led elsewhere", Ender.US)
        return
    stops = [action for action in steps.actions[begin:] if isinstance(action, STOPS)]
    now = tables.get(service_name)
    stopping = {action.handle.id for action in stops}
    wanted = _table(steps, traveller, stopping, now or ())
    ports = _ports(steps, traveller, wanted)
    if (wanted != now or ports != steps.observed.traffic.ports_of(service_name)) and _able(steps):
        lost = max((a.interrupts for a in stops if a.interrupts is not None), default=None)
        interrupts = lost if now and not wanted else None
        route = Subject("Route", service_name)
        names = {short_id(i.handle): i.name for i in traveller.view.live}
        names = {slot: names[slot] for slot in sorted({*wanted}) if slot in names}
        cause = _cause(steps, traveller, bool(stops)) if wanted != now else Cause("commit", ("route.port",))
        steps.act(SwitchRoute(route, cause, service_name, wanted, interrupts, names, ports))
    staying = [i for i in traveller.current if i.handle.id not in stopping]
    await_entry(steps, traveller.target, staying if traveller.proved else (), wanted)
    _put_off(steps, begin, traveller, frozenset(now or ()))


def _ports(steps: Steps, traveller: Traveller, slots: tuple[str, ...]) -> dict[str, int]:
    """Where each instance is dialled. What is known of one that has requests stays true for it, until it is
    of the generation that git describes."""
    route = traveller.target.form.spec.route
    known = steps.observed.traffic.ports_of(traveller.target.service.name)
    found: dict[str, int] = {}
    for instance in traveller.view.live if route is not None else ():
        name = short_id(instance.handle)
        if route is not None and name in slots:
            is_current = traveller.target.is_generation_of(instance)
            told = port_of(instance, route.port, is_current=is_current)
            found[name] = told if is_current else known.get(name, told)
    return found


def _cause(steps: Steps, traveller: Traveller, stops: bool) -> Cause:
    """Why requests go elsewhere. That they follow who serves mends nothing that somebody changed: it is done
    where drift is only told, too."""
    if is_tampered(traveller.target, traveller.view, steps.observed.traffic):
        return TAMPERED
    mine = {instance.handle.id for instance in traveller.current}
    is_settled = traveller.proved and all(i.handle.id in mine for i in traveller.view.live)
    if not stops and (is_settled or traveller.cause.type == "drift"):
        return Cause("commit", ("who serves has changed",))
    return traveller.cause


def _able(steps: Steps) -> bool:
    return any(not proxy.problem for proxy in steps.observed.traffic.proxies)


def _table(steps: Steps, traveller: Traveller, stopping: set[str], slots: tuple[str, ...]) -> tuple[str, ...]:
    running = [i for i in traveller.view.live if i.phase is Phase.RUNNING and i.handle.id not in stopping]
    mine = {i.handle.id for i in traveller.current}
    scene = Scene(
        spec=traveller.target.form.spec,
        current=tuple(i for i in running if i.handle.id in mine),
        old=tuple(i for i in running if i.handle.id not in mine),
        leading=frozenset(slots),
        replicas=traveller.target.service.replicas,
        is_rollback=traveller.target.is_rollback,
        proved=traveller.proved,
        now=steps.now,
        canary=traveller.canary,
    )
    return share(slots, weigh(scene))


def _put_off(steps: Steps, begin: int, traveller: Traveller, leading: frozenset[str] | None) -> None:
    """Take back the stops of running instances that have, or may have, requests; ``leading`` None: all."""
    running = {i.handle.id: i for i in traveller.view.live if i.phase is Phase.RUNNING}
    kept: list[Action] = steps.actions[:begin]
    for action in steps.actions[begin:]:
        instance = running.get(action.handle.id) if isinstance(action, STOPS) else None
        if instance is None or not isinstance(action, STOPS):
            kept.append(action)
        elif leading is not None and _is_free(steps, traveller, instance, action, leading):
            kept.append(replace(action, interrupts=None) if leading else action)
    steps.actions[:] = kept


def _is_free(
    steps: Steps,
    traveller: Traveller,
    instance: Instance,
    stop: RetireInstance | RemoveInstance,
    leading: frozenset[str],
) -> bool:
    """Whether it may be stopped; plans the Wait when it may not."""
    subject = Subject("Service", traveller.target.service.name, instance.name)
    name = short_id(instance.handle)
    if name in leading:
        steps.wait(subject, "requests are led around it first", Ender.US)
        return False
    if not has_left_its_name(steps, instance):
        words = "neighbours reach it by its name until the inner proxy has that"
        steps.wait_on(subject, Subject("Service", INNER), words)
        return False
    left = steps.observed.traffic.left.get(instance.handle.id)
    if left is None:
        return True  # no request was ever led to it while we looked
    flow = steps.observed.traffic.flows.get(name, Flow())
    failed = isinstance(stop, RetireInstance) and stop.name.endswith(f"_{Role.HELD.value}")
    is_blind = steps.observed.traffic.is_blind
    until = drained_at(traveller.target.form.spec.rollout, flow, left, is_blind)
    until = min(until, left + _FAILED) if failed else until
    if steps.now >= until:
        return True
    words = _words(flow)
    steps.wait(subject, words, Ender.TIME, min(until, steps.now + _PAUSE), "drain")
    return False


def drained_at(rollout: Rollout, flow: Flow, left: float, is_blind: bool) -> float:
    """When what requests are led around since ``left`` may be stopped, whatever is in flight to it still."""
    times = [SETTLE]
    times += [rollout.drain] if flow.requests or is_blind else []
    times += [rollout.drain_streams] if flow.streams or is_blind else []
    return left + max(times)


def _words(flow: Flow) -> str:
    counted = ((flow.requests, "request"), (flow.streams, "stream"))
    said = " and ".join(count(number, noun) for number, noun in counted if number)
    return f"it drains: {said} in flight" if said else "it drains"


def is_led(steps: Steps, service_name: str, instances: tuple[Instance, ...]) -> bool:
    """Whether requests reach all of them, or the service has no table because it has no route."""
    if steps.desired.proxy is None or steps.desired.proxy.route_of(service_name) is None:
        return True
    leading = frozenset(steps.observed.traffic.slots_of(service_name))
    return all(short_id(instance.handle) in leading for instance in instances)
