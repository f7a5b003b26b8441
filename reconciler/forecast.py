"""What would become of the world: ``predict`` an action, ``elapse`` time, ``forecast`` the end. Pure.

It assumes that builds, gates and health checks succeed, and says so. A digest that is not known yet is
``built:<key>`` or ``resolved:<reference>``, equal only to itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from reconciler import predict_instance, predict_traffic
from reconciler.actions import (
    Action,
    BuildImage,
    CreateInstance,
    CreateNetwork,
    CreateVolume,
    LoadProxy,
    MendInstance,
    PublishFiles,
    PullImage,
    PutMarker,
    RemoveInstance,
    RemoveMarker,
    RemoveNetwork,
    RemoveVolume,
    RetireInstance,
    ReviveInstance,
    RunHook,
    StartRegistry,
    SwitchRoute,
)
from reconciler.decision import Ender, Plan
from reconciler.desired import Desired
from reconciler.hook_notes import KIND as HOOK
from reconciler.observed import (
    Handle,
    Health,
    Instance,
    LiveImage,
    LiveNetwork,
    LiveVolume,
    Marker,
    Observed,
    Phase,
)
from reconciler.plan import plan
from reconciler.predict_hook import predict_hook
from specs.reference import Digest

LONGEST = 1000
"""Passes after which a forecast gives up."""


def predict(observed: Observed, action: Action) -> Observed:
    """The world after one action has succeeded."""
    match action:
        case StartRegistry():
            return replace(observed, registry_running=observed.registry_running | {action.registry.name})
        case BuildImage():
            digest = Digest(f"built:{action.image.key}")
            return replace(observed, artifacts={**observed.artifacts, str(action.image.ref): digest})
        case PullImage():
            return replace(observed, present={**observed.present, str(action.ref): LiveImage()})
        case CreateNetwork() | RemoveNetwork():
            return _predict_network(observed, action)
        case CreateVolume() | PublishFiles() | RemoveVolume():
            return _predict_volume(observed, action)
        case CreateInstance() | ReviveInstance() | RetireInstance() | RemoveInstance() | MendInstance():
            return predict_instance.predict(observed, action)
        case PutMarker() | RemoveMarker():
            return _predict_marker(observed, action)
        case LoadProxy() | SwitchRoute():
            return replace(observed, traffic=predict_traffic.predict(observed.traffic, action))
        case RunHook():
            return predict_hook(observed, action)
        case _:
            assert_never(action)


def _predict_network(observed: Observed, action: CreateNetwork | RemoveNetwork) -> Observed:
    if isinstance(action, RemoveNetwork):
        rest = tuple(n for n in observed.networks if n.handle != action.handle)
        return replace(observed, networks=rest)
    network = action.network
    handle = Handle("forecast", f"net-{network.object_name}")
    made = LiveNetwork(handle, network.name, network.object_name, observed.at)
    return replace(observed, networks=(*observed.networks, made))


def _predict_volume(observed: Observed, action: CreateVolume | PublishFiles | RemoveVolume) -> Observed:
    if isinstance(action, RemoveVolume):
        rest = tuple(v for v in observed.volumes if v.object_name != action.object_name)
        return replace(observed, volumes=rest)
    if isinstance(action, CreateVolume):
        name, object_name, role = action.volume.name, action.volume.object_name, "data"
    else:
        name, object_name, role = action.files.config_name, action.files.volume, "files"
    made = LiveVolume(Handle("forecast", object_name), name, object_name, role)
    rest = tuple(v for v in observed.volumes if v.object_name != object_name)
    return replace(observed, volumes=(*rest, made))


def _predict_marker(observed: Observed, action: PutMarker | RemoveMarker) -> Observed:
    if isinstance(action, RemoveMarker):
        rest = tuple(m for m in observed.markers if m.object_name != action.object_name)
        return replace(observed, markers=rest)
    made = Marker(
        action.kind, action.marker_subject, action.sequence, action.value, f"forecast_{action.sequence}"
    )
    others = tuple(m for m in observed.markers if (m.kind, m.subject) != (action.kind, action.marker_subject))
    return replace(observed, markers=(*others, made))


def elapse(observed: Observed, decided: Plan) -> Observed:
    """The world at the earliest time that a Wait names, with the facts true that the Waits expect."""
    timed = [w for w in decided.waits if w.ender is Ender.TIME]
    times = [w.recheck_at for w in timed if w.recheck_at is not None]
    at = max(observed.at + 0.001, min(times, default=observed.at + 1.0))
    facts = {w.expects for w in timed}
    jobs = {w.subject.name for w in timed if w.expects == "exit"}
    healthy = "ready" in facts or "proved" in facts
    hooks = {w.subject.name for w in timed if w.expects == HOOK}
    moved = tuple(
        _elapse_instance(i, at, healthy, i.service_name in (hooks if i.role.is_hook else jobs))
        for i in observed.instances
    )
    traffic = predict_traffic.elapse(observed.traffic, moved, at)
    return replace(observed, at=at, instances=moved, traffic=traffic, attempts={}, in_flight=frozenset())


def _elapse_instance(instance: Instance, at: float, healthy: bool, exits: bool) -> Instance:
    if healthy:
        instance = predict_traffic.answer(instance, at)
    if exits and instance.phase is Phase.RUNNING:
        return replace(instance, phase=Phase.EXITED, exit_code=0, finished_at=at)
    if healthy and instance.phase is Phase.RUNNING and instance.health is Health.STARTING:
        return replace(instance, health=Health.HEALTHY, healthy_since=at, checked_at=at)
    if healthy and instance.health is Health.HEALTHY:
        return replace(instance, checked_at=at)
    return instance


def forecast(desired: Desired, observed: Observed, now: float) -> tuple[Plan, ...]:
    """One plan a pass until it settles, the present one first. Passes in which only time goes by are left
    out, but for the first. What cannot be known is assumed to go well."""
    world = _assume(desired, replace(observed, at=now, in_flight=frozenset()))
    first = plan(desired, observed, now)
    plans, current = [first], plan(desired, world, now)
    assumed = tuple(action for action in current.actions if action not in first.actions)
    if assumed:
        plans.append(replace(current, actions=assumed))
    for _ in range(LONGEST):
        if current.settled:
            break
        world = _advance(world, current)
        current = plan(desired, world, world.at)
        if current.actions:
            plans.append(current)
    return tuple(plans)


def settled(desired: Desired, observed: Observed, now: float) -> Observed:
    """The world at the end of the forecast: what it looks like when everything has gone well."""
    world = _assume(desired, replace(observed, at=now, in_flight=frozenset()))
    for _ in range(LONGEST):
        current = plan(desired, world, world.at)
        if current.settled:
            break
        world = _advance(world, current)
    return world


def _advance(world: Observed, current: Plan) -> Observed:
    for action in current.actions:
        world = predict(world, action)
    return world if current.actions else elapse(world, current)


def _assume(desired: Desired, observed: Observed) -> Observed:
    artifacts = dict(observed.artifacts)
    for service in desired.services.values():
        if service.image.image_name is None:
            reference = str(service.image.ref)
            artifacts.setdefault(reference, Digest(f"resolved:{reference}"))
    return replace(observed, artifacts=artifacts)
