"""From the engine's JSON to what a look sees: instances, networks, volumes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from providers.docker.fields import live_fields, live_restart
from providers.docker.labels import without_inherited, without_ours
from providers.docker.mounts import live_mounts
from providers.docker.output import escaped
from providers.docker.tree import Node, branch, flag, moment, nodes, text, text_map, texts, whole
from reconciler import ownership
from reconciler.canonical import decode_label, fields_of
from reconciler.desired import NOTHING, Fields, Generation, Json
from reconciler.observed import Handle, Health, Instance, LiveNetwork, LiveVolume, Phase
from reconciler.ownership import Owner, Role, is_ours, parse_instance_name, role_of
from specs.rollout_times import HealthTimes

_SECOND = 1_000_000_000
_ABANDONED = re.compile(r"(?:^|: )context (?:canceled|deadline exceeded)(?:: unknown)?$")


@dataclass(frozen=True, slots=True)
class NetworkNames:
    """The engine's networks by id, to tell which endpoints of a container lead nowhere; None when they
    could not be listed: then every endpoint is taken for what it is called."""

    by_id: Mapping[str, str] | None

    def existing(self, key: str, network_id: str) -> str | None:
        """The object name of the network that an endpoint means; None when it is gone. A container that
        was never started has no id in its endpoints, and one connected by id may have the id as key."""
        if self.by_id is None:
            return key
        if network_id:
            return self.by_id.get(network_id)
        return self.by_id.get(key) or (key if key in self.by_id.values() else None)


def live_instance(
    owner: Owner,
    host: str,
    container: Node,
    image_labels: Mapping[str, str],
    networks: NetworkNames,
) -> Instance | None:
    """The instance that an inspected container is; None when it is none of this owner's.

    ``image_labels`` are those of its image: what a container has from there never makes it ours.
    """
    labels = without_inherited(text_map(container, "Config", "Labels"), image_labels)
    service_name = labels.get(ownership.SERVICE, "")
    if not is_ours(labels, owner) or not service_name:
        return None
    applied, applied_fields = _applied(labels)
    name = text(container, "Name").lstrip("/")
    role, number = _role_and_number(owner, service_name, name, labels)
    present, missing = _networks(container, networks)
    state = branch(container, "State")
    phase = _phase(state)
    return Instance(
        handle=Handle(host, text(container, "Id")),
        name=name,
        service_name=service_name,
        role=role,
        number=number,
        generation=_generation(labels),
        input=labels.get(ownership.INPUT, ""),
        commit=labels.get(ownership.COMMIT, ""),
        pin=labels.get(ownership.PIN, ""),
        source=labels.get(ownership.SOURCE, ""),
        applied=applied,
        applied_fields=applied_fields,
        live_fields=live_fields(owner, container, None if applied is None else applied_fields),
        networks=present,
        volumes=live_mounts(owner, container).volumes,
        image=labels.get(ownership.IMAGE, ""),
        phase=phase,
        health=_health(state),
        created_at=moment(container, "Created") or 0.0,
        started_at=moment(state, "StartedAt"),
        finished_at=moment(state, "FinishedAt"),
        healthy_since=healthy_since(nodes(state, "Health", "Log")),
        healthy_longer=all(whole(probe, "ExitCode") == 0 for probe in nodes(state, "Health", "Log")),
        exit_code=_exit_code(state, phase),
        out_of_memory=flag(state, "OOMKilled"),
        exits=whole(container, "RestartCount") + (phase in (Phase.EXITED, Phase.DEAD)),
        error=escaped(_error(state)),
        restart=live_restart(container),
        last_health_output=_last_health_output(state),
        check=health_times(branch(container, "Config", "Healthcheck")),
        checked_at=checked_at(nodes(state, "Health", "Log")),
        failing=whole(state, "Health", "FailingStreak"),
        missing_networks=missing,
    )


def _applied(labels: Mapping[str, str]) -> tuple[str | None, Fields]:
    try:
        canonical = decode_label(labels.get(ownership.SPEC, ""))
        return canonical, fields_of(canonical)
    except ValueError:
        return None, NOTHING


def _generation(labels: Mapping[str, str]) -> Generation:
    digest = labels.get(ownership.IMAGE, "").rpartition("@")[2]
    return Generation(labels.get(ownership.FINGERPRINT, ""), labels.get(ownership.SECRETS, ""), digest)


def _role_and_number(
    owner: Owner, service_name: str, name: str, labels: Mapping[str, str]
) -> tuple[Role, int | None]:
    parsed = parse_instance_name(name)
    if parsed is not None and (parsed.owner, parsed.service_name) != (owner, service_name):
        parsed = None
    return role_of(parsed, labels.get(ownership.ROLE, ""))


def _networks(container: Node, networks: NetworkNames) -> tuple[tuple[str, ...], tuple[str, ...]]:
    present: list[str] = []
    missing: list[str] = []
    for key, endpoint in branch(container, "NetworkSettings", "Networks").items():
        name = networks.existing(key, text(endpoint, "NetworkID"))
        if name is None:
            missing.append(key)
        elif name not in ("none", "host"):
            present.append(name)
    return tuple(sorted(present)), tuple(sorted(missing))


def _phase(state: Node) -> Phase:
    try:
        return Phase(text(state, "Status"))
    except ValueError:
        return Phase.DEAD


def _health(state: Node) -> Health:
    status = text(state, "Health", "Status") or "none"
    if status == "unhealthy" and flag(state, "Running") and not whole(state, "Health", "FailingStreak"):
        # After an unpause the engine says unhealthy until its next probe, though none has failed.
        return Health.STARTING
    try:
        return Health(status)
    except ValueError:
        return Health.NONE


def _exit_code(state: Node, phase: Phase) -> int | None:
    ended = phase in (Phase.EXITED, Phase.DEAD, Phase.RESTARTING)
    refused = phase is Phase.CREATED and _error(state) != ""
    return whole(state, "ExitCode") if ended or refused else None


def _error(state: Node) -> str:
    """Why the engine refused to start it. A start that the engine gave up because its caller went away (we
    were killed, or waited too long) says nothing about the container: it was never started."""
    error = text(state, "Error")
    return "" if _ABANDONED.search(error) else error


def healthy_since(log: Sequence[Node]) -> float | None:
    """The end of the earliest success of the run of successes that ends the engine's health log."""
    since: float | None = None
    for check in reversed(log):
        if whole(check, "ExitCode") != 0:
            break
        since = moment(check, "End") or since
    return since


def checked_at(log: Sequence[Node]) -> float | None:
    """The end of the last probe, if that succeeded."""
    if not log or whole(log[-1], "ExitCode") != 0:
        return None
    return moment(log[-1], "End")


def health_times(check: Node) -> HealthTimes | None:
    """The pace of the check that a container has, the engine's defaults filled in; None where it has none."""
    if texts(check, "Test")[:1] in ([], ["NONE"]):
        return None
    usual = HealthTimes()
    return HealthTimes(
        whole(check, "Interval") / _SECOND or usual.interval,
        whole(check, "Timeout") / _SECOND or usual.timeout,
        whole(check, "Retries") or usual.retries,
        whole(check, "StartPeriod") / _SECOND,
    )


def _last_health_output(state: Node) -> str:
    """Of the newest probe that failed and said something: one that the stop cut off says nothing."""
    log = nodes(state, "Health", "Log")
    said = [text(probe, "Output") for probe in log if whole(probe, "ExitCode") != 0]
    said = [output for output in said if output.strip()] or [text(probe, "Output") for probe in log[-1:]]
    return escaped(said[-1]) if said else ""


def live_network(host: str, network: Node, members: Iterable[str]) -> LiveNetwork:
    """An inspected network. ``members`` are ids of containers of any state that refer to it."""
    labels = text_map(network, "Labels")
    subnets = [text(row, "Subnet") for row in nodes(network, "IPAM", "Config")]
    fields: dict[str, Json] = {
        "driver": text(network, "Driver"),
        "internal": flag(network, "Internal"),
        "subnet": subnets[0] if subnets else None,
        **_options(network, labels),
    }
    return LiveNetwork(
        handle=Handle(host, text(network, "Id")),
        name=labels.get(ownership.NAME, ""),
        object_name=text(network, "Name"),
        created_at=moment(network, "Created") or 0.0,
        fields=fields,
        members=tuple(sorted(members)),
    )


def live_volume(host: str, volume: Node, filler: Handle | None) -> LiveVolume:
    """A listed volume. ``filler`` is its never-started filling container, while there is one."""
    labels = text_map(volume, "Labels")
    return LiveVolume(
        handle=Handle(host, text(volume, "Name")),
        name=labels.get(ownership.NAME, ""),
        object_name=text(volume, "Name"),
        role=labels.get(ownership.ROLE, "data"),
        finished=filler is None,
        fields={"driver": text(volume, "Driver"), **_options(volume, labels)},
        filler=filler,
    )


def _options(node: Node, labels: Mapping[str, str]) -> dict[str, Json]:
    options = {f"driver_opts.{key}": value for key, value in text_map(node, "Options").items()}
    return {**options, **{f"labels.{key}": value for key, value in without_ours(labels).items()}}


def image_volumes(image: Node) -> tuple[str, ...]:
    """The paths of an image's VOLUME instructions."""
    return tuple(sorted(branch(image, "Config", "Volumes")))
