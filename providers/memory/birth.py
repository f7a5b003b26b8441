"""From a blueprint to a container, and what a start needs of the ground."""

from __future__ import annotations

from collections.abc import Iterator

from providers.memory.container import Container, Endpoint
from providers.memory.errors import absent_image, foreign, gone, name_taken, posing_image, start_failed
from providers.memory.ground import Ground
from providers.memory.labels import instance_labels, volume_labels
from reconciler.actions import Blueprint
from reconciler.desired import FilesUse, Json, MountUse, NetworkUse, ServiceForm
from reconciler.observed import Phase
from reconciler.ownership import OWNER, Owner
from reconciler.secret_volume import volume_of
from specs.privilege import Attachment

NOWHERE = Attachment()

COMPANION = "/.reconciler"
"""Where the volume of its secret files is mounted."""


def create(ground: Ground, blueprint: Blueprint) -> Container:
    """The engine's create: takes the name, makes absent volumes, joins the first network."""
    require_free(ground, blueprint.owner, blueprint.name)
    reference = str(blueprint.image.with_digest(blueprint.image.digest)) if blueprint.image.digest else ""
    if reference not in ground.images:
        raise absent_image(str(blueprint.image))
    if ground.facts(reference).reserved_labels:
        raise posing_image(reference)
    form = blueprint.form
    for use in form.files:
        require_filled(ground, use)
    container = Container(
        id=ground.new_id("container"),
        name=blueprint.name,
        image=reference,
        labels=instance_labels(blueprint),
        behaviour=ground.behaviour(reference),
        created_at=ground.now,
        restart=form.spec.restart,
        form=form,
        fields=visible_fields(form),
        ports=frozenset(p.published for p in form.spec.ports.values() if p.published is not None),
        joins=dict(blueprint.joins),
        volumes=dict(_mounted(ground, blueprint)),
    )
    container.has_check = _has_check(container)
    for network in form.networks[:1]:
        join(ground, container, network_key(blueprint, network), network.aliases, network.place)
    ground.containers[container.id] = container
    return container


def network_key(blueprint: Blueprint, use: NetworkUse) -> str:
    """The id of a network of ours, or the name of another."""
    return blueprint.network_ids.get(use.object_name, use.object_name)


def join(
    ground: Ground,
    container: Container,
    network: str,
    aliases: tuple[str, ...],
    place: Attachment = NOWHERE,
) -> None:
    """Attach to a network by id or unambiguous name. Raises Stale when there is none such."""
    found = ground.network(network)
    if found is None:
        raise gone("network", network)
    container.networks.setdefault(found.id, Endpoint(found.name, aliases, place))


def leave(container: Container, network: str) -> None:
    """Detach from a network by name or id; it may be gone already."""
    for network_id, endpoint in list(container.networks.items()):
        if network in {network_id, endpoint.network}:
            del container.networks[network_id]


def reattach(ground: Ground, container: Container) -> None:
    """Attach anew to every network that was made again under its name, and forget those that are gone:
    it cannot start otherwise."""
    for network_id, endpoint in list(container.networks.items()):
        if network_id not in ground.networks:
            del container.networks[network_id]
            for again in ground.networks_named(endpoint.network)[:1]:
                container.networks[again.id] = endpoint


def start(ground: Ground, container: Container) -> None:
    """The engine's start. Raises ProviderError, or Refused when its command cannot be run; the container
    then bears the error."""
    reason, exit_code = _obstacle(ground, container)
    if reason:
        container.refuse_start(reason, exit_code)
        raise start_failed(container.name, reason, exit_code)
    if container.form is not None:
        for use in container.form.files:
            container.files.update(_files(ground, use))
        container.files.update(_secret_files(ground, container))
    container.start(ground.now)


def require_free(ground: Ground, owner: Owner, name: str) -> None:
    """Raises Stale when one of ours bears the name, Refused when a stranger does."""
    holder = ground.named(name)
    if holder is None:
        return
    if holder.labels.get(OWNER) == str(owner):
        raise name_taken("container", name)
    raise foreign("container", name, holder.labels.get(OWNER))


def require_filled(ground: Ground, use: FilesUse) -> None:
    """Raises Stale when a Config's volume is absent or unfinished."""
    unfinished = any(use.volume in c.volumes.values() for c in ground.containers.values() if is_filler(c))
    if use.volume not in ground.volumes or unfinished:
        raise gone("filled volume", use.volume)


def is_filler(container: Container) -> bool:
    """Whether it is the never-started container through which files travel into a volume."""
    return container.labels.get("reconciler.role") == "filler"


def visible_fields(form: ServiceForm) -> dict[str, Json]:
    """The fields that the engine can show: all but secrets."""
    return {path: value for path, value in form.fields.items() if not _is_secret(path, value)}


def _is_secret(path: str, value: Json) -> bool:
    if isinstance(value, str):
        return "${secret:" in value
    return path.startswith("secrets.") or (isinstance(value, dict) and "secret" in value)


def _has_check(container: Container) -> bool:
    check = container.form.spec.healthcheck if container.form else None
    if check is None or (check.test is None and not check.disable):
        return check is not None or not container.behaviour.no_healthcheck
    return not check.disable and check.test != ("NONE",)


def _mounted(ground: Ground, blueprint: Blueprint) -> Iterator[tuple[str, str]]:
    owner, form = blueprint.owner, blueprint.form
    for use in form.mounts:
        if use.type == "volume":
            ground.make_volume(use.object_name, _mount_labels(owner, use), {"driver": "local"})
            yield use.target, use.object_name
    for files in form.files:
        yield files.target, files.volume
    if (volume := volume_of(blueprint)) is not None:
        yield COMPANION, volume


def _mount_labels(owner: Owner, use: MountUse) -> dict[str, str]:
    return {} if use.external else volume_labels(owner, use.name, "data")


def _secret_files(ground: Ground, container: Container) -> dict[str, bytes]:
    volume = ground.volumes.get(container.volumes.get(COMPANION, ""))
    uses = container.form.secrets if container.form is not None and volume is not None else ()
    content = volume.content if volume is not None else {}
    return {use.target: content[str(place)] for place, use in enumerate(uses) if str(place) in content}


def _files(ground: Ground, use: FilesUse) -> dict[str, bytes]:
    content = ground.volumes[use.volume].content if use.volume in ground.volumes else {}
    if use.file is not None:
        return {use.target: content[use.file]} if use.file in content else {}
    return {f"{use.target}/{path}": text for path, text in content.items()}


def _obstacle(ground: Ground, container: Container) -> tuple[str, int]:
    if container.phase is Phase.PAUSED:
        return "cannot start a paused container, try unpause instead", 0
    if container.behaviour.start_error:
        return container.behaviour.start_error, container.behaviour.start_exit_code
    for joined in container.joins.values():
        if joined not in ground.containers or not ground.containers[joined].alive:
            return f"cannot join network of a non running container: {joined}", 128
    for network_id, endpoint in container.networks.items():
        if network_id not in ground.networks:
            return f"network {endpoint.network} not found", 128
    alive = [c for c in ground.containers.values() if c.alive and c.id != container.id]
    taken = container.ports & frozenset(ground.strangers).union(*(c.ports for c in alive))
    if taken:
        return f"Bind for 0.0.0.0:{min(taken)} failed: port is already allocated", 128
    return "", 0
