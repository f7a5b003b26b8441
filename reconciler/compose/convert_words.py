"""Words of a service that have a form of their own: image, ports, networks, dependencies, limits, restart."""

from __future__ import annotations

import re
from typing import Final

from reconciler.compose.passwords import name_of
from reconciler.compose.tree import JsonObject, Tree, as_json, listed, mapping, text_of
from reconciler.compose.work import ServiceWork
from reconciler.desired import Json
from specs.privilege import Attachment

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IMPLYING: Final = ("links", "volumes_from", "network_mode", "ipc", "pid")
"""Words that make a dependency which Compose restarts, without saying so."""
_GPU: Final = ("driver", "count", "device_ids", "capabilities")
_SWARM: Final = ("labels", "placement", "update_config", "rollback_config", "endpoint_mode")


def convert_ports(work: ServiceWork) -> None:
    """Published ports in the short form."""
    found: list[Json] = []
    for item in mapping(work.service.get("ports")).values():
        port = mapping(item)
        published, target = text_of(port.get("published")), port["target"]
        protocol = "" if port["protocol"] == "tcp" else f"/{port['protocol']}"
        if "-" in published:
            published = published.partition("-")[0]
            work.note("port", f"port {target}: of a range of host ports the first one, {published}, is taken")
        if not published:
            work.note("port", f"port {target} has no host port: Compose takes any, here it is not published")
            found.append(f"{target}{protocol}")
            continue
        ip = text_of(port.get("host_ip"))
        address = f"[{ip}]:" if ":" in ip else f"{ip}:" if ip else ""
        found.append(f"{address}{published}:{target}{protocol}")
    if not found:
        return
    if work.service.get("network_mode") in ("host", "none"):
        work.note("dropped", "ports are left out: with this network_mode the engine publishes none")
        return
    work.spec["ports"] = found


def convert_networks(work: ServiceWork) -> None:
    """Membership, with the names under which neighbours know the service."""
    if work.service.get("network_mode"):
        _convert_network_mode(work, text_of(work.service["network_mode"]))
        return
    joined = mapping(work.service.get("networks")) or {"default": {}}
    found: JsonObject = {}
    for name, words in joined.items():
        attachment: JsonObject = {}
        for word, value in mapping(words).items():
            if word in Attachment.model_fields and word != "aliases":
                attachment[word] = as_json(value)
            elif word != "aliases" and value is not None:
                work.note("dropped", f"networks.{name}.{word} is not carried over")
        aliases = _aliases(work, mapping(words))
        if aliases:
            attachment["aliases"] = list[Json](aliases)
        if work.service.get("mac_address") and not found:
            attachment["mac_address"] = text_of(work.service["mac_address"]).lower()
        found[name_of(name)] = attachment
    if found != {"default": {}}:
        work.spec["networks"] = found


def _aliases(work: ServiceWork, words: Tree) -> list[str]:
    names = [text_of(name) for name in listed(words.get("aliases"))]
    names += [*work.whole.aliases.get(work.compose_name, ()), text_of(work.service.get("container_name"))]
    found: list[str] = []
    for name in filter(None, dict.fromkeys(names)):
        if name == work.name:
            continue
        if _NAME.fullmatch(name):
            found.append(name)
        elif work.whole.is_named(name, work.compose_name):
            work.note("renamed", f"neighbours do not reach it as {name} any more: write {work.name} there")
    return found


def _convert_network_mode(work: ServiceWork, mode: str) -> None:
    kind, _, other = mode.partition(":")
    if kind == "service":
        work.spec["network_mode"] = f"service:{name_of(other)}"
    elif mode in ("host", "none"):
        work.spec["network_mode"] = mode
    elif mode not in ("bridge", "default"):
        work.note(
            "dropped", f"network_mode {kind}:… is not carried over: it names what is not of this project"
        )


def convert_depends_on(work: ServiceWork) -> None:
    """Dependencies; one that a profile leaves out is not required."""
    found: JsonObject = {}
    for name, item in mapping(work.service.get("depends_on")).items():
        words = mapping(item)
        dependency: JsonObject = {"condition": text_of(words.get("condition"))}
        excluded = name_of(name) in work.whole.draft.exclude and work.name not in work.whole.draft.exclude
        if not words.get("required", True) or excluded:
            dependency["required"] = False
        if dependency["condition"] == "service_completed_successfully" and name not in work.whole.jobs:
            dependency["condition"] = "service_started"
        if words.get("restart") and not any(work.service.get(word) for word in _IMPLYING):
            work.note(
                "dropped", f"depends_on.{name_of(name)}.restart is left out: a rollout restarts no neighbour"
            )
        found[name_of(name)] = dependency
    if found:
        work.spec["depends_on"] = found


def convert_limits(work: ServiceWork) -> None:
    """``deploy`` and the words of Compose's older form that say the same."""
    deploy = mapping(work.service.get("deploy"))
    resources = mapping(deploy.get("resources"))
    limits, kept = mapping(resources.get("limits")), mapping(resources.get("reservations"))
    old = {"memory": "mem_limit", "cpus": "cpus", "pids": "pids_limit"}
    values = {word: limits.get(word, work.service.get(name)) for word, name in old.items()}
    quota, period = work.service.get("cpu_quota"), work.service.get("cpu_period") or 100_000
    if values["cpus"] is None and quota:
        values["cpus"] = (work.number("cpu_quota", quota) or 0) / (
            work.number("cpu_period", period) or 100_000
        )
    bounds = {
        word: _bound(work, word, value) for word, value in values.items() if value not in (None, "", 0, -1)
    }
    memory = kept.get("memory", work.service.get("mem_reservation"))
    found: JsonObject = {}
    if bounds:
        found["limits"] = bounds
    if memory not in (None, "", 0):
        found["reservations"] = {"memory": _bound(work, "memory", memory)}
    spec: JsonObject = {"resources": found} if found else {}
    replicas = work.service.get("scale", deploy.get("replicas"))
    count = work.number("replicas", replicas) if replicas is not None else None
    if count is not None:
        spec["replicas"] = count
    if spec:
        work.spec["deploy"] = spec
    _note_swarm(work, deploy)
    if "cpus" in kept:
        work.note("ignored", "deploy.resources.reservations.cpus is left out: Compose ignores it, too")
    _convert_devices(work, listed(kept.get("devices")))


def _note_swarm(work: ServiceWork, deploy: Tree) -> None:
    for word in _SWARM:
        if deploy.get(word):
            work.note("ignored", f"deploy.{word} is left out: only Swarm reads it, docker compose does not")
    if text_of(deploy.get("mode") or "replicated") != "replicated":
        work.note("ignored", "deploy.mode is left out: on one engine it is one instance")


def _bound(work: ServiceWork, word: str, value: object) -> Json:
    text = work.flat(text_of(value)).strip()
    if word == "pids":
        return work.number("pids", text)
    fraction = re.fullmatch(r"([0-9]*\.[0-9]+)\s*([kmgtKMGT]?)[bB]?", text) if word == "memory" else None
    if fraction:
        return round(float(fraction[1]) * 1024.0 ** " kmgt".index(fraction[2].lower() or " "))
    return text


def _convert_devices(work: ServiceWork, devices: list[object]) -> None:
    gpus: list[Json] = []
    for item in devices:
        device = mapping(item)
        if "gpu" not in listed(device.get("capabilities")):
            work.note("dropped", "deploy.resources.reservations.devices: only GPUs are carried over")
            continue
        gpu: JsonObject = {word: as_json(device[word]) for word in _GPU if word in device}
        gpus.append(gpu if "count" in gpu or "device_ids" in gpu else {**gpu, "count": "all"})
    if gpus:
        work.spec["gpus"] = gpus
