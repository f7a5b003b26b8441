"""The form of a service for tests of decisions: fields, canonical text and fingerprint of a spec."""

from __future__ import annotations

import hashlib
import json

from reconciler.desired import FilesUse, Json, MountUse, NetworkUse, SecretUse, ServiceForm
from specs.service import Service

_APART = {"image", "depends_on", "rollout", "drift"}


def form_of(
    spec: Service,
    networks: tuple[NetworkUse, ...] = (),
    mounts: tuple[MountUse, ...] = (),
    files: tuple[FilesUse, ...] = (),
    secrets: tuple[SecretUse, ...] = (),
) -> ServiceForm:
    """Everything that the spec declares, flattened, with the digests of its configs."""
    declared = spec.model_dump(mode="json", exclude_unset=True)
    declared.get("deploy", {}).pop("replicas", None)
    fields: dict[str, Json] = {}
    _flatten({k: v for k, v in declared.items() if k not in _APART}, "", fields)
    fields.update({f"configs.{use.target}.digest": use.digest for use in files})
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    fingerprint = f"v1:{hashlib.sha256(canonical.encode()).hexdigest()}"
    return ServiceForm(spec, canonical, fields, fingerprint, networks, mounts, files, secrets)


def _flatten(value: Json, path: str, fields: dict[str, Json]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _flatten(inner, f"{path}.{key}" if path else key, fields)
    elif path and value != {}:
        fields[path] = value
