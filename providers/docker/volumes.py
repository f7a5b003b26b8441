"""Volumes: names are no locks, and a second create changes nothing, so labels are read back."""

from __future__ import annotations

from providers.docker.containers import Containers
from providers.docker.engine import Engine
from providers.docker.faults import EngineError, name_held, not_ours
from providers.docker.labels import object_labels
from providers.docker.policy_values import NOTHING, Permit
from providers.docker.tree import Node, text, text_map
from reconciler.desired import DesiredVolume, Json
from reconciler.ownership import ROLE, Owner, is_ours
from reconciler.provider import ProviderError, Refused


async def find(engine: Engine, object_name: str) -> Node | None:
    """A volume by name; None when there is none."""
    return await engine.find(f"/volumes/{object_name}")


async def create(engine: Engine, owner: Owner, volume: DesiredVolume) -> None:
    """Make a data volume; one of ours by this name is success. Raises Refused when a stranger holds it."""
    labels = {**volume.labels, **object_labels(owner, volume.name, "data")}
    body: dict[str, Json] = {
        "Name": volume.object_name,
        "Driver": volume.driver,
        "DriverOpts": dict(volume.driver_opts),
        "Labels": dict(labels),
    }
    await create_owned(engine, owner, volume.object_name, body, Permit(allowed=volume.allowed))


async def create_owned(
    engine: Engine, owner: Owner, object_name: str, body: Node, permit: Permit = NOTHING
) -> Node:
    """Create and read back; what is there then, of this owner. Raises Refused for a stranger's."""
    try:
        await engine.write("POST", "/volumes/create", body=body, permit=permit)
    except EngineError as error:
        if error.status != 409:
            raise
    found = await find(engine, object_name)
    if found is None:
        seen, remedy = "the volume went away as it was made", "see who removes volumes; it is tried again"
        raise ProviderError("DKR011", object_name, seen, "a volume that stays", remedy)
    if not is_ours(text_map(found, "Labels"), owner):
        raise name_held(object_name, "a volume without our owner label")
    return found


async def remove(containers: Containers, owner: Owner, object_name: str) -> None:
    """Remove a volume of role files or secret, with its filler if it has one; gone already is success.
    Raises Refused for role data, Stale for one that is not ours, ProviderError while it is in use."""
    engine = containers.engine
    found = await find(engine, object_name)
    if found is None:
        return
    labels = text_map(found, "Labels")
    if not is_ours(labels, owner):
        raise not_ours(object_name)
    if labels.get(ROLE, "data") == "data":
        raise Refused(
            "DKR014",
            object_name,
            "a data volume",
            "a volume of role files or secret",
            "name it in `reconciler destroy` if its data may go",
        )
    filler = await engine.find(f"/containers/{filler_name(object_name)}/json")
    if filler is not None and is_ours(text_map(filler, "Config", "Labels"), owner):
        await containers.remove(text(filler, "Id"))
    await remove_by_name(engine, object_name)


async def remove_by_name(engine: Engine, object_name: str) -> None:
    """Remove one volume that nothing mounts."""
    try:
        await engine.write("DELETE", f"/volumes/{object_name}")
    except EngineError as error:
        if error.status == 409:
            raise ProviderError(
                "DKR015", object_name, error.seen, "a volume that nothing mounts", "it is tried again"
            ) from None
        if error.status != 404:
            raise


def filler_name(object_name: str) -> str:
    """The name of the never-started container through which a volume is filled."""
    return f"{object_name}_filler"
