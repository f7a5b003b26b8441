"""From a blueprint to the body of /containers/create. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from providers.docker.endpoints import use_payload
from providers.docker.labels import instance_labels
from providers.docker.mounts import mount_payloads, secret_mounts
from providers.docker.privilege_shapes import joining_modes
from providers.docker.words import write_words
from reconciler.actions import Blueprint
from reconciler.changes import SetLimits
from reconciler.desired import Json
from reconciler.provider import Refused
from specs.model import SecretRef
from specs.service import Healthcheck, Port, Resources, Service

_SECRET = re.compile(r"\$\{secret:([a-z0-9](?:[a-z0-9-]*[a-z0-9])?)\}")
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What matters of an image: its id, and what a container inherits from it."""

    id: str
    labels: Mapping[str, str]
    volumes: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    user: str = ""
    layers: tuple[str, ...] = ()
    """Digests of its layers as they are unpacked."""


def create_payload(
    blueprint: Blueprint,
    image: ImageFacts,
    secrets: Mapping[str, str],
    mountpoints: Mapping[str, str],
) -> dict[str, Json]:
    """The body of the create call. ``secrets`` maps names to values, ``mountpoints`` the volumes of
    single-file Configs to host paths. Raises Refused for a secret that is not there."""
    service = blueprint.form.spec
    words = write_words(service)
    body: dict[str, Json] = {
        "Image": str(blueprint.image),
        "Labels": dict(instance_labels(blueprint)),
        "Env": list(environment(blueprint.name, service, secrets)),
        "ExposedPorts": {_port(port): {} for port in service.ports.values()},
        "HostConfig": {**_host_config(blueprint, mountpoints), **words["HostConfig"]},
        **words["Config"],
    }
    body |= _process(service, image)
    if service.healthcheck:
        body["Healthcheck"] = _healthcheck(service.healthcheck)
    if blueprint.form.networks:
        # The engine takes a fixed hardware address here alone, and drops it without a word when it connects.
        first, *others = blueprint.form.networks
        uses = [first, *(use for use in others if use.place.mac_address is not None)]
        endpoints: dict[str, Json] = {use.object_name: use_payload(use) for use in uses}
        body["NetworkingConfig"] = {"EndpointsConfig": endpoints}
    return body


def environment(where: str, service: Service, secrets: Mapping[str, str]) -> list[str]:
    """``NAME=value`` with secrets filled in. Raises Refused, naming the secret."""

    def value_of(secret_name: str) -> str:
        if secret_name not in secrets:
            raise missing_secret(where, secret_name)
        return secrets[secret_name]

    def fill(value: str | SecretRef) -> str:
        if isinstance(value, SecretRef):
            return value_of(value.secret)
        return _SECRET.sub(lambda found: value_of(found[1]), value)

    return [f"{name}={fill(value)}" for name, value in service.environment.items()]


def missing_secret(where: str, secret_name: str) -> Refused:
    """A secret that the service names has no value here."""
    return Refused(
        "DKR033",
        where,
        f"no value for secret {secret_name}",
        "a value of every secret that it names",
        "put it where secrets are looked up, or take it out of the spec",
    )


def _process(service: Service, image: ImageFacts) -> dict[str, Json]:
    body: dict[str, Json] = {}
    if service.command is not None:
        body["Cmd"] = list(service.command)
    if service.entrypoint is not None:
        body["Entrypoint"] = list(service.entrypoint)
    elif service.command == () and image.entrypoint:
        # The engine takes an empty command for an absent one unless the entrypoint is given too.
        body["Entrypoint"] = list(image.entrypoint)
    if service.user is not None:
        body["User"] = service.user
    if service.working_dir is not None:
        body["WorkingDir"] = service.working_dir
    if service.stop_signal is not None:
        body["StopSignal"] = service.stop_signal
    if service.stop_grace_period is not None:
        body["StopTimeout"] = math.ceil(service.stop_grace_period)
    return body


def _healthcheck(check: Healthcheck) -> dict[str, Json]:
    if check.disable:
        return {"Test": ["NONE"]}
    body: dict[str, Json] = {}
    if check.test is not None:
        body["Test"] = list(check.test)
    for name, seconds in (
        ("Interval", check.interval),
        ("Timeout", check.timeout),
        ("StartPeriod", check.start_period),
        ("StartInterval", check.start_interval),
    ):
        if seconds is not None:
            body[name] = round(seconds * _NANO)
    if check.retries is not None:
        body["Retries"] = check.retries
    return body


def _host_config(blueprint: Blueprint, mountpoints: Mapping[str, str]) -> dict[str, Json]:
    service, networks = blueprint.form.spec, blueprint.form.networks
    return {
        # Never a network's name or id: a container keeps its mode for life and would not start any more
        # when that network is gone, even where it left it for another. The endpoint alone attaches it.
        "NetworkMode": "default" if networks else "none",
        **joining_modes(service, blueprint.joins),
        "RestartPolicy": restart_payload(service.restart),
        "PortBindings": _bindings(service),
        "Mounts": [
            *mount_payloads(blueprint.owner, blueprint.form, mountpoints),
            *secret_mounts(blueprint, mountpoints),
        ],
        **_resources(service.deploy.resources),
    }


def restart_payload(policy: str) -> dict[str, Json]:
    """A restart policy in Compose's words as the engine's object."""
    name, _, count = policy.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def _resources(resources: Resources) -> dict[str, Json]:
    limits = resources.limits
    return limits_payload(limits.cpus, limits.memory, limits.pids, resources.reservations.memory)


def limits_payload(
    cpus: float | None, memory: int | None, pids: int | None, memory_reservation: int | None
) -> dict[str, Json]:
    """Limits as create and update take them; None says nothing. The swap limit always goes with the memory
    limit (twice as much, the engine's own rule), else raising the one is refused because of the other."""
    body: dict[str, Json] = {}
    if cpus is not None:
        body["NanoCpus"] = round(cpus * _NANO)
    if memory is not None:
        body |= {"Memory": memory, "MemorySwap": 2 * memory}
    if pids is not None:
        body["PidsLimit"] = pids
    if memory_reservation is not None:
        body["MemoryReservation"] = memory_reservation
    return body


def update_payload(limits: SetLimits) -> dict[str, Json]:
    """The body of an update call."""
    body = limits_payload(limits.cpus, limits.memory, limits.pids, limits.memory_reservation)
    more = {
        "MemorySwap": limits.memory_and_swap,
        "CpuShares": limits.cpu_shares,
        "CpusetCpus": limits.cpuset,
    }
    return {**body, **{name: value for name, value in more.items() if value is not None}}


def _bindings(service: Service) -> dict[str, Json]:
    found: dict[str, list[Json]] = {}
    for port in service.ports.values():
        if port.published is not None:
            binding: dict[str, Json] = {"HostIp": port.host_ip or "", "HostPort": str(port.published)}
            found.setdefault(_port(port), []).append(binding)
    return dict(found)


def _port(port: Port) -> str:
    return f"{port.target}/{port.protocol}"
