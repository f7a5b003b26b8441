"""The project's local registry: one container of the Distribution registry, published on loopback alone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from providers.docker import networks
from providers.docker.containers import Containers
from providers.docker.faults import EngineError, name_held, stale
from providers.docker.policy_values import Permit
from providers.docker.tree import Node, flag, nodes, text, text_map
from providers.docker.volumes import find as find_volume
from reconciler.desired import Json, LocalRegistry
from reconciler.observed import Handle
from reconciler.ownership import REGISTRY, ROLE
from reconciler.provider import ProviderError

PROBE = 1.0
"""Seconds within which a running registry answers a probe."""
START = 20.0
"""Seconds within which a started registry answers."""
_PAUSE = 0.1
_PORT = "5000/tcp"
_DATA = "/var/lib/registry"


async def answers(port: int, deadline: float = PROBE) -> bool:
    """Whether a distribution registry answers on this loopback port."""
    try:
        async with asyncio.timeout(deadline):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                status = (await reader.readline()).split(b" ")[1:2]
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return False
    return status in ([b"200"], [b"401"])


async def start(containers: Containers, registry: LocalRegistry) -> None:
    """Make it run and answer; running already is success. Raises Refused when a stranger holds its name,
    ProviderError when it does not answer in time."""
    if await answers(registry.port) and await _is_as_wanted(containers, registry):
        return
    container = await _existing(containers, registry)
    if container is not None and not _fits(container, registry):
        await containers.stop(container, 10.0)
        await containers.remove(text(container, "Id"))
        container = None
    container_id = text(container, "Id") if container else await _create(containers, registry)
    await containers.start(Handle("", container_id), object_name(registry))
    await _wait(registry)


def object_name(registry: LocalRegistry) -> str:
    """The name of its container, network and volume."""
    return f"{registry.project}_registry"


async def _is_as_wanted(containers: Containers, registry: LocalRegistry) -> bool:
    container = await _existing(containers, registry)
    return container is not None and _fits(container, registry) and flag(container, "State", "Running")


async def _existing(containers: Containers, registry: LocalRegistry) -> Node | None:
    name = object_name(registry)
    found = await containers.engine.find(f"/containers/{name}/json")
    if found is not None and not _is_of(text_map(found, "Config", "Labels"), registry):
        raise name_held(name, f"container {text(found, 'Id')[:12]}")
    return found


def _is_of(labels: Mapping[str, str], registry: LocalRegistry) -> bool:
    return labels.get(REGISTRY) == registry.project


def _fits(container: Node, registry: LocalRegistry) -> bool:
    bindings = nodes(container, "HostConfig", "PortBindings", _PORT)
    ports = [text(binding, "HostPort") for binding in bindings]
    return ports == [str(registry.port)] and text(container, "Config", "Image") == str(registry.image)


async def _create(containers: Containers, registry: LocalRegistry) -> str:
    name, engine = object_name(registry), containers.engine
    if await containers.images.find(str(registry.image)) is None:
        await containers.images.pull(registry.image, None)
    await _make_network(containers, registry)
    volume = await find_volume(engine, name)
    if volume is not None and not _is_of(text_map(volume, "Labels"), registry):
        raise name_held(name, "a volume that is not the registry's")
    try:
        permit = Permit(networks=frozenset({name}))
        return await engine.create("/containers/create", {"name": name}, _payload(registry), permit)
    except EngineError as error:
        if error.status in (404, 409):
            raise stale(name, error.seen) from None
        raise


async def _make_network(containers: Containers, registry: LocalRegistry) -> None:
    """Its own network: it shares one with nothing."""
    name = object_name(registry)
    existing = await networks.named(containers.engine, name)
    if not existing:
        body: dict[str, Json] = {"Name": name, "CheckDuplicate": True, "Labels": dict(_labels(registry))}
        await containers.engine.write("POST", "/networks/create", body=body)
    elif not _is_of(text_map(existing[0], "Labels"), registry):
        raise name_held(name, f"network {text(existing[0], 'Id')[:12]}")


def _labels(registry: LocalRegistry) -> dict[str, str]:
    return {REGISTRY: registry.project}


def _payload(registry: LocalRegistry) -> dict[str, Json]:
    name = object_name(registry)
    labels: dict[str, Json] = {**_labels(registry), ROLE: "data"}
    mount: dict[str, Json] = {
        "Type": "volume",
        "Source": name,
        "Target": _DATA,
        "VolumeOptions": {"Labels": labels},
    }
    return {
        "Image": str(registry.image),
        "Labels": dict(_labels(registry)),
        "Env": ["REGISTRY_STORAGE_DELETE_ENABLED=true"],
        "ExposedPorts": {_PORT: {}},
        "HostConfig": {
            "NetworkMode": name,
            "PortBindings": {_PORT: [{"HostIp": "127.0.0.1", "HostPort": str(registry.port)}]},
            "RestartPolicy": {"Name": "unless-stopped"},
            "Mounts": [mount],
        },
    }


async def _wait(registry: LocalRegistry) -> None:
    for _ in range(round(START / _PAUSE)):
        if await answers(registry.port):
            return
        await asyncio.sleep(_PAUSE)
    raise ProviderError(
        "DKR040",
        object_name(registry),
        f"no answer on 127.0.0.1:{registry.port} within {START:g} s",
        "a registry that answers",
        f"read its log: `docker logs {object_name(registry)}`",
    )
