"""The canonical text of a service in an instance's label, and its fields: fast, and safe with any text."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from reconciler.desired import Fields, Json
from reconciler.strict_json import read_object
from specs.privilege import Privileges

VERSION: Final = 1
MAX_CANONICAL: Final = 256 << 10
"""Characters of a canonical text; a label or marker with more is refused."""
_MAX_LABEL: Final = 2 * MAX_CANONICAL
_DEFAULT_SECRET_MODE: Final = 0o400
_KEYS: Final = {"v", "name", "service", "files", "volumes"}
_PLACE: Final = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")
_PLAIN: Final = (
    *Privileges.model_fields,
    "command",
    "entrypoint",
    "user",
    "working_dir",
    "stop_signal",
    "stop_grace_period",
    *("read_only", "cap_drop", "group_add", "shm_size", "init", "hostname", "domainname", "dns", "dns_opt"),
    *("dns_search", "stdin_open", "tty", "oom_score_adj", "memswap_limit", "cpu_shares", "cpuset"),
)
_MAPS: Final = ("environment", "labels", "ulimits", "sysctls", "extra_hosts", "annotations", "tmpfs")
"""Maps whose members are fields of their own."""


def encode_canonical(document: Mapping[str, Json]) -> str:
    """The one text of a document."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def decode_canonical(canonical: str) -> dict[str, Json]:
    """The document of a canonical text. Raises ValueError; the message holds no part of the text."""
    if len(canonical) > MAX_CANONICAL:
        raise ValueError("the canonical service is too long")
    try:
        document = read_object(canonical)
    except ValueError:
        raise ValueError("the canonical service is not JSON") from None
    if set(document) != _KEYS or document["v"] != VERSION:
        raise ValueError("the canonical service is not one of this version")
    return document


def encode_label(canonical: str) -> str:
    """The text of the label ``reconciler.spec``: compressed, base64."""
    return base64.b64encode(zlib.compress(canonical.encode(), 6)).decode("ascii")


def decode_label(text: str) -> str:
    """The canonical text of a label. Raises ValueError; never inflates more than the limit."""
    if not text or len(text) > _MAX_LABEL:
        raise ValueError("the label is empty or too long")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(base64.b64decode(text, validate=True), MAX_CANONICAL + 1)
        canonical = content.decode("utf-8")
    except (zlib.error, ValueError):
        raise ValueError("the label is no compressed text") from None
    if len(content) > MAX_CANONICAL or not inflate.eof or inflate.unused_data:
        raise ValueError("the label is too long, cut off, or has something after its end")
    return canonical


def fields_of(canonical: str) -> Fields:
    """The declared fields, flattened, as the planner compares them. Raises ValueError."""
    return document_fields(decode_canonical(canonical))


def document_fields(document: Mapping[str, Json]) -> Fields:
    """The fields of a decoded document. Raises ValueError."""
    service, volumes, files = (_map(document.get(name)) for name in ("service", "volumes", "files"))
    found: dict[str, Json] = {name: service[name] for name in _PLAIN if name in service}
    found["restart"] = service.get("restart", "unless-stopped")
    for group in _MAPS:
        found |= {f"{group}.{name}": value for name, value in _map(service.get(group)).items()}
    check = _map(service.get("healthcheck"))
    found |= _flat("healthcheck", {"disable": True} if check.get("disable") else check)
    found |= _flat("logging", _map(service.get("logging")))
    found |= _flat("deploy.resources", _map(_map(service.get("deploy")).get("resources")))
    found |= {f"ports.{key}": _port(_map(port)) for key, port in _map(service.get("ports")).items()}
    for target, mount in _map(service.get("volumes")).items():
        found[f"volumes.{target}"] = _mount(_map(mount), volumes)
    for target in _map(service.get("configs")):
        found[f"configs.{target}"] = _map(files.get(target)).get("volume")
    for target, use in _map(service.get("secrets")).items():
        mode = _map(use).get("mode", _DEFAULT_SECRET_MODE)
        found[f"secrets.{target}"] = {"secret": _map(use).get("source"), "mode": mode}
    for name, place in _map(service.get("networks")).items():
        found |= {f"networks.{name}.{word}": _map(place)[word] for word in _PLACE if word in _map(place)}
    return found


def _map(value: Json) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("the canonical service has another shape")
    return value


def _flat(prefix: str, value: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _flat(f"{prefix}.{key}", part)
        else:
            yield f"{prefix}.{key}", part


def _port(port: dict[str, Json]) -> Json:
    return {
        "target": port.get("target"),
        "published": port.get("published"),
        "host_ip": port.get("host_ip"),
        "protocol": port.get("protocol", "tcp"),
    }


def _mount(mount: dict[str, Json], volumes: dict[str, Json]) -> Json:
    type_name, source = mount.get("type", "volume"), mount.get("source")
    if type_name == "volume":
        source = volumes.get(source) if isinstance(source, str) else None
    found = {"type": type_name, "source": source, "read_only": mount.get("read_only", False)}
    said = {**_map(mount.get("volume")), **_map(mount.get("bind"))}
    found |= {name: said[name] for name in ("nocopy", "subpath", "propagation") if name in said}
    if type_name == "tmpfs":
        memory = _map(mount.get("tmpfs"))
        found |= {name: memory[name] for name in ("size", "mode") if name in memory}
    return found
