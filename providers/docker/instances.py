"""One instance's life on the engine: created, retired, revived, mended, removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from providers.docker import networks, secret_files
from providers.docker.containers import Containers
from providers.docker.faults import EngineError, mask, name_held, stale
from providers.docker.images import has_reserved_labels
from providers.docker.payload import ImageFacts, create_payload, update_payload
from providers.docker.policy import check_volume, permit_of
from providers.docker.policy_values import NOTHING, Permit
from providers.docker.tree import Node, branch, flag, text, text_map
from providers.docker.volumes import find as find_volume
from reconciler.actions import Blueprint
from reconciler.changes import Change, Connect, Disconnect, Rename, SetLimits, SetRestart, Start, Unpause
from reconciler.desired import Json
from reconciler.observed import Handle
from reconciler.ownership import FINGERPRINT, IMAGE, SECRETS, Owner, is_ours
from reconciler.provider import ProviderError, Refused
from reconciler.secret_volume import needs_volume, volume_of


async def create(containers: Containers, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
    """Create, attach, fill and start one instance.

    A crash between two calls leaves a created container that never started, and a refused start leaves one
    with ``error`` and exit code 126 to 128: the next look sees them and the plan decides.
    The same generation running under the name already is success. Raises Stale when another container of
    ours holds the name or image or volume went away, Refused when a stranger holds it.
    """
    try:
        await _create(containers, blueprint, secrets)
    except ProviderError as error:
        raise mask(error, secrets.values()) from None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the create call needs and what follows it: the body, the image, ids of networks by name."""

    body: dict[str, Json]
    image: ImageFacts
    network_ids: Mapping[str, str]
    permit: Permit = NOTHING
    """What the payload may carry beyond the safe set."""


async def prepare(containers: Containers, blueprint: Blueprint, secrets: Mapping[str, str]) -> Prepared:
    """Look at everything that the container needs. Raises Stale for what is not there, Refused for what
    will not do; the errors may hold the engine's words."""
    secret_files.check(blueprint.name, blueprint.form, secrets)
    image = await _image(containers, blueprint)
    mountpoints = await _mountpoints(containers, blueprint)
    mountpoints |= await _secret_volume(containers, blueprint, image, secrets)
    network_ids = await _network_ids(containers, blueprint)
    body = create_payload(blueprint, image, secrets, mountpoints)
    return Prepared(body, image, network_ids, permit_of(blueprint, mountpoints))


async def copy_secrets(
    containers: Containers,
    container_id: str,
    blueprint: Blueprint,
    image: ImageFacts,
    secrets: Mapping[str, str],
) -> None:
    """Copy its secret files into a container that was created and has not started."""
    if needs_volume(blueprint.form):
        return
    user = blueprint.form.spec.user
    await secret_files.copy(
        containers.engine,
        container_id,
        blueprint.name,
        image.user if user is None else user,
        blueprint.form.secrets,
        secrets,
    )


async def _create(containers: Containers, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
    prepared = await prepare(containers, blueprint, secrets)
    try:
        query = {"name": blueprint.name}
        made = await containers.engine.create("/containers/create", query, prepared.body, prepared.permit)
    except EngineError as error:
        if error.status == 409:
            await _accept_twin(containers, blueprint)
            return
        if error.status == 404:
            raise stale(blueprint.name, error.seen) from None
        raise
    handle, network_ids = Handle("", made), prepared.network_ids
    for use in blueprint.form.networks[1:]:
        if use.place.mac_address is not None:
            continue  # the create call has attached it
        network_id = network_ids[use.object_name]
        await networks.connect(containers.engine, handle.id, network_id, use.aliases, use.place)
    await copy_secrets(containers, handle.id, blueprint, prepared.image, secrets)
    await containers.start(handle, blueprint.name)


async def _image(containers: Containers, blueprint: Blueprint) -> ImageFacts:
    facts = await containers.images.find(str(blueprint.image))
    if facts is None:
        raise stale(blueprint.name, f"image {blueprint.image} is not on the engine")
    if has_reserved_labels(facts):
        raise Refused(
            "DKR021",
            str(blueprint.image),
            "the image carries labels that begin with reconciler.",
            "an image without them",
            "build it without these labels",
        )
    return facts


async def _mountpoints(containers: Containers, blueprint: Blueprint) -> dict[str, str]:
    """Host paths of the volumes that it mounts. A stranger's is Refused. Those with files, and external
    ones, must be there: the mount would make an empty one, which only a data volume of ours may be."""
    form, found = blueprint.form, dict[str, str]()
    volumes = {use.object_name: use.external for use in form.mounts if use.type == "volume"}
    volumes |= {use.volume: False for use in form.files}
    needed = {name for name, external in volumes.items() if external} | {use.volume for use in form.files}
    for name, external in sorted(volumes.items()):
        volume = await find_volume(containers.engine, name)
        if volume is None:
            if name in needed:
                raise stale(blueprint.name, f"volume {name} is not on the engine")
            continue
        if not external and not is_ours(text_map(volume, "Labels"), blueprint.owner):
            raise name_held(name, "a volume without our owner label")
        permit = Permit(blueprint.service_name, blueprint.allowed)
        check_volume(name, branch(volume, "Options"), permit)
        found[name] = text(volume, "Mountpoint")
    return found


async def _secret_volume(
    containers: Containers, blueprint: Blueprint, image: ImageFacts, secrets: Mapping[str, str]
) -> dict[str, str]:
    """The filled volume of its secret files and its host path, where they cannot be copied."""
    volume = volume_of(blueprint)
    if volume is None:
        return {}
    user = blueprint.form.spec.user
    await secret_files.publish(containers, blueprint, volume, image.user if user is None else user, secrets)
    found = await find_volume(containers.engine, volume)
    if found is None:
        raise stale(blueprint.name, f"volume {volume} went away")
    return {volume: text(found, "Mountpoint")}


async def _network_ids(containers: Containers, blueprint: Blueprint) -> dict[str, str]:
    """The id of each network, ours proved to be there still; external ones go by name."""
    found: dict[str, str] = {}
    for use in blueprint.form.networks:
        wanted = use.object_name if use.external else blueprint.network_ids.get(use.object_name, "")
        network = await containers.engine.find(f"/networks/{wanted}") if wanted else None
        if network is None or text(network, "Name") != use.object_name:
            raise stale(blueprint.name, f"network {use.object_name} is not on the engine")
        found[use.object_name] = wanted
    return found


async def _accept_twin(containers: Containers, blueprint: Blueprint) -> None:
    twin = await containers.engine.find(f"/containers/{blueprint.name}/json")
    if twin is None:
        raise stale(blueprint.name, "its name was held for a moment")
    labels = text_map(twin, "Config", "Labels")
    if not is_ours(labels, blueprint.owner):
        raise name_held(blueprint.name, f"container {text(twin, 'Id')[:12]}")
    generation = blueprint.generation
    same = (labels.get(FINGERPRINT), labels.get(SECRETS)) == (generation.fingerprint, generation.secrets)
    same = same and labels.get(IMAGE, "").endswith(f"@{generation.digest}")
    if not (same and flag(twin, "State", "Running")):
        raise stale(blueprint.name, "it exists already and does not run")


async def retire(containers: Containers, owner: Owner, handle: Handle, name: str, grace: float) -> None:
    """Restart policy off, then the name with its role, then stop: in this order a crash, or a restart of
    the engine, never brings it back to life under its old name."""
    container = await containers.expected(owner, handle)
    await containers.set_restart(handle, "no")
    await containers.rename(container, name)
    await containers.stop(container, grace)


async def revive(containers: Containers, owner: Owner, handle: Handle, name: str, restart: str) -> None:
    """Networks that were made again, the live name back, restart policy, start."""
    container = await containers.expected(owner, handle)
    await networks.reattach(containers.engine, container)
    await containers.rename(container, name)
    await containers.set_restart(handle, restart)
    await containers.start(handle, name)


async def remove(containers: Containers, owner: Owner, handle: Handle, grace: float) -> None:
    """Stop with grace and remove, with anonymous volumes and no others; gone already is success. Ownership
    is read again after the stop, which may have taken long."""
    container = await containers.owned(owner, handle)
    if container is None:
        return
    if flag(container, "State", "Running"):
        await containers.stop(container, grace)
        if await containers.owned(owner, handle) is None:
            return
    await containers.remove(handle.id)


async def mend(containers: Containers, owner: Owner, handle: Handle, changes: Sequence[Change]) -> None:
    """Change a live instance in place, in the order given; each change made already is success."""
    container = await containers.expected(owner, handle)
    for change in changes:
        await _apply(containers, container, handle, change)


async def _apply(containers: Containers, container: Node, handle: Handle, change: Change) -> None:
    match change:
        case SetLimits():
            await containers.update(handle, update_payload(change))
        case SetRestart(policy):
            await containers.set_restart(handle, policy)
        case Connect(network, aliases, place):
            await networks.connect(containers.engine, handle.id, network, aliases, place)
        case Disconnect(network):
            await networks.disconnect(containers.engine, handle.id, network)
        case Rename(name):
            await containers.rename(container, name)
        case Unpause():
            await containers.unpause(container)
        case Start():
            await networks.reattach(containers.engine, container)
            await containers.start(handle, text(container, "Name").lstrip("/"))
        case _:
            assert_never(change)
