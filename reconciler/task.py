"""A task of a service: what its blueprint is, and what it still lacks. Pure."""

from __future__ import annotations

from reconciler.actions import Blueprint
from reconciler.desired import Desired, FilesUse, MountUse, NetworkUse
from reconciler.joins import find_joins
from reconciler.observed import LiveNetwork, Observed
from reconciler.ownership import task_name
from reconciler.target import Target
from reconciler.view import group
from specs.privilege import joined_services


def draw_task(desired: Desired, observed: Observed, target: Target, token: str) -> Blueprint:
    """The blueprint of a task, by the same measures as an instance of the target. ``token`` is eight
    digits. The target's image must be known."""
    generation, image = target.generation, target.image
    if generation is None or image is None:
        raise ValueError(f"{target.service.name}: a task needs the digest of its image")
    wanted = {use.object_name for use in target.form.networks if not use.external}
    oldest: dict[str, LiveNetwork] = {}
    for network in sorted(observed.networks, key=lambda n: (n.created_at, n.handle.id)):
        if network.object_name in wanted:
            oldest.setdefault(network.object_name, network)
    return Blueprint(
        owner=desired.owner,
        service_name=target.service.name,
        number=0,
        name=task_name(desired.owner, target.service.name, token),
        generation=generation,
        form=target.form,
        image=image,
        input=target.input,
        commit=target.commit,
        pin=target.pin,
        source=desired.policy.source,
        allowed=desired.policy.allowed,
        joins=find_joins(group(observed), target.form.spec),
        network_ids={name: network.handle.id for name, network in oldest.items()},
    )


def missing_services(target: Target, observed: Observed) -> tuple[str, ...]:
    """The services whose namespaces it joins and that do not run."""
    there = find_joins(group(observed), target.form.spec)
    return tuple(sorted(set(joined_services(target.form.spec).values()) - there.keys()))


def missing_networks(target: Target, observed: Observed) -> tuple[NetworkUse, ...]:
    """The networks of ours that it joins and that do not exist."""
    there = {network.object_name for network in observed.networks}
    return tuple(u for u in target.form.networks if not u.external and u.object_name not in there)


def missing_volumes(target: Target, observed: Observed) -> tuple[MountUse, ...]:
    """The data volumes of ours that it mounts and that do not exist, each once."""
    there = {volume.object_name for volume in observed.volumes}
    uses = (use for use in target.form.mounts if use.type == "volume" and not use.external)
    return tuple({use.object_name: use for use in uses if use.object_name not in there}.values())


def missing_files(target: Target, observed: Observed) -> tuple[FilesUse, ...]:
    """The files from git that are not published yet, one of each volume."""
    there = {v.object_name for v in observed.volumes if v.finished and v.role == "files"}
    return tuple({use.volume: use for use in target.form.files if use.volume not in there}.values())
