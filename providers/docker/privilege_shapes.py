"""The words that reach beyond a container, as the engine spells them: both ways. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from providers.docker.tree import branch, flag, nodes, text, texts, whole
from reconciler.desired import Fields, Json
from specs.privilege import Gpu, joined_service
from specs.service import Service

Read = Callable[[Json, Fields], Fields]


def devices_payload(service: Service) -> Json:
    """``/dev/a:/dev/b:rwm`` as the engine's objects."""
    found: list[Json] = []
    for device in service.devices:
        host, inside, may = device.split(":")
        found.append({"PathOnHost": host, "PathInContainer": inside, "CgroupPermissions": may})
    return found or None


def devices(live: Json, applied: Fields) -> Fields:
    """The devices as texts."""
    rows = nodes({"": live}, "")
    found: list[Json] = [
        f"{text(row, 'PathOnHost')}:{text(row, 'PathInContainer')}:{text(row, 'CgroupPermissions')}"
        for row in rows
    ]
    return {"devices": found or None}


def gpus_payload(service: Service) -> Json:
    """Device requests."""
    found: list[Json] = [_request(gpu) for gpu in service.gpus]
    return found or None


def _request(gpu: Gpu) -> dict[str, Json]:
    request: dict[str, Json] = {"Capabilities": [list[Json](gpu.capabilities)]}
    if gpu.driver is not None:
        request["Driver"] = gpu.driver
    if gpu.count is not None:
        request["Count"] = gpu.count
    if gpu.device_ids:
        request["DeviceIDs"] = list[Json](gpu.device_ids)
    return request


def gpus(live: Json, applied: Fields) -> Fields:
    """The device requests, with the applied spelling of what was left out."""
    found: list[Json] = []
    for row in nodes({"": live}, ""):
        request: dict[str, Json] = {}
        if text(row, "Driver"):
            request["driver"] = text(row, "Driver")
        ids = texts(row, "DeviceIDs")
        request |= {"device_ids": list[Json](ids)} if ids else {"count": whole(row, "Count")}
        sets = row.get("Capabilities")
        first = sets[0] if isinstance(sets, list) and sets else []
        names = texts({"": first}, "")
        found.append(request if names == ["gpu"] else {**request, "capabilities": list[Json](names)})
    return {"gpus": found or None}


def capabilities(path: str) -> Read:
    """Capabilities without their prefix, sorted."""

    def read(live: Json, applied: Fields) -> Fields:
        names = sorted(name.upper().removeprefix("CAP_") for name in texts({"": live}, ""))
        return {path: list[Json](names) or None}

    return read


def security(live: Json, applied: Fields) -> Fields:
    """The options that were applied, without those that the engine adds to a privileged container."""
    declared = applied.get("security_opt")
    known = declared if isinstance(declared, list) else []
    found = sorted(option.replace(":", "=", 1) for option in texts({"": live}, ""))
    kept: list[Json] = [option for option in found if option in known or option != "label=disable"]
    return {"security_opt": kept or None}


def mode(path: str) -> Read:
    """A namespace's mode; one that joins stands as ``container:ID`` until the service is known."""
    plain = ("default", "bridge", "")

    def read(live: Json, applied: Fields) -> Fields:
        return {path: live if isinstance(live, str) and live not in plain else None}

    return read


def joining_modes(service: Service, joins: Mapping[str, str]) -> dict[str, Json]:
    """``HostConfig``'s modes of network, ipc and pid; ``joins`` maps a service to the id of its instance."""
    words = {"NetworkMode": service.network_mode, "IpcMode": service.ipc, "PidMode": service.pid}
    found: dict[str, Json] = {}
    for name, written in words.items():
        if written is not None:
            other = joined_service(written)
            found[name] = written if other is None else f"container:{joins.get(other, '')}"
    return found


def is_privileged(live: Json, applied: Fields) -> Fields:
    """True or false."""
    return {"privileged": live is True}


def mount_extras(written: Mapping[str, Json]) -> dict[str, Json]:
    """What was said of one mount beyond type and source, from the create call that an inspect repeats."""
    found: dict[str, Json] = {}
    if flag(written, "VolumeOptions", "NoCopy"):
        found["nocopy"] = True
    subpath = text(written, "VolumeOptions", "Subpath")
    if subpath:
        found["subpath"] = subpath
    propagation = text(branch(written, "BindOptions"), "Propagation")
    if propagation:
        found["propagation"] = propagation
    return found
