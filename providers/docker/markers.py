"""Markers: small named values as empty labelled volumes (design, section 5).

A marker's name ends in its sequence number, so of two writers of one number only one makes the volume: the
engine answers both alike, and whose labels stand there afterwards has won.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from providers.docker.engine import Engine
from providers.docker.faults import not_ours
from providers.docker.labels import object_labels
from providers.docker.tree import Node, text, text_map
from providers.docker.volumes import create_owned, find, remove_by_name
from reconciler import ownership
from reconciler.desired import Json
from reconciler.observed import Marker
from reconciler.ownership import Owner, is_ours, short_digest

ROLE = "marker"
_NAME = re.compile(r"marker_([a-z0-9-]+)_(.+)_([0-9]{1,15})")
_PLAIN = re.compile(r"[a-zA-Z0-9_.-]{0,100}")


def object_name(owner: Owner, marker: Marker) -> str:
    """The name of a marker's volume. A subject that no volume name can hold stands there as its digest."""
    subject = marker.subject if _PLAIN.fullmatch(marker.subject) else short_digest(marker.subject)
    return f"{owner.prefix}marker_{marker.kind}_{subject or '-'}_{marker.sequence}"


def read(owner: Owner, volume: Node) -> Marker | None:
    """The marker that a listed volume is; None when it is none of this owner's, or its parts disagree."""
    labels = text_map(volume, "Labels")
    name = text(volume, "Name")
    if not is_ours(labels, owner) or labels.get(ownership.ROLE) != ROLE:
        return None
    parts = _NAME.fullmatch(name.removeprefix(owner.prefix))
    value = labels.get(ownership.VALUE, "")
    if parts is None:
        return None
    marker = Marker(parts[1], labels.get(ownership.NAME, ""), int(parts[3]), value, name)
    return marker if object_name(owner, marker) == name else None


async def put(engine: Engine, owner: Owner, marker: Marker) -> bool:
    """Write a marker and read it back. False when another's of the same sequence stands there, or one of a
    higher sequence. A reply that was lost changes nothing: the same value under the same sequence is ours.
    """
    name = object_name(owner, marker)
    if any(other.sequence > marker.sequence for other in await _siblings(engine, owner, marker)):
        return False
    labels = object_labels(owner, marker.subject, ROLE) | {ownership.VALUE: marker.value}
    body: dict[str, Json] = {"Name": name, "Labels": dict(labels)}
    made = await create_owned(engine, owner, name, body)
    if text_map(made, "Labels") != labels:
        return False
    siblings = await _siblings(engine, owner, marker)
    best = max((other.sequence for other in siblings), default=marker.sequence)
    for other in siblings:
        if other.sequence < best:
            await remove_by_name(engine, other.object_name)
    return best == marker.sequence


async def _siblings(engine: Engine, owner: Owner, marker: Marker) -> Sequence[Marker]:
    wanted = [f"{ownership.OWNER}={owner}", f"{ownership.ROLE}={ROLE}", f"{ownership.NAME}={marker.subject}"]
    listed = await engine.read_list("/volumes", {"filters": json.dumps({"label": wanted})}, "Volumes")
    found = (read(owner, volume) for volume in listed)
    return [m for m in found if m and m.kind == marker.kind and m.subject == marker.subject]


async def remove(engine: Engine, owner: Owner, name: str) -> None:
    """Remove one marker; gone already is success. Raises Stale when it is no marker of this owner."""
    found = await find(engine, name)
    if found is None:
        return
    labels = text_map(found, "Labels")
    if not is_ours(labels, owner) or labels.get(ownership.ROLE) != ROLE:
        raise not_ours(name)
    await remove_by_name(engine, name)
