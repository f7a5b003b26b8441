"""What the engine's lists say without an inspect: names, owners, ports, members. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

from providers.docker.labels import FILLER
from providers.docker.tree import Node, branch, nodes, text, text_map, texts, whole
from reconciler import ownership
from reconciler.observed import Handle, Namesake
from reconciler.ownership import Owner, is_ours

Kind: TypeAlias = Literal["container", "network", "volume"]


def container_name(container: Node) -> str:
    """The name of a listed container (links give it others, with more slashes)."""
    names = (name.removeprefix("/") for name in texts(container, "Names"))
    return next((name for name in names if "/" not in name), "")


def is_instance(container: Node, owner: Owner) -> bool:
    """Whether a listed container claims to be an instance of ours; its inspect decides."""
    labels = text_map(container, "Labels")
    return is_ours(labels, owner) and ownership.SERVICE in labels


def fillers(containers: Iterable[Node], owner: Owner, host: str) -> dict[str, Handle]:
    """Filling containers of ours by the volume that they fill."""
    found: dict[str, Handle] = {}
    for container in containers:
        labels = text_map(container, "Labels")
        if is_ours(labels, owner) and labels.get(ownership.ROLE) == FILLER:
            found[labels.get(ownership.NAME, "")] = Handle(host, text(container, "Id"))
    return found


def members(containers: Iterable[Node], networks: Sequence[Node]) -> dict[str, list[str]]:
    """Ids of the containers, in any state and of anyone, that refer to each network, by its id."""
    ids: dict[str, list[str]] = {}
    for network in networks:
        ids.setdefault(text(network, "Name"), []).append(text(network, "Id"))
    found: dict[str, list[str]] = {}
    for container in containers:
        for key, endpoint in branch(container, "NetworkSettings", "Networks").items():
            network_id = text(endpoint, "NetworkID")
            # Never started: the endpoint has a name only, which means all that bear it, or an id as name.
            for member_of in [network_id] if network_id else ids.get(key, [key]):
                found.setdefault(member_of, []).append(text(container, "Id"))
    return found


def foreign_ports(containers: Iterable[Node], ours: frozenset[str]) -> dict[int, str]:
    """Published tcp ports of the host that containers hold which are not among ``ours`` (ids)."""
    found: dict[int, str] = {}
    for container in containers:
        if text(container, "Id") in ours:
            continue
        for port in nodes(container, "Ports"):
            if whole(port, "PublicPort") and text(port, "Type") == "tcp":
                found[whole(port, "PublicPort")] = f"container {container_name(container)}"
    return found


def namesakes(
    owner: Owner,
    host: str,
    names: Iterable[str],
    objects: Mapping[Kind, Sequence[Node]],
    ours: frozenset[str],
) -> tuple[Namesake, ...]:
    """The objects that bear one of ``names`` and are not ours. ``ours`` are ids of our containers."""
    wanted = frozenset(names)
    found: list[Namesake] = []
    for kind, listed in objects.items():
        for node in listed:
            name = container_name(node) if kind == "container" else text(node, "Name")
            labels = text_map(node, "Labels")
            own = text(node, "Id") in ours if kind == "container" else is_ours(labels, owner)
            if name in wanted and not own:
                handle = Handle(host, text(node, "Id") or name)
                found.append(Namesake(kind, name, handle, labels.get(ownership.OWNER)))
    return tuple(sorted(found, key=lambda namesake: (namesake.kind, namesake.object_name, namesake.handle)))
