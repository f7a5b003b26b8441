"""The containers of hooks in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from providers.memory import birth
from providers.memory.behaviour import HOOK
from providers.memory.container import Container, Endpoint
from providers.memory.errors import started_before
from providers.memory.ground import Ground
from providers.memory.instances import fill_secrets
from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.observed import Handle
from reconciler.ownership import Owner, parse_instance_name
from reconciler.secret_volume import needs_volume


async def create(
    ground: Ground, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
) -> Handle:
    """The calls that fill a volume where secrets need one; create, connect (each further network),
    put_secrets where they need none."""
    verb, name = "create_hook", blueprint.name
    await fill_secrets(ground, blueprint, secrets, verb)
    container = await ground.call(verb, "create", name, lambda: _create(ground, blueprint, tuple(words)))
    for use in blueprint.form.networks[1:]:
        key = birth.network_key(blueprint, use)
        await ground.call(verb, "connect", name, partial(birth.join, ground, container, key, ()))
    if blueprint.form.secrets and not needs_volume(blueprint.form):
        files = {u.target: secrets[u.secret_name].encode() for u in blueprint.form.secrets}
        await ground.call(verb, "put_secrets", name, lambda: container.files.update(files))
    return Handle(ground.host, container.id)


async def start(ground: Ground, owner: Owner, container_id: str) -> None:
    """start. Raises Stale for one that was started before."""
    container = ground.owned(owner, container_id)
    await ground.call("start_hook", "start", container.name, lambda: _start(ground, container))


def _start(ground: Ground, container: Container) -> None:
    ground.container(container.id)
    if container.started_at is not None:
        raise started_before(container.name)
    birth.start(ground, container)


def _create(ground: Ground, blueprint: Blueprint, words: tuple[str, ...]) -> Container:
    container = birth.create(ground, blueprint)
    name = parse_instance_name(blueprint.name)
    container.labels[ownership.ROLE] = name.role.value if name else ""
    container.restart, container.has_check, container.ports = "no", False, frozenset()
    container.behaviour = container.behaviour.hooks.get(words, HOOK)
    for key, endpoint in container.networks.items():
        container.networks[key] = Endpoint(endpoint.network)
    return container
