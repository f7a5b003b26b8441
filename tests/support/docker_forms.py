"""Blueprints for tests of the Docker provider, made from the normal form of a service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allowances import allow_what_it_asks
from reconciler.actions import Blueprint
from reconciler.desired import DesiredNetwork, DesiredVolume, Generation, ServiceForm
from reconciler.files import ConfigDigest, files_key
from reconciler.form import make_form
from reconciler.ownership import InstanceName, Owner, network_name, volume_name
from specs.allow import Allowed
from specs.reference import ImageRef
from specs.service import Service

OWNER = Owner("shop", "prod")
IMAGE = ImageRef.parse("registry.example.com/web@sha256:" + "d" * 64)


def network_of(owner: Owner, name: str, **options: Any) -> DesiredNetwork:
    """A network of the environment."""
    return DesiredNetwork(name, network_name(owner, name, str(sorted(options.items()))), **options)


def volume_of(owner: Owner, name: str) -> DesiredVolume:
    """A data volume of the environment."""
    return DesiredVolume(name, volume_name(owner, name))


def form_of(
    written: Mapping[str, Any], owner: Owner = OWNER, configs: Mapping[str, ConfigDigest] | None = None
) -> ServiceForm:
    """The form of a service in normal form. ``configs`` gives the content of each Config; the networks and
    volumes that it names are the environment's."""
    service = Service.model_validate({"image": "busybox:1.36", **written})
    names = ["default", *service.networks]
    digests = {files_key(use): (configs or {})[use.source] for use in service.configs.values()}
    sources = [mount.source for mount in service.volumes.values() if mount.type == "volume" and mount.source]
    return make_form(
        owner,
        "web",
        service,
        digests,
        {name: network_of(owner, name) for name in names},
        {name: volume_of(owner, name) for name in sources},
    )


def blueprint_of(
    form: ServiceForm,
    owner: Owner = OWNER,
    image: ImageRef = IMAGE,
    network_ids: Mapping[str, str] | None = None,
    number: int = 1,
    allowed: Allowed | None = None,
    joins: Mapping[str, str] | None = None,
) -> Blueprint:
    """A blueprint of one instance of the service ``web``."""
    generation = Generation(form.fingerprint, "s1:none", str(image.digest))
    return Blueprint(
        owner=owner,
        service_name="web",
        number=number,
        name=str(InstanceName(owner, "web", generation.g8, number)),
        generation=generation,
        form=form,
        image=image,
        input="busybox:1.36",
        commit="c" * 40,
        pin="b" * 40,
        source="example.com/shop",
        network_ids=network_ids or {use.object_name: use.object_name for use in form.networks},
        allowed=allow_what_it_asks("web", form.spec) if allowed is None else allowed,
        joins=joins or {},
    )
