"""Instances that share a namespace with another service's instance. Pure.

The engine knows only ``container:ID``. What a service says, ``service:NAME``, is true of an instance as long
as that id is a live instance of NAME that did not start after it: a namespace goes with its first process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.desired import Json, Subject
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.readiness import runs
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.view import Views
from specs.privilege import JOINING, joined_services
from specs.service import Service

_CONTAINER = "container:"


def name_joins(instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Every ``container:ID`` that is a live instance of ours as ``service:NAME``."""
    by_id = {instance.handle.id: instance for instance in instances}
    return tuple(_named(instance, by_id) for instance in instances)


def _named(instance: Instance, by_id: Mapping[str, Instance]) -> Instance:
    found: dict[str, Json] = {}
    for word in JOINING:
        value = instance.live_fields.get(word)
        if isinstance(value, str) and value.startswith(_CONTAINER):
            other = by_id.get(value.removeprefix(_CONTAINER))
            found[_id_path(word)] = value.removeprefix(_CONTAINER)
            if other is not None and other.role is Role.LIVE and not _is_stale(instance, other):
                found[word] = f"service:{other.service_name}"
    return replace(instance, live_fields={**instance.live_fields, **found}) if found else instance


def _is_stale(instance: Instance, other: Instance) -> bool:
    """It runs in a namespace that ended when the other started anew."""
    if instance.phase is not Phase.RUNNING or instance.started_at is None or other.started_at is None:
        return False
    return other.started_at > instance.started_at


def _id_path(word: str) -> str:
    return f"joined.{word}"


def lose_joins(instances: Iterable[Instance], gone: str) -> tuple[Instance, ...]:
    """The instances after one is gone or retired: what shared its namespace says so."""
    return tuple(_without(instance, gone) for instance in instances)


def _without(instance: Instance, gone: str) -> Instance:
    lost: dict[str, Json] = {
        word: f"{_CONTAINER}{gone}" for word in JOINING if instance.live_fields.get(_id_path(word)) == gone
    }
    return replace(instance, live_fields={**instance.live_fields, **lost}) if lost else instance


def joined_fields(service: Service, joins: Mapping[str, str]) -> dict[str, Json]:
    """What a new instance will show of the ids that it joins."""
    return {_id_path(word): joins.get(name, "") for word, name in joined_services(service).items()}


def is_joined_as_applied(instance: Instance) -> bool:
    """Whether it would start in the namespaces that it was made for."""
    applied, live = instance.applied_fields, instance.live_fields
    return all(word not in applied or live.get(word, applied[word]) == applied[word] for word in JOINING)


def find_joins(views: Views, service: Service) -> dict[str, str]:
    """Service that it joins -> id of the instance that it is to join: the newest that runs."""
    found: dict[str, str] = {}
    for name in joined_services(service).values():
        running = [instance for instance in views.of(name).live if runs(instance)]
        if running:
            found[name] = running[-1].handle.id
    return found


def has_joins(steps: Steps, target: Target) -> bool:
    """Plan the Wait for each service that it joins and that does not run; True when all do."""
    there = find_joins(steps.views, target.form.spec)
    answer = True
    for word, name in sorted(joined_services(target.form.spec).items()):
        if name in there:
            continue
        answer = False
        subject = Subject("Service", target.service.name)
        if name in steps.desired.services or name in steps.desired.excluded:
            steps.wait_on(subject, Subject("Service", name), f"{name} runs, whose {word} it joins")
        else:
            steps.block(
                subject,
                "PLAN023",
                f"it joins the {word} of {name}, which git does not declare any more",
                f"declare Service {name} again, or let the service take its new version",
            )
    return answer
