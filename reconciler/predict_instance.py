"""The world after an action on an instance has succeeded. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from reconciler.actions import (
    Blueprint,
    CreateInstance,
    MendInstance,
    RemoveInstance,
    RetireInstance,
    ReviveInstance,
)
from reconciler.changes import (
    LIMIT_PATHS,
    Change,
    Connect,
    Disconnect,
    Rename,
    SetLimits,
    SetRestart,
    Start,
    Unpause,
)
from reconciler.desired import Fields, ServiceForm
from reconciler.joins import joined_fields, lose_joins
from reconciler.observed import Handle, Health, Instance, LiveVolume, Observed, Phase
from reconciler.ownership import Role, parse_instance_name, short_digest
from reconciler.secret_volume import volume_of

_NO_TEST = [["NONE"], []]


def predict(
    observed: Observed,
    action: CreateInstance | ReviveInstance | RetireInstance | RemoveInstance | MendInstance,
) -> Observed:
    """The instances after it."""
    match action:
        case CreateInstance():
            observed = replace(observed, volumes=_with_secrets(observed, action))
            return replace(observed, instances=(*observed.instances, created(observed, action.blueprint)))
        case RemoveInstance():
            kept = tuple(i for i in observed.instances if i.handle != action.handle)
            rest = lose_joins(kept, action.handle.id)
            tasks = tuple(t for t in observed.tasks if t.handle != action.handle)
            return _with_members(replace(observed, instances=rest, tasks=tasks))
        case RetireInstance():
            rest = lose_joins(observed.instances, action.handle.id)
            apart = replace(observed, instances=rest)
            return _changed(apart, action.handle, lambda i: _retired(i, action.name, observed.at))
        case ReviveInstance():
            return _changed(observed, action.handle, lambda i: _revived(i, action, observed.at))
        case MendInstance():
            return _with_members(_changed(observed, action.handle, lambda i: _mended(i, action, observed)))
        case _:
            assert_never(action)


def _changed(observed: Observed, handle: Handle, change: Callable[[Instance], Instance]) -> Observed:
    moved = tuple(change(i) if i.handle == handle else i for i in observed.instances)
    return replace(observed, instances=moved)


def _with_members(observed: Observed) -> Observed:
    members: dict[str, list[str]] = {}
    for instance in observed.instances:
        for name in instance.networks:
            members.setdefault(name, []).append(instance.handle.id)
    networks = tuple(replace(n, members=tuple(members.get(n.object_name, ()))) for n in observed.networks)
    return replace(observed, networks=networks)


def created(observed: Observed, blueprint: Blueprint) -> Instance:
    """A container that was made from a blueprint and runs."""
    form, text = blueprint.form, f"{blueprint.name}@{observed.at}"
    return Instance(
        handle=Handle("forecast", f"{short_digest(text)}@{text}"),  # no two begin alike: slots know the start
        name=blueprint.name,
        service_name=blueprint.service_name,
        role=Role.LIVE,
        number=blueprint.number,
        generation=blueprint.generation,
        input=blueprint.input,
        commit=blueprint.commit,
        pin=blueprint.pin,
        source=blueprint.source,
        applied=form.canonical,
        applied_fields=form.fields,
        live_fields={**form.fields, **joined_fields(form.spec, blueprint.joins)},
        networks=tuple(use.object_name for use in form.networks),
        volumes=tuple(
            [use.object_name for use in form.mounts if use.type == "volume"]
            + [use.volume for use in form.files]
            + [volume for volume in (volume_of(blueprint),) if volume]
        ),
        image=str(blueprint.image),
        phase=Phase.RUNNING,
        health=Health.STARTING if is_checked(form) else Health.NONE,
        created_at=observed.at,
        started_at=observed.at,
        restart=form.spec.restart,
    )


def _with_secrets(observed: Observed, action: CreateInstance) -> tuple[LiveVolume, ...]:
    """The volumes, with that of its secret files where it has one."""
    volume = volume_of(action.blueprint)
    if volume is None:
        return observed.volumes
    others = tuple(other for other in observed.volumes if other.object_name != volume)
    return (*others, LiveVolume(Handle("forecast", volume), volume, volume, "secret"))


def is_checked(form: ServiceForm) -> bool:
    """The spec gives the instance a health check; one that the image brings is not known here."""
    check = form.spec.healthcheck
    return check is not None and not check.disable and list(check.test or ()) not in _NO_TEST


def _retired(instance: Instance, name: str, at: float) -> Instance:
    parsed = parse_instance_name(name)
    role = parsed.role if parsed else Role.KEPT
    return replace(instance, name=name, role=role, phase=Phase.EXITED, finished_at=at, restart="no")


def _revived(instance: Instance, action: ReviveInstance, at: float) -> Instance:
    health = Health.NONE if instance.health is Health.NONE else Health.STARTING
    return replace(
        instance,
        name=action.name,
        role=Role.LIVE,
        phase=Phase.RUNNING,
        health=health,
        started_at=at,
        healthy_since=None,
        restart=action.restart,
    )


def _mended(instance: Instance, action: MendInstance, observed: Observed) -> Instance:
    for change in action.changes:
        instance = _apply(instance, change, observed)
    return instance


def _apply(instance: Instance, change: Change, observed: Observed) -> Instance:
    match change:
        case SetLimits():
            return replace(instance, live_fields=_restored(instance, *LIMIT_PATHS))
        case SetRestart():
            return replace(instance, live_fields=_restored(instance, "restart"), restart=change.policy)
        case Connect():
            names = {n.handle.id: n.object_name for n in observed.networks}
            name = names.get(change.network, change.network)
            return replace(
                instance, networks=(*instance.networks, name), live_fields=_restored(instance, "networks.")
            )
        case Disconnect():
            return replace(instance, networks=tuple(n for n in instance.networks if n != change.network))
        case Rename():
            parsed = parse_instance_name(change.name)
            return replace(instance, name=change.name, number=parsed.number if parsed else None)
        case Unpause():
            return replace(instance, phase=Phase.RUNNING)
        case Start():
            health = Health.NONE if instance.health is Health.NONE else Health.STARTING
            return replace(instance, phase=Phase.RUNNING, started_at=observed.at, health=health, exits=0)
        case _:
            assert_never(change)


def _restored(instance: Instance, *prefixes: str) -> Fields:
    applied = {p: v for p, v in instance.applied_fields.items() if p.startswith(prefixes)}
    return {**instance.live_fields, **applied}
