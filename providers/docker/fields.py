"""From an inspected container to fields in the normal form of specs. Pure.

A path that was applied and has no counterpart in the live object is there as None: seen, and absent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from providers.docker.endpoints import live_places
from providers.docker.labels import without_ours
from providers.docker.mounts import live_mounts
from providers.docker.tree import Node, branch, nodes, text, text_map, texts, whole
from providers.docker.words import read_words
from reconciler.desired import Fields, Json
from reconciler.ownership import Owner

_NANO = 1_000_000_000
_SEEN_WHOLE = ("environment.", "ports.", "volumes.", "configs.", "labels.")
"""Groups whose every member can be seen."""


def live_fields(owner: Owner, container: Node, applied: Fields | None) -> dict[str, Json]:
    """Everything that the engine shows of a container in the words of a spec. ``applied`` are the fields
    of its label, None where that cannot be read: then no environment is shown, it could be a secret."""
    known = {} if applied is None else applied
    found: dict[str, Json] = {
        **_process(container, known),
        **_ports(container),
        **_healthcheck(container),
        **_limits(container),
        **read_words(container, known),
        **live_mounts(owner, container).fields,
        **live_places(owner, container, known),
        "restart": _same_restart(live_restart(container), known.get("restart")),
    }
    labels = without_ours(text_map(container, "Config", "Labels"))
    found |= {f"labels.{name}": value for name, value in labels.items()}
    if applied is not None:
        found |= _environment(container, applied)
    gone = {path: None for path in known if path.startswith(_SEEN_WHOLE) and path not in found}
    return {**found, **{path: value for path, value in gone.items() if not _is_secret(known[path])}}


def _environment(container: Node, applied: Fields) -> dict[str, Json]:
    pairs = (entry.partition("=") for entry in texts(container, "Config", "Env"))
    found: dict[str, Json] = {f"environment.{name}": value for name, _, value in pairs}
    return {path: value for path, value in found.items() if not _is_secret(applied.get(path))}


def _is_secret(applied: Json) -> bool:
    """Whether an applied value names a secret, alone or inside a text."""
    if isinstance(applied, Mapping):
        return "secret" in applied
    return isinstance(applied, str) and "${secret:" in applied


def _process(container: Node, applied: Fields) -> dict[str, Json]:
    config = branch(container, "Config")
    return {
        "command": list[Json](texts(config, "Cmd")),
        "entrypoint": list[Json](texts(config, "Entrypoint")),
        "user": text(config, "User"),
        "working_dir": text(config, "WorkingDir"),
        "stop_signal": text(config, "StopSignal"),
        "stop_grace_period": _grace(config, applied.get("stop_grace_period")),
    }


def _grace(config: Node, applied: Json) -> Json:
    # The engine keeps whole seconds: what rounds up to them is the same.
    if config.get("StopTimeout") is None:
        return None
    seconds = whole(config, "StopTimeout")
    if isinstance(applied, float | int) and math.ceil(applied) == seconds:
        return applied
    return float(seconds)


def _ports(container: Node) -> dict[str, Json]:
    ports = [_port(key, None, None) for key in branch(container, "Config", "ExposedPorts")]
    for key in branch(container, "HostConfig", "PortBindings"):
        for binding in nodes(container, "HostConfig", "PortBindings", key):
            published = text(binding, "HostPort")
            number = int(published) if published.isdecimal() else None
            ports.append(_port(key, number, text(binding, "HostIp") or None))
    return dict(ports)


def _port(key: str, published: int | None, host_ip: str | None) -> tuple[str, Json]:
    target, _, protocol = key.partition("/")
    port: dict[str, Json] = {
        "target": int(target) if target.isdecimal() else None,
        "published": published,
        "host_ip": host_ip,
        "protocol": protocol or "tcp",
    }
    address = f"{host_ip}:" if host_ip else ""
    return f"ports.{key}" if published is None else f"ports.{address}{published}->{key}", port


def _healthcheck(container: Node) -> dict[str, Json]:
    check = branch(container, "Config", "Healthcheck")
    test = texts(check, "Test")
    return {
        "healthcheck.test": list[Json](test) if test else None,
        "healthcheck.interval": _seconds(check, "Interval"),
        "healthcheck.timeout": _seconds(check, "Timeout"),
        "healthcheck.start_period": _seconds(check, "StartPeriod"),
        "healthcheck.start_interval": _seconds(check, "StartInterval"),
        "healthcheck.retries": whole(check, "Retries") or None,
        "healthcheck.disable": test == ["NONE"],
    }


def _seconds(check: Node, name: str) -> float:
    return round(whole(check, name) / _NANO, 9)


def _limits(container: Node) -> dict[str, Json]:
    host = branch(container, "HostConfig")
    cpus, memory = whole(host, "NanoCpus"), whole(host, "Memory")
    pids, reserved = whole(host, "PidsLimit"), whole(host, "MemoryReservation")
    return {
        "deploy.resources.limits.cpus": round(cpus / _NANO, 9) if cpus > 0 else None,
        "deploy.resources.limits.memory": memory if memory > 0 else None,
        "deploy.resources.limits.pids": pids if pids > 0 else None,
        "deploy.resources.reservations.memory": reserved if reserved > 0 else None,
    }


def live_restart(container: Node) -> str:
    """The restart policy in Compose's words."""
    policy = branch(container, "HostConfig", "RestartPolicy")
    name, count = text(policy, "Name") or "no", whole(policy, "MaximumRetryCount")
    return f"{name}:{count}" if name == "on-failure" and count else name


def _same_restart(live: str, applied: Json) -> Json:
    """The applied spelling where it means the same (``on-failure:0`` is ``on-failure``)."""
    if isinstance(applied, str) and applied.startswith("on-failure:"):
        count = applied.partition(":")[2]
        if count.isdecimal() and (f"on-failure:{int(count)}" if int(count) else "on-failure") == live:
            return applied
    return live
