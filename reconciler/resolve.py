"""Effective specs + digests -> ``Desired``: pure. Every name becomes an object, every default a value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reconciler.alike import Alike
from reconciler.canonical import MAX_CANONICAL
from reconciler.desired import (
    Desired,
    DesiredFiles,
    DesiredImage,
    DesiredNetwork,
    DesiredService,
    DesiredVolume,
    Kinship,
    LocalRegistry,
    Policy,
    ServiceForm,
    WantedImage,
)
from reconciler.files import ConfigDigest, FilesKey, files_key
from reconciler.form import DEFAULT_NETWORK, make_form
from reconciler.ownership import Owner, files_name, network_name, volume_name
from reconciler.pin import Pin
from reconciler.routing import attach_proxy, desired_proxy
from reconciler.secret_names import secret_names
from specs.check_service import is_image_name
from specs.effective import Effective
from specs.order import max_unavailable_of, order_of
from specs.problem import Place, Problem, Report
from specs.reference import Digest, ImageRef, InvalidReference
from specs.registry import Registry
from specs.resource import Network
from specs.service import Service

_FIRST_PORT: Final = 20_000
_PORTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What resolving needs and cannot look up itself.

    ``images`` by name; ``configs`` by use; ``secrets``: name -> ``s1:`` digest, None or absent without a
    value here; ``locks``: image reference as written -> digest.
    """

    images: Mapping[str, DesiredImage]
    configs: Mapping[FilesKey, ConfigDigest]
    secrets: Mapping[str, str | None]
    locks: Mapping[str, Digest]
    pins: Mapping[str, Pin] = field(default_factory=dict)
    """Services that are read at another commit."""
    alike: Alike | None = None
    """Another commit of this environment, resolved already."""

    def configs_of(self, service_name: str) -> Mapping[FilesKey, ConfigDigest]:
        """The Configs as this service has them."""
        pin = self.pins.get(service_name)
        return self.configs if pin is None else pin.configs


def resolve(
    owner: Owner,
    commit: str,
    effective: Effective,
    findings: Findings,
    policy: Policy,
    lineage: Mapping[str, Kinship],
    excluded: Collection[str] = (),
) -> tuple[Desired, list[Problem]]:
    """What the commit says of the environment. Services with a problem are left out of ``services`` and
    put among ``excluded``, so that nothing of theirs is pruned."""
    report = Report()
    networks = desired_networks(owner, effective)
    volumes = desired_volumes(owner, effective)
    services: dict[str, DesiredService] = {}
    for name, service in effective.services.items():
        try:
            alike = None if name in findings.pins else findings.alike
            form = alike.form(name, service, findings.configs, (networks, volumes)) if alike else None
            if form is None:
                form = make_form(owner, name, service, findings.configs_of(name), networks, volumes)
                form = attach_proxy(name, form, effective.services, networks)
            image = _image(name, service, findings)
        except ValueError as error:
            report.about(f"Service {name}").add("SPEC023", _place(effective, name), str(error))
            continue
        if len(form.canonical) > MAX_CANONICAL:
            seen = f"a service of more than {MAX_CANONICAL >> 10} KiB, which no label holds"
            remedy = "move long values into a Config"
            report.about(f"Service {name}").add("SPEC001", _place(effective, name), seen, remedy=remedy)
            continue
        services[name] = _service(name, service, form, image, findings)
    desired = Desired(
        owner=owner,
        commit=commit,
        services=services,
        images=findings.images,
        networks=networks,
        volumes=volumes,
        files=_files(owner, effective, findings),
        registries=local_registries(owner, effective),
        locks=findings.locks,
        proxy=desired_proxy(effective, networks, findings.secrets),
        policy=replace(policy, allowed=effective.environment.allow),
        lineage=lineage,
        excluded=frozenset(excluded) | (effective.services.keys() - services.keys()),
    )
    return desired, report.problems


def _place(effective: Effective, service_name: str) -> Place | None:
    node = effective.nodes.get(("Service", service_name))
    return node.place if node else None


def _service(
    name: str, service: Service, form: ServiceForm, image: WantedImage, findings: Findings
) -> DesiredService:
    names, pin = secret_names(form), findings.pins.get(name)
    missing = tuple(secret for secret in names if findings.secrets.get(secret) is None)
    return DesiredService(
        name=name,
        form=form,
        image=image,
        secrets_digest="" if missing else secrets_digest(names, findings.secrets),
        order=order_of(service),
        max_unavailable=max_unavailable_of(service),
        replicas=service.deploy.replicas,
        missing_secrets=missing,
        pin=pin.commit if pin else None,
        is_rollback=pin is not None and pin.is_rollback,
    )


def secrets_digest(names: Sequence[str], digests: Mapping[str, str | None]) -> str:
    """One digest over those of all secrets that a service names; empty when it names none."""
    if not names:
        return ""
    text = json.dumps([[name, digests[name]] for name in sorted(names)], separators=(",", ":"))
    return f"s1:{hashlib.sha256(text.encode()).hexdigest()}"


def _image(name: str, service: Service, findings: Findings) -> WantedImage:
    if name in findings.pins:
        return findings.pins[name].image
    if is_image_name(service.image):
        image = findings.images.get(service.image)
        if image is None:
            raise ValueError(f"nothing is known of Image {service.image}")
        return WantedImage(image.key, image.name, image.ref)
    ref = ImageRef.parse(service.image)
    return WantedImage(service.image, None, ref, ref.digest or findings.locks.get(service.image))


def desired_networks(owner: Owner, effective: Effective) -> dict[str, DesiredNetwork]:
    """Every network that a service joins; ``default`` needs no document."""
    joined = {name for service in effective.services.values() for name in service.networks}
    if any(not service.networks and not service.network_mode for service in effective.services.values()):
        joined.add(DEFAULT_NETWORK)
    known = {name: effective.networks.get(name, Network()) for name in sorted(joined)}
    return {name: _network(owner, name, network) for name, network in known.items()}


def _network(owner: Owner, name: str, network: Network) -> DesiredNetwork:
    if network.external:
        return DesiredNetwork(name, network.name or name, external=True)
    options = json.dumps(
        network.model_dump(mode="json", exclude_defaults=True), sort_keys=True, separators=(",", ":")
    )
    return DesiredNetwork(
        name,
        network_name(owner, name, options),
        network.driver,
        network.internal,
        network.pools,
        network.enable_ipv6,
        network.attachable,
        network.driver_opts,
        network.labels,
    )


def desired_volumes(owner: Owner, effective: Effective) -> dict[str, DesiredVolume]:
    """Every data volume that a service mounts."""
    return {
        name: DesiredVolume(
            name,
            (volume.name or name) if volume.external else volume_name(owner, name),
            volume.driver,
            volume.driver_opts,
            volume.labels,
            volume.external,
            effective.environment.allow,
        )
        for name, volume in effective.volumes.items()
    }


def _files(owner: Owner, effective: Effective, findings: Findings) -> dict[str, DesiredFiles]:
    """The volumes of files, by digest: one Config may have several, and several Configs one."""
    uses = [(use, name) for name, it in effective.services.items() for use in it.configs.values()]
    found: dict[str, DesiredFiles] = {}
    for use, service_name in sorted(uses, key=lambda pair: pair[0].source):
        digest = findings.configs_of(service_name).get(files_key(use))
        if digest is not None:
            files = DesiredFiles(use.source, digest.digest, files_name(owner, digest.digest))
            found.setdefault(digest.digest, files)
    return found


def local_registries(owner: Owner, effective: Effective) -> dict[str, LocalRegistry]:
    """The registries of provider ``local`` that images live in."""
    return {
        name: LocalRegistry(
            name, owner.project, ImageRef.parse(registry.image), registry_port(registry, owner)
        )
        for name, registry in effective.registries.items()
        if registry.provider == "local"
    }


def registry_port(registry: Registry, owner: Owner) -> int:
    """The loopback port of a local registry: as written, else from the project's name."""
    number = int(hashlib.sha256(owner.project.encode()).hexdigest(), 16)
    return registry.port or _FIRST_PORT + number % _PORTS


def image_repository(owner: Owner, registry: Registry, repository: str) -> ImageRef:
    """Where an Image lives, without a tag. Raises InvalidReference."""
    if registry.provider == "local":
        return ImageRef.parse(f"localhost:{registry_port(registry, owner)}/{repository}")
    if registry.url is None:
        raise InvalidReference("the registry has no url")
    host = registry.url.removeprefix("https://").rstrip("/")
    return ImageRef.parse(f"{host}/{repository}")
