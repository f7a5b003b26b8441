"""The verbs on instances, each as the single calls that a real engine needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import assert_never

from providers.memory import birth
from providers.memory.container import Container
from providers.memory.errors import NameTaken, in_use
from providers.memory.ground import Ground, require_owner
from providers.memory.labels import generation_of
from providers.memory.volumes import fill
from reconciler.actions import Blueprint
from reconciler.changes import Change, Connect, Disconnect, Rename, SetLimits, SetRestart, Start, Unpause
from reconciler.desired import NetworkUse
from reconciler.observed import Phase
from reconciler.ownership import Owner
from reconciler.provider import FileEntry
from reconciler.secret_volume import needs_volume, volume_of

_LIMITS = "deploy.resources.limits"
_KILLED, _TERMINATED = 137, 143


async def create(ground: Ground, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
    """The calls that fill a volume where secrets need one; create, connect (each further network),
    put_secrets where they need none, start. The same generation running under the name already is success;
    one of ours that does not run, or is another, is Stale."""
    verb, name = "create_instance", blueprint.name
    await fill_secrets(ground, blueprint, secrets, verb)
    try:
        container = await ground.call(verb, "create", name, lambda: birth.create(ground, blueprint))
    except NameTaken:
        if _is_twin(ground, blueprint):
            return
        raise
    for use in blueprint.form.networks[1:]:
        key = birth.network_key(blueprint, use)
        further = partial(_connect, ground, container, key, use)
        await ground.call(verb, "connect", name, further)
    if blueprint.form.secrets and not needs_volume(blueprint.form):
        files = {u.target: secrets[u.secret_name].encode() for u in blueprint.form.secrets}
        await ground.call(verb, "put_secrets", name, lambda: container.files.update(files))
    await ground.call(verb, "start", name, lambda: _start(ground, container))


async def fill_secrets(ground: Ground, blueprint: Blueprint, secrets: Mapping[str, str], verb: str) -> None:
    """Fill the volume of its secret files, where it has one."""
    volume = volume_of(blueprint)
    if volume is not None:
        entries = [
            FileEntry(str(place), use.mode, 0, 0, secrets[use.secret_name].encode())
            for place, use in enumerate(blueprint.form.secrets)
        ]
        owner, image = blueprint.owner, str(blueprint.image)
        await fill(ground, verb, owner, volume, "secret", entries, image)


async def revive(ground: Ground, owner: Owner, container_id: str, name: str, restart: str) -> None:
    """rename, update_restart, reattach (when a network was made again), start."""
    container = ground.owned(owner, container_id)
    verb = "revive_instance"
    await _rename(ground, owner, verb, container, name)
    await ground.call(verb, "update_restart", name, lambda: _set_restart(container, restart))
    if any(network_id not in ground.networks for network_id in container.networks):
        await ground.call(verb, "reattach", name, lambda: birth.reattach(ground, container))
    await ground.call(verb, "start", name, lambda: _start(ground, container))


async def retire(ground: Ground, owner: Owner, container_id: str, name: str, grace: float) -> None:
    """update_restart, rename, stop."""
    container = ground.owned(owner, container_id)
    verb = "retire_instance"
    await ground.call(verb, "update_restart", container.name, lambda: _set_restart(container, "no"))
    await _rename(ground, owner, verb, container, name)
    await _stop(ground, verb, container, grace)


async def remove(ground: Ground, owner: Owner, container_id: str, grace: float) -> None:
    """stop (when it is alive), remove. Gone already is success."""
    if container_id not in ground.containers:
        return
    container = ground.owned(owner, container_id)
    verb = "remove_instance"
    await _stop(ground, verb, container, grace)
    await ground.call(verb, "remove", container.name, lambda: _delete(ground, owner, container))


async def mend(ground: Ground, owner: Owner, container_id: str, changes: Sequence[Change]) -> None:
    """One call a change."""
    container = ground.owned(owner, container_id)
    for change in changes:
        effect = partial(_apply, ground, owner, container, change)
        await ground.call("mend_instance", _STEPS[type(change)], container.name, effect)


_STEPS: Mapping[type[Change], str] = {
    SetLimits: "update",
    SetRestart: "update_restart",
    Connect: "connect",
    Disconnect: "disconnect",
    Rename: "rename",
    Unpause: "unpause",
    Start: "start",
}


def _apply(ground: Ground, owner: Owner, container: Container, change: Change) -> None:
    ground.container(container.id)
    match change:
        case SetLimits():
            set_limits(container, change)
        case SetRestart(policy):
            _set_restart(container, policy)
        case Connect(network, aliases, place):
            birth.join(ground, container, network, aliases, place)
        case Disconnect(network):
            birth.leave(container, network)
        case Rename(name):
            rename(ground, owner, container, name)
        case Unpause():
            if container.phase is Phase.PAUSED:
                container.unpause(ground.now)
        case Start():
            birth.reattach(ground, container)
            _start(ground, container)
        case _:
            assert_never(change)


def set_limits(container: Container, limits: SetLimits) -> None:
    """Give the live fields these limits; None is no limit."""
    wanted = {
        f"{_LIMITS}.cpus": limits.cpus,
        f"{_LIMITS}.memory": limits.memory,
        f"{_LIMITS}.pids": limits.pids,
        "deploy.resources.reservations.memory": limits.memory_reservation,
        "memswap_limit": limits.memory_and_swap,
        "cpu_shares": limits.cpu_shares,
        "cpuset": limits.cpuset,
    }
    for path, value in wanted.items():
        if value is not None or path in container.fields:
            container.fields[path] = value


def rename(ground: Ground, owner: Owner, container: Container, name: str) -> None:
    """Raises Stale or Refused when another container bears the name; its own name is no change."""
    if container.name != name:
        birth.require_free(ground, owner, name)
        container.name = name


def _is_twin(ground: Ground, blueprint: Blueprint) -> bool:
    holder = ground.named(blueprint.name)
    if holder is None or holder.phase is not Phase.RUNNING:
        return False
    return generation_of(holder.labels) == blueprint.generation


async def _rename(ground: Ground, owner: Owner, verb: str, container: Container, name: str) -> None:
    if container.name != name:
        await ground.call(verb, "rename", container.name, lambda: rename(ground, owner, container, name))


async def _stop(ground: Ground, verb: str, container: Container, grace: float) -> None:
    if not container.alive:
        return
    stubborn = container.behaviour.ignores_term
    if stubborn:
        await ground.time.sleep(grace)
    code = _KILLED if stubborn else _TERMINATED
    await ground.call(verb, "stop", container.name, lambda: stop(ground, container, code))


def stop(ground: Ground, container: Container, exit_code: int = _TERMINATED) -> None:
    """Stop it if it is alive."""
    if ground.container(container.id).alive:
        container.stop(ground.now, exit_code)


def _start(ground: Ground, container: Container) -> None:
    ground.container(container.id)
    if not container.alive or container.phase is Phase.PAUSED:
        birth.start(ground, container)


def _connect(ground: Ground, container: Container, network: str, use: NetworkUse) -> None:
    birth.join(ground, ground.container(container.id), network, use.aliases, use.place)


def _set_restart(container: Container, policy: str) -> None:
    container.restart = policy


def _delete(ground: Ground, owner: Owner, container: Container) -> None:
    if container.id not in ground.containers:
        return
    require_owner(owner, "container", container.name, container.labels)
    if container.phase in {Phase.REMOVING, Phase.DEAD}:
        raise in_use("container", container.name, "a removal that does not end")
    del ground.containers[container.id]
