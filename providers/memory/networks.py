"""The verbs on networks."""

from __future__ import annotations

from functools import partial

from providers.memory.errors import foreign, in_use
from providers.memory.ground import Ground, Network, require_owner
from providers.memory.labels import network_labels
from reconciler.desired import DesiredNetwork, Json
from reconciler.ownership import OWNER, Owner


async def create(ground: Ground, owner: Owner, network: DesiredNetwork) -> None:
    """create, then remove_double for each of ours by this name but the oldest. Names are no locks."""
    name = network.object_name
    held = ground.networks_named(name)
    if held and not _ours(ground, owner, name):
        raise foreign("network", name, held[0].labels.get(OWNER))
    if not held:
        await ground.call("create_network", "create", name, lambda: make(ground, owner, network))
    for double in _ours(ground, owner, name)[1:]:
        drop = partial(_remove, ground, double)
        await ground.call("create_network", "remove_double", name, drop)


async def remove(ground: Ground, owner: Owner, network_id: str) -> None:
    """remove. Gone already is success; one with members is ProviderError."""
    network = ground.networks.get(network_id)
    if network is None:
        return
    require_owner(owner, "network", network.name, network.labels)
    await ground.call("remove_network", "remove", network.name, lambda: _remove(ground, network))


def make(ground: Ground, owner: Owner, network: DesiredNetwork) -> Network:
    """The engine's create: there may be one of this name already."""
    made = Network(
        id=ground.new_id("network"),
        name=network.object_name,
        labels={**network.labels, **network_labels(owner, network.name)},
        created_at=ground.now,
        fields=_fields(network),
    )
    ground.networks[made.id] = made
    return made


def _fields(network: DesiredNetwork) -> dict[str, Json]:
    fields: dict[str, Json] = {"driver": network.driver, "internal": network.internal}
    if network.pools:
        fields["subnet"] = network.pools[0].subnet
    fields.update({f"driver_opts.{k}": v for k, v in network.driver_opts.items()})
    fields.update({f"labels.{k}": v for k, v in network.labels.items()})
    return fields


def _ours(ground: Ground, owner: Owner, name: str) -> list[Network]:
    return [n for n in ground.networks_named(name) if n.labels.get(OWNER) == str(owner)]


def _remove(ground: Ground, network: Network) -> None:
    members = [c for c in ground.members(network.id) if c.alive]
    if members:
        raise in_use("network", network.name, members[0].name)
    ground.networks.pop(network.id, None)
