"""A service's form: made from the effective spec, or read back from the label of an instance or a marker."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from reconciler.canonical import (
    decode_canonical,
    decode_label,
    document_fields,
    encode_canonical,
    encode_label,
    fields_of,
)
from reconciler.desired import (
    NOTHING_ALLOWED,
    DesiredNetwork,
    DesiredVolume,
    FilesUse,
    Json,
    MountUse,
    NetworkUse,
    SecretUse,
    ServiceForm,
)
from reconciler.files import ConfigDigest, FilesKey, files_key
from reconciler.ownership import Owner, files_name, network_name, volume_name
from specs.allow import Allowed, missing
from specs.container_types import Tmpfs
from specs.fingerprint import Content, fingerprint
from specs.mounts import is_plain_path
from specs.ports import port_key
from specs.privilege import Attachment
from specs.service import Service

__all__ = ["decode_label", "encode_label", "fields_of", "make_form", "read_form"]

DEFAULT_NETWORK: Final = "default"
INSTANCES: Final = "instances"
"""Instances of a routed service are reached past the proxy as ``<service>.instances``."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_HEX = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"[^/\x00]{1,255}")


@dataclass(frozen=True, slots=True)
class _Parts:
    """What both ways have in common."""

    owner: Owner
    service_name: str
    service: Service
    files: Mapping[str, ConfigDigest]
    """By target."""


def make_form(
    owner: Owner,
    service_name: str,
    service: Service,
    configs: Mapping[FilesKey, ConfigDigest],
    networks: Mapping[str, DesiredNetwork],
    volumes: Mapping[str, DesiredVolume],
) -> ServiceForm:
    """The form of an effective service. Raises ValueError when a Config or network is not given."""
    absent = joined_networks(service).keys() - networks.keys()
    if absent:
        raise ValueError(f"nothing is known of Network {min(absent)}")
    files: dict[str, ConfigDigest] = {}
    for target, use in service.configs.items():
        digest = configs.get(files_key(use))
        if digest is None:
            raise ValueError(f"no digest is known for Config {use.source}")
        files[target] = digest
    return _form(_Parts(owner, service_name, service, files), networks, volumes)


def read_form(
    owner: Owner,
    canonical: str,
    networks: Mapping[str, DesiredNetwork],
    volumes: Mapping[str, DesiredVolume],
    *,
    service_name: str | None = None,
    allowed: Allowed = NOTHING_ALLOWED,
) -> ServiceForm:
    """The form of a canonical text, which is hostile input: through the models, under today's policy
    (``allowed``), with today's networks and volumes. Raises ValueError on anything else, without any
    part of the text in the message."""
    document = decode_canonical(canonical)
    name = document["name"]
    if not isinstance(name, str) or not _NAME.fullmatch(name) or service_name not in (None, name):
        raise ValueError("the form is that of another service")
    try:
        service = Service.model_validate_json(json.dumps(document["service"]), strict=True)
    except (ValidationError, RecursionError):
        raise ValueError("the form is no service of this version") from None
    _check_policy(name, service, allowed)
    return _form(_Parts(owner, name, service, _read_files(owner, service, document)), networks, volumes)


def _check_policy(service_name: str, service: Service, allowed: Allowed) -> None:
    """What the loader checks beyond the models, for a text that never passed the loader."""
    for target in (*service.volumes, *service.tmpfs, *service.configs, *service.secrets):
        if not is_plain_path(target):
            raise ValueError("the form has a target that is no plain path")
    for key, port in service.ports.items():
        if key != port_key(port.target, port.published, port.host_ip, port.protocol):
            raise ValueError("the form has a port under another key")
    for mount in service.volumes.values():
        if (mount.source is not None) != (mount.type in ("bind", "volume")):
            raise ValueError("the form has a mount without source")
    refused = missing(allowed, service_name, service)
    if refused:
        raise ValueError(f"the form asks for what is not allowed: {refused[0].word}")


def _read_files(owner: Owner, service: Service, document: Mapping[str, Json]) -> dict[str, ConfigDigest]:
    recorded = document["files"]
    if not isinstance(recorded, dict) or set(recorded) != set(service.configs):
        raise ValueError("the form has other files than its Configs")
    files: dict[str, ConfigDigest] = {}
    for target, entry in recorded.items():
        digest, file = (entry.get("digest"), entry.get("file")) if isinstance(entry, dict) else (None, None)
        if not isinstance(digest, str) or not _HEX.fullmatch(digest):
            raise ValueError("the form has files without a digest")
        if file is not None and (
            not isinstance(file, str) or not _FILE.fullmatch(file) or file in (".", "..")
        ):
            raise ValueError("the form has a file without a plain name")
        files[target] = ConfigDigest(digest, file)
    return files


def _form(
    parts: _Parts, networks: Mapping[str, DesiredNetwork], volumes: Mapping[str, DesiredVolume]
) -> ServiceForm:
    service = parts.service
    mounts = _mounts(parts, volumes)
    files = tuple(
        FilesUse(
            target, service.configs[target].source, it.digest, files_name(parts.owner, it.digest), it.file
        )
        for target, it in sorted(parts.files.items())
    )
    document = _document(parts, mounts)
    externals = {use.name: use.object_name for use in mounts if use.external}
    contents = {target: Content(it.digest, it.file) for target, it in parts.files.items()}
    return ServiceForm(
        spec=service,
        canonical=encode_canonical(document),
        fields=document_fields(document),
        fingerprint=fingerprint(service, contents, externals),
        networks=_networks(parts, networks),
        mounts=mounts,
        files=files,
        secrets=_secrets(service),
        volume_paths=tuple(sorted({*service.volumes, *service.tmpfs})),
    )


def _document(parts: _Parts, mounts: tuple[MountUse, ...]) -> dict[str, Json]:
    files: dict[str, Json] = {
        target: {"digest": it.digest, "file": it.file, "volume": files_name(parts.owner, it.digest)}
        for target, it in parts.files.items()
    }
    return {
        "v": 1,
        "name": parts.service_name,
        "service": parts.service.model_dump(mode="json", exclude_defaults=True),
        "files": files,
        "volumes": {use.name: use.object_name for use in mounts if use.type == "volume"},
    }


def joined_networks(service: Service) -> Mapping[str, Attachment]:
    """The networks of a service: those that it names, else the default one; none with a network mode."""
    if service.network_mode is not None:
        return {}
    return service.networks or {DEFAULT_NETWORK: Attachment()}


def _networks(parts: _Parts, networks: Mapping[str, DesiredNetwork]) -> tuple[NetworkUse, ...]:
    """A service without networks joins the environment's default one. Its own name is an alias, but where it
    has a route: that name is then the inner proxy's."""
    uses = []
    joined = joined_networks(parts.service)
    for name, attachment in sorted(joined.items(), key=lambda item: (-item[1].priority, item[0])):
        aliases = tuple(dict.fromkeys((parts.service_name, *attachment.aliases)))
        if parts.service.route is not None:
            aliases = (f"{parts.service_name}.{INSTANCES}",)
        network = networks.get(name)
        # A network that git declares no more has a name that no network bears: the planner says so.
        object_name = network.object_name if network else network_name(parts.owner, name, "")
        external = network.external if network else False
        uses.append(NetworkUse(name, object_name, aliases, external, attachment))
    return tuple(uses)


def _mounts(parts: _Parts, volumes: Mapping[str, DesiredVolume]) -> tuple[MountUse, ...]:
    uses = []
    for target, mount in sorted(parts.service.volumes.items()):
        source = mount.source or ""
        volume = volumes.get(source) if mount.type == "volume" else None
        object_name = source
        if mount.type == "volume":
            # A data volume outlives its document, so a name without one is still that of our own volume.
            object_name = volume.object_name if volume else volume_name(parts.owner, source)
            if not _NAME.fullmatch(source):
                raise ValueError("the form mounts a volume without a name of ours")
        external = volume.external if volume else False
        memory = mount.tmpfs or Tmpfs()
        uses.append(
            MountUse(
                target,
                mount.type,
                source,
                object_name,
                mount.read_only,
                external,
                memory.size,
                memory.mode,
                mount.volume is not None and mount.volume.nocopy,
                mount.volume.subpath if mount.volume else None,
                mount.bind.propagation if mount.bind else None,
            )
        )
    for target, memory in sorted(parts.service.tmpfs.items()):
        uses.append(MountUse(target, "tmpfs", "", "", size=memory.size, mode=memory.mode))
    return tuple(uses)


def _secrets(service: Service) -> tuple[SecretUse, ...]:
    return tuple(
        SecretUse(target, use.source, 0o400 if use.mode is None else use.mode, use.uid, use.gid)
        for target, use in sorted(service.secrets.items())
    )
