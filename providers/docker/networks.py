"""Networks: creating by a name that is no lock, and attaching by id."""

from __future__ import annotations

import json

from providers.docker.endpoints import NOWHERE, endpoint_payload, place_of
from providers.docker.engine import Engine
from providers.docker.faults import EngineError, name_held, not_ours, stale
from providers.docker.labels import object_labels
from providers.docker.tree import Node, branch, moment, text, text_map, texts
from reconciler.desired import DesiredNetwork, Json
from reconciler.observed import Handle
from reconciler.ownership import Owner, is_ours
from reconciler.provider import ProviderError
from specs.privilege import Attachment
from specs.resource import Pool


async def named(engine: Engine, object_name: str) -> list[Node]:
    """All networks that bear this name: on some engines there can be several."""
    query = {"filters": json.dumps({"name": [object_name]})}
    found = await engine.read_list("/networks", query)
    return [network for network in found if text(network, "Name") == object_name]


async def create(engine: Engine, owner: Owner, network: DesiredNetwork) -> None:
    """Make a network; one of ours by this name is success. Of several of ours the oldest stays and the
    others go by id: creating one is no compare-and-swap (facts: racing creates). Raises Refused when a
    stranger holds the name."""
    existing = await named(engine, network.object_name)
    _check_holders(owner, network.object_name, existing)
    if not existing:
        try:
            await engine.write("POST", "/networks/create", body=_payload(owner, network))
        except EngineError as error:
            if error.status != 409:
                raise
        existing = await named(engine, network.object_name)
        _check_holders(owner, network.object_name, existing)
        if not existing:
            raise stale(network.object_name, "the network is not there after it was made")
    for double in sorted(existing, key=_age)[1:]:
        await remove_by_id(engine, text(double, "Id"))


def _check_holders(owner: Owner, object_name: str, found: list[Node]) -> None:
    if found and not any(is_ours(text_map(network, "Labels"), owner) for network in found):
        raise name_held(object_name, f"network {text(found[0], 'Id')[:12]}")


def _age(network: Node) -> tuple[float, str]:
    return moment(network, "Created") or 0.0, text(network, "Id")


def _payload(owner: Owner, network: DesiredNetwork) -> dict[str, Json]:
    body: dict[str, Json] = {
        "Name": network.object_name,
        "CheckDuplicate": True,
        "Driver": network.driver,
        "Internal": network.internal,
        "Options": dict(network.driver_opts),
        "Labels": {**network.labels, **object_labels(owner, network.name)},
    }
    if network.pools:
        body["IPAM"] = {"Driver": "default", "Config": [_pool(pool) for pool in network.pools]}
    if network.enable_ipv6:
        body["EnableIPv6"] = True
    if network.attachable:
        body["Attachable"] = True
    return body


def _pool(pool: Pool) -> Json:
    body: dict[str, Json] = {"Subnet": pool.subnet}
    if pool.gateway is not None:
        body["Gateway"] = pool.gateway
    if pool.ip_range is not None:
        body["IPRange"] = pool.ip_range
    if pool.aux_addresses:
        body["AuxiliaryAddresses"] = dict(pool.aux_addresses)
    return body


async def remove(engine: Engine, owner: Owner, handle: Handle) -> None:
    """Remove a network of ours by id; gone already is success. Raises Stale when it is not ours,
    ProviderError while something is attached."""
    found = await engine.find(f"/networks/{handle.id}")
    if found is None:
        return
    if not is_ours(text_map(found, "Labels"), owner):
        raise not_ours(text(found, "Name") or handle.id)
    await remove_by_id(engine, handle.id)


async def remove_by_id(engine: Engine, network_id: str) -> None:
    """Remove one network that nothing is attached to."""
    try:
        await engine.write("DELETE", f"/networks/{network_id}")
    except EngineError as error:
        if error.status == 403:
            raise ProviderError(
                "DKR015", network_id[:12], error.seen, "a network without endpoints", "it is tried again"
            ) from None
        if error.status != 404:
            raise


async def connect(
    engine: Engine, container_id: str, network: str, aliases: tuple[str, ...], place: Attachment = NOWHERE
) -> None:
    """Attach a container to a network, by id or by external name; attached already is success."""
    body: dict[str, Json] = {"Container": container_id, "EndpointConfig": endpoint_payload(aliases, place)}
    try:
        await engine.write("POST", f"/networks/{network}/connect", body=body)
    except EngineError as error:
        if "already exists in network" not in error.seen and "already attached" not in error.seen:
            raise


async def disconnect(engine: Engine, container_id: str, network: str) -> None:
    """Detach a container by force: it works for a stopped one and for a network that is gone."""
    body: dict[str, Json] = {"Container": container_id, "Force": True}
    try:
        await engine.write("POST", f"/networks/{network}/disconnect", body=body)
    except EngineError as error:
        if error.status != 404 and "is not connected to" not in error.seen:
            raise


async def reattach(engine: Engine, container: Node) -> None:
    """Attach a stopped container anew to every network that was removed and made again under its name: it
    cannot start otherwise. Endpoints that lead nowhere are taken off; raises Stale when none would be left,
    since the engine would start it on its own bridge."""
    container_id = text(container, "Id")
    endpoints = branch(container, "NetworkSettings", "Networks")
    gone = [key for key, endpoint in endpoints.items() if await _leads_nowhere(engine, endpoint)]
    again = {key: found[0] for key in gone if (found := await named(engine, key))}
    if endpoints and len(gone) == len(endpoints) and not again:
        raise stale(text(container, "Name").lstrip("/"), "none of its networks is there any more")
    for key in gone:
        await disconnect(engine, container_id, key)
        if key in again:
            aliases = _aliases(endpoints[key], container_id)
            await connect(engine, container_id, text(again[key], "Id"), aliases, place_of(endpoints[key]))


async def _leads_nowhere(engine: Engine, endpoint: Json) -> bool:
    network_id = text(endpoint, "NetworkID")
    return network_id != "" and await engine.find(f"/networks/{network_id}") is None


def _aliases(endpoint: Json, container_id: str) -> tuple[str, ...]:
    return tuple(alias for alias in texts(endpoint, "Aliases") if alias != container_id[:12])
