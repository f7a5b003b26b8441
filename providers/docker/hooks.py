"""The containers of hooks: made like an instance, with another command, and never taken for one.

It bears our labels alone and its role among them; it publishes nothing, and answers to no name of its service
on any network. Its log is kept where the service keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.docker import apart
from providers.docker.containers import Containers
from providers.docker.faults import mask, stale
from providers.docker.instances import prepare
from providers.docker.labels import instance_labels
from providers.docker.tree import branch, moment, text
from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.desired import Json
from reconciler.observed import Handle
from reconciler.ownership import PREFIX, Owner, parse_instance_name
from reconciler.provider import ProviderError


async def create(
    containers: Containers, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
) -> Handle:
    """Create, attach and fill; not start. A crash between two calls leaves one that never started, which the
    plan takes away. Raises as creating an instance does; Stale when its name is held."""
    try:
        return await _create(containers, blueprint, words, secrets)
    except ProviderError as error:
        raise mask(error, secrets.values()) from None


async def _create(
    containers: Containers, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
) -> Handle:
    prepared = await prepare(containers, blueprint, secrets)
    made = await apart.create(containers, blueprint, prepared, hook_payload(prepared.body, blueprint, words))
    await apart.complete(containers, made, blueprint, prepared, secrets)
    return Handle("", made)


async def start(containers: Containers, owner: Owner, handle: Handle) -> None:
    """Start it for the first time: a hook that has ended is never started again."""
    container = await containers.expected(owner, handle)
    name = text(container, "Name").lstrip("/")
    if moment(branch(container, "State"), "StartedAt") is not None:
        raise stale(name, "it was started before")
    await containers.start(handle, name)


def hook_payload(body: Mapping[str, Json], blueprint: Blueprint, words: Sequence[str]) -> dict[str, Json]:
    """The body of an instance's create call made a hook's: without a terminal, and nothing to read."""
    return {**apart.apart(body, _labels(blueprint), words), "Tty": False, "OpenStdin": False}


def _labels(blueprint: Blueprint) -> dict[str, Json]:
    ours = {name: value for name, value in instance_labels(blueprint).items() if name.startswith(PREFIX)}
    name = parse_instance_name(blueprint.name)
    return {**ours, ownership.ROLE: name.role.value if name else ""}
