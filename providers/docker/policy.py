"""The policy on payloads: every field that goes to the engine is checked just before it is sent. Pure.

A payload is what counts, not what a spec said on the way to it (contracts, section 9): each field is safe, or
named with its value by the environment's ``allow``, or refused. A field that no table knows is refused, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from providers.docker import policy_resources as resources
from providers.docker import policy_table as table
from providers.docker import policy_values as values
from providers.docker.policy_values import NOTHING, Call, Grant, Permit
from providers.docker.tree import Node
from reconciler.actions import Blueprint
from reconciler.desired import Json
from reconciler.provider import Refused
from reconciler.secret_volume import volume_of

_KEYS: Final[Mapping[str, values.Test]] = {
    "ExposedPorts.*": values.exposed,
    "HostConfig.PortBindings.*": values.exposed,
    "NetworkingConfig.EndpointsConfig.*": values.network_name,
}
"""What a key of a map must be."""
_JOINING: Final = ("HostConfig.NetworkMode", "HostConfig.IpcMode", "HostConfig.PidMode")
_CALLS: Final[tuple[tuple[re.Pattern[str], Call], ...]] = (
    (re.compile(r"/containers/create"), "container"),
    (re.compile(r"/networks/create"), "network"),
    (re.compile(r"/volumes/create"), "volume"),
    (re.compile(r"/containers/[^/]+/update"), "update"),
    (re.compile(r"/networks/[^/]+/connect"), "connect"),
    (re.compile(r"/networks/[^/]+/disconnect"), "disconnect"),
    (re.compile(r"/containers/[^/]+/exec"), "exec"),
    (re.compile(r"/exec/[^/]+/start"), "start"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """The three classes of one call's fields."""

    safe: Mapping[str, values.Test]
    granted: Mapping[str, Grant] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, path: str) -> bool:
        return path in self.safe or path in self.granted or path in self.refused

    def leads_to(self, path: str) -> bool:
        """Whether some field lies below a path."""
        below = tuple(f"{path}{separator}" for separator in (".", "["))
        return any(known.startswith(below) for part in self._parts for known in part)

    @property
    def _parts(self) -> tuple[Mapping[str, object], ...]:
        return self.safe, self.granted, self.refused


_SIZE: Final = "a call of its own says it"
TABLES: Final[Mapping[Call, Table]] = {
    "container": Table(table.CONTAINER_SAFE, table.CONTAINER_GRANTED, table.CONTAINER_REFUSED),
    "network": Table(resources.NETWORK_SAFE, {}, resources.NETWORK_REFUSED),
    "volume": Table(resources.VOLUME_SAFE, resources.VOLUME_GRANTED, resources.VOLUME_REFUSED),
    "update": Table(table.LIMITS, {}, resources.UPDATE_REFUSED),
    "connect": Table(
        {"Container": values.text, **{f"EndpointConfig.{k}": v for k, v in table.ENDPOINT_SAFE.items()}},
        {},
        {f"EndpointConfig.{path}": why for path, why in table.ENDPOINT_REFUSED.items()},
    ),
    "disconnect": Table({"Container": values.text, "Force": values.flag}),
    "exec": Table(resources.EXEC_SAFE, {}, resources.EXEC_REFUSED),
    "start": Table({"Detach": values.flag, "Tty": values.flag}, {}, {"ConsoleSize[]": _SIZE}),
}


class Finding(NamedTuple):
    """One field that must not be sent: its path, and what would make it right."""

    path: str
    code: str
    seen: str
    expected: str
    remedy: str


def check(path: str, where: str, body: Node, permit: Permit = NOTHING) -> None:
    """Raises Refused for the first field of a payload that is neither safe nor allowed. ``path`` is the
    call's, ``where`` names the object. No value is repeated but one that ``allow`` would name."""
    call = call_of(path)
    if call is None:
        raise Refused(
            "DKR070", where, f"a payload for {path}", "a call of the policy's table", "report it as a bug"
        )
    for finding in find(call, body, permit):
        raise Refused(finding.code, where, finding.seen, finding.expected, finding.remedy)


def permit_of(blueprint: Blueprint, mountpoints: Mapping[str, str]) -> Permit:
    """What the create call of an instance may carry. ``mountpoints``: where the volumes of files and secrets
    lie on the host."""
    volumes = {use.volume for use in blueprint.form.files} | {volume_of(blueprint) or ""}
    return Permit(
        service_name=blueprint.service_name,
        allowed=blueprint.allowed,
        folders=frozenset(mountpoints[name] for name in volumes if name in mountpoints),
        joins=frozenset(blueprint.joins.values()),
    )


def check_volume(object_name: str, options: Mapping[str, Json], permit: Permit) -> None:
    """Raises Refused for a volume that leads to a host path which ``allow`` does not name, whoever made it:
    mounting it is mounting that path."""
    if options and not values.volume_options(dict(options), permit):
        raise Refused(
            "DKR074",
            object_name,
            "the volume's options lead to the host, or are not known",
            "a volume whose host path the environment's allow.host_mounts names",
            "name exactly this path in allow.host_mounts of the Environment, or mount another volume",
        )


def call_of(path: str) -> Call | None:
    """Which table a call's payload is held to."""
    return next((call for pattern, call in _CALLS if pattern.fullmatch(path)), None)


def find(call: Call, body: Node, permit: Permit = NOTHING) -> Iterator[Finding]:
    """Every field of a payload that must not be sent."""
    yield from _Walk(call, TABLES[call], permit).mapping("", body)


@dataclass(frozen=True, slots=True)
class _Walk:
    call: Call
    table: Table
    permit: Permit

    def mapping(self, prefix: str, node: Mapping[str, Json]) -> Iterator[Finding]:
        for key, value in node.items():
            plain = f"{prefix}.{key}" if prefix else key
            starred = f"{prefix}.*"
            path = starred if starred in self.table or self.table.leads_to(starred) else plain
            known_key = _KEYS.get(path)
            if known_key is not None and not known_key(key):
                yield _unsafe(f"a key of {prefix}")
            else:
                yield from self.value(path, value, node)

    def value(self, path: str, value: Json, parent: Mapping[str, Json]) -> Iterator[Finding]:
        if path in self.table:
            yield from self.leaf(path, value, parent)
        elif not self.table.leads_to(path):
            yield Finding(
                path,
                "DKR070",
                f"{path} in the payload",
                "a field of the policy's table",
                "report it as a bug; nothing was sent",
            )
        elif f"{path}[]" in self.table.refused:
            # Even an empty list says something: no path is masked.
            yield from self.leaf(f"{path}[]", value, parent)
        elif isinstance(value, list):
            for item in value:
                yield from self.value(f"{path}[]", item, parent)
        elif isinstance(value, dict):
            yield from self.mapping(path, value)
        elif value is not None:
            yield _unsafe(path)

    def leaf(self, path: str, value: Json, parent: Mapping[str, Json]) -> Iterator[Finding]:
        if path in self.table.refused:
            why = self.table.refused[path]
            yield Finding(path, "DKR071", f"{path} in the payload: {why}", "a payload without it", "")
        elif path in self.table.safe:
            if not self.table.safe[path](value):
                yield _unsafe(path)
        elif not self.is_granted(path, value, parent):
            grant = self.table.granted[path]
            named = grant.named(value)
            shown = f" {named}" if named else ""
            yield Finding(
                path,
                "DKR072",
                f"{path}{shown} in the payload",
                f"a value that the environment's allow.{grant.word} names",
                f"name it in allow.{grant.word} of the Environment, or take it out of the spec",
            )

    def is_granted(self, path: str, value: Json, parent: Mapping[str, Json]) -> bool:
        grant = self.table.granted[path]
        if path == "DriverOpts":
            return values.volume_options(value, self.permit)
        if path == "HostConfig.Mounts[].Source":
            return values.mount_source(parent, self.permit)
        if path in _JOINING and values.joins(value, self.permit):
            return True
        if path == "HostConfig.NetworkMode" and value in self.permit.networks:
            return True
        named = grant.named(value)
        if path == "HostConfig.Privileged":
            named = self.permit.service_name if value is True else None
        return grant.free(value) or (named is not None and self.permit.grants(grant.word, named))


def _unsafe(path: str) -> Finding:
    return Finding(
        path,
        "DKR073",
        f"{path} in the payload has a value outside the safe set",
        "a value of the policy's table",
        "take it out of the spec; nothing was sent",
    )
