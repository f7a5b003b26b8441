"""Which instances a verb that talks to them means."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import CANNOT_TELL, ERROR
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.provider import Question, World
from reconciler.render import escape
from specs.problem import Problem
from specs.suggest import did_you_mean

_ROLES = tuple(Role)


async def look_at_instances(workspace: Workspace, clients: Clients) -> World:
    """One look at the runtime alone: no registry is asked. Raises ProviderError; Stop with 3 where the
    instances cannot be read."""
    world = await clients.runtime.observe(Question(workspace.owner))
    for entry in world.unreadable:
        if entry.what == "instances":
            problem = failure("CLI011", "instances", entry.reason, "instances that can be read")
            raise Stop(CANNOT_TELL, (problem,), workspace.owner, workspace.desired.commit)
    return world


def choose(
    desired: Desired, instances: Sequence[Instance], service_name: str, number: int | None
) -> list[Instance]:
    """The instances of a service (of all when the name is empty), live ones first, then by number. Raises
    Stop for a service that git does not name and of which nothing is left."""
    known = {*desired.services, *(instance.service_name for instance in instances)}
    if service_name and service_name not in known:
        where, remedy = f"Environment {desired.owner.environment}", did_you_mean(service_name, known)
        problem = failure("CLI005", where, f"no service {service_name}", "a service of it", remedy)
        raise Stop(ERROR, (problem,), desired.owner, desired.commit)
    found = [
        instance
        for instance in instances
        if service_name in ("", instance.service_name) and number in (None, instance.number)
    ]
    return sorted(found, key=_order)


def _order(instance: Instance) -> tuple[str, int, int, str]:
    return instance.service_name, _ROLES.index(instance.role), instance.number or 0, instance.name


def running_one(
    desired: Desired, found: Sequence[Instance], service_name: str, number: int | None
) -> Instance:
    """The instance to run a command in: a live one, unless a number names another. Raises Stop where none
    runs, with the states that there are."""
    for instance in found:
        if instance.phase is Phase.RUNNING and (instance.role is Role.LIVE or number is not None):
            return instance
    raise Stop(ERROR, (_nothing_runs(desired, found, service_name, number),), desired.owner, desired.commit)


def _nothing_runs(
    desired: Desired, found: Sequence[Instance], service_name: str, number: int | None
) -> Problem:
    which = f"instance {number}" if number is not None else "instance"
    states = ", ".join(f"{escape(instance.name)} is {_state(instance)}" for instance in found)
    environment = desired.owner.environment
    remedy = f"reconciler logs {environment} {service_name}" if found else f"reconciler apply {environment}"
    return failure(
        "CLI007",
        f"Service {service_name}",
        states or f"there is no {which} of it",
        f"a running {which}",
        remedy,
    )


def _state(instance: Instance) -> str:
    role = f" ({instance.role.value})" if instance.role is not Role.LIVE else ""
    code = f" with code {instance.exit_code}" if instance.exit_code is not None else ""
    return f"{instance.phase.value}{code}{role}"
