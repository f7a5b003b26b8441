"""Service forms and blueprints for tests of the Docker provider, made from a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.actions import Blueprint
from reconciler.desired import FilesUse, Generation, MountUse, NetworkUse, SecretUse, ServiceForm
from reconciler.ownership import InstanceName, Owner
from specs.reference import ImageRef
from specs.service import Service

DIGEST = "sha256:" + "d" * 64
IMAGE = ImageRef.parse(f"busybox@{DIGEST}")


def flatten(value: Any, path: str = "") -> dict[str, Any]:
    """Declared fields by path; members of the named maps stay whole."""
    if isinstance(value, dict) and value and path.count(".") < 1 and path.partition(".")[0] in LEAVES:
        return {k: v for key, member in value.items() for k, v in {f"{path}.{key}": member}.items()}
    if isinstance(value, dict):
        return {
            k: v
            for key, member in value.items()
            for k, v in flatten(member, f"{path}.{key}" if path else key).items()
        }
    return {path: value}


LEAVES = ("environment", "labels", "ports", "volumes", "configs")
COMPARED = {
    "command", "entrypoint", "environment", "ports", "healthcheck", "deploy", "restart", "user", "working_dir",
    "stop_signal", "stop_grace_period", "labels",
}  # fmt: skip


def make_form(
    owner: Owner,
    written: Mapping[str, Any],
    networks: tuple[NetworkUse, ...] = (),
    mounts: tuple[MountUse, ...] = (),
    files: tuple[FilesUse, ...] = (),
    secrets: tuple[SecretUse, ...] = (),
) -> ServiceForm:
    """The form of a service in normal form, with what it uses."""
    service = Service.model_validate({"image": "busybox:1.36", **written})
    declared = service.model_dump(mode="json", exclude_unset=True)
    declared.get("deploy", {}).pop("replicas", None)
    fields = flatten({name: value for name, value in declared.items() if name in COMPARED})
    fields["restart"] = service.restart
    for port in service.ports:
        fields[f"ports.{port}"] = service.ports[port].model_dump()
    for mount in mounts:
        source = mount.object_name or None
        fields[f"volumes.{mount.target}"] = {
            "type": mount.type,
            "source": source,
            "read_only": mount.read_only,
        }
    for file in files:
        fields[f"configs.{file.target}"] = file.volume
    canonical = json.dumps(fields, sort_keys=True)
    fingerprint = f"v1:{abs(hash(canonical)):x}"
    return ServiceForm(service, canonical, fields, fingerprint, networks, mounts, files, secrets)


def make_blueprint(
    owner: Owner,
    form: ServiceForm,
    service_name: str = "web",
    image: ImageRef = IMAGE,
    network_ids: Mapping[str, str] | None = None,
    number: int = 1,
) -> Blueprint:
    """A blueprint of one instance of the form."""
    generation = Generation(form.fingerprint, "s1:none", str(image.digest))
    return Blueprint(
        owner=owner,
        service_name=service_name,
        number=number,
        name=str(InstanceName(owner, service_name, generation.g8, number)),
        generation=generation,
        form=form,
        image=image,
        input="busybox:1.36",
        commit="c" * 40,
        pin="c" * 40,
        source="test",
        network_ids=network_ids or {},
    )


def again(blueprint: Blueprint, number: int) -> Blueprint:
    """The same instance under another number."""
    name = InstanceName(blueprint.owner, blueprint.service_name, blueprint.generation.g8, number)
    return replace(blueprint, number=number, name=str(name))
