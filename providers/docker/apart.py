"""Containers that are made like an instance and are none: those of tasks and hooks.

They run another command, publish nothing, and answer to no name of their service on any network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.docker import networks
from providers.docker.containers import Containers
from providers.docker.faults import EngineError, stale
from providers.docker.instances import Prepared, copy_secrets
from providers.docker.tree import branch
from reconciler.actions import Blueprint
from reconciler.desired import Json


async def create(
    containers: Containers, blueprint: Blueprint, prepared: Prepared, body: Mapping[str, Json]
) -> str:
    """The id of a new container, neither attached to further networks nor filled. Raises Stale when its name
    is held, or something that it needs is gone."""
    try:
        query = {"name": blueprint.name}
        return await containers.engine.create("/containers/create", query, body, prepared.permit)
    except EngineError as error:
        if error.status in (404, 409):
            raise stale(blueprint.name, error.seen) from None
        raise


async def complete(
    containers: Containers,
    container_id: str,
    blueprint: Blueprint,
    prepared: Prepared,
    secrets: Mapping[str, str],
) -> None:
    """Attach it to its other networks, and copy its secret files."""
    for use in blueprint.form.networks[1:]:
        await networks.connect(containers.engine, container_id, prepared.network_ids[use.object_name], ())
    await copy_secrets(containers, container_id, blueprint, prepared.image, secrets)


def apart(body: Mapping[str, Json], labels: Mapping[str, Json], words: Sequence[str]) -> dict[str, Json]:
    """The body of an instance's create call for a container apart. The service's labels stay away: a proxy
    that reads labels would send it traffic."""
    host = {key: value for key, value in branch(dict(body), "HostConfig").items() if key != "PortBindings"}
    made: dict[str, Json] = {
        **{key: value for key, value in body.items() if key not in ("ExposedPorts", "MacAddress")},
        "Labels": dict(labels),
        "Cmd": list(words),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {**host, "RestartPolicy": {"Name": "no"}},
    }
    endpoints = branch(dict(body), "NetworkingConfig", "EndpointsConfig")
    if endpoints:
        # Without aliases, and without an address that an instance has.
        made["NetworkingConfig"] = {"EndpointsConfig": {name: {} for name in endpoints}}
    return made
