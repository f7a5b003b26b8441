"""Registries, Networks, Volumes and Configs: a closed set of what is safe; anything else is refused."""

from __future__ import annotations

import posixpath
import re
from typing import Final

from specs.catalog import Catalog
from specs.lock import LOCK_FILE, LOCK_NAME
from specs.problem import Report
from specs.reference import ImageRef, InvalidReference
from specs.resource import Network, Volume
from specs.spec_set import SpecSet
from specs.suggest import did_you_mean, shown

_URL = re.compile(
    r"(?:https://)?(?:[A-Za-z0-9.-]*[.:][A-Za-z0-9.:-]*|localhost|\[[0-9a-fA-F:]+\](?::[0-9]+)?)(?:/[a-z0-9._/-]*)?"
)
HOST_NETWORKS: Final = ("host", "none", "bridge", "default", "ingress", "docker_gwbridge")
BRIDGE_OPTIONS: Final = (
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.bridge.host_binding_ipv4",
    "com.docker.network.bridge.name",
    "com.docker.network.driver.mtu",
)
VOLUME_OPTIONS: Final = ("type", "o", "device")
_REMOTE_TYPES: Final = ("nfs", "nfs4", "cifs")
_HOST_TYPES: Final = ("none", "bind")


def check_registries(catalog: Catalog, report: Report) -> None:
    """Addresses and images of Registries."""
    for name, registry in catalog.registries.items():
        own = report.about(f"Registry {name}")
        if registry.url is not None and not _URL.fullmatch(registry.url):
            expected = "host[:port][/path], such as registry.example.com/shop"
            remedy = "a login belongs under auth; only https is spoken, but to loopback"
            own.add(
                "SPEC015",
                catalog.place("Registry", name, "url"),
                "an address of another form",
                expected=expected,
                remedy=remedy,
            )
        try:
            ImageRef.parse(registry.image)
        except InvalidReference as error:
            own.add(
                "SPEC038",
                catalog.place("Registry", name, "image"),
                "an image that cannot be read",
                expected=str(error),
            )


def leaves_repository(path: str) -> bool:
    """Whether a path from the repository's root is absolute or leads out of it, or into ``.git``."""
    parts = posixpath.normpath(path).split("/")
    return path.startswith("/") or "\\" in path or parts[0] in ("..", ".git") or "\0" in path or not path


def check_resources(catalog: Catalog, report: Report) -> None:
    """Paths of Configs; drivers, options and names of Networks and Volumes."""
    for name, config in catalog.configs.items():
        if config.file is not None and leaves_repository(config.file):
            place = catalog.place("Config", name, "file")
            own = report.about(f"Config {name}")
            own.add("SPEC019", place, "the file leaves the repository", expected="a path below its root")
    for name, network in catalog.networks.items():
        _check_network(name, network, catalog, report.about(f"Network {name}"))
    for name, volume in catalog.volumes.items():
        _check_external("Volume", name, volume, catalog, report.about(f"Volume {name}"))
        _check_volume(name, volume, catalog, report.about(f"Volume {name}"))


def _check_external(
    kind: str, name: str, resource: Network | Volume, catalog: Catalog, report: Report
) -> None:
    place = catalog.nodes[kind, name].place_of("name")
    if resource.name is not None and not resource.external:
        report.add(
            "SPEC015", place, '"name" without external: true', remedy="remove it, or write external: true"
        )
    if resource.external and resource.model_fields_set - {"external", "name"}:
        report.add("SPEC015", place, "options of something external", remedy="keep external and name only")


def _check_network(name: str, network: Network, catalog: Catalog, report: Report) -> None:
    _check_external("Network", name, network, catalog, report)
    object_name = network.name or name
    if network.external and object_name in HOST_NETWORKS:
        place = catalog.nodes["Network", name].place_of("name")
        report.add(
            "SPEC035", place, f"network {shown(object_name)} is the engine's own", remedy="name another one"
        )
    if network.driver != "bridge":
        place = catalog.place("Network", name, "driver")
        report.add("SPEC017", place, "a driver that this version does not support", expected="bridge")
    options = catalog.nodes["Network", name].map_of("driver_opts")
    for option in network.driver_opts:
        if option not in BRIDGE_OPTIONS:
            hint = did_you_mean(option, BRIDGE_OPTIONS)
            report.add(
                "SPEC035", options.place_of(option), f"option {shown(option)} is not allowed", remedy=hint
            )
    if network.driver_opts.get("com.docker.network.bridge.name") == "docker0":
        place = options.place_of("com.docker.network.bridge.name")
        report.add("SPEC035", place, "the engine's own bridge", remedy="name another one")


def _check_volume(name: str, volume: Volume, catalog: Catalog, report: Report) -> None:
    if volume.driver != "local":
        place = catalog.place("Volume", name, "driver")
        report.add("SPEC017", place, "a driver that this version does not support", expected="local")
    options = catalog.nodes["Volume", name].map_of("driver_opts")
    for option in volume.driver_opts:
        if option not in VOLUME_OPTIONS:
            hint = did_you_mean(option, VOLUME_OPTIONS)
            report.add(
                "SPEC035", options.place_of(option), f"option {shown(option)} is not allowed", remedy=hint
            )
    kind = volume.driver_opts.get("type", "none")
    if volume.driver_opts and kind not in (*_REMOTE_TYPES, *_HOST_TYPES, "tmpfs"):
        expected = "nfs, nfs4, cifs, tmpfs, or none for a host path that allow.host_mounts names"
        report.add(
            "SPEC035", options.place_of("type"), "a type of volume that is not allowed", expected=expected
        )


def host_path_of(volume: Volume) -> str | None:
    """The host path that a volume's options mount; None when they mount none."""
    options = volume.driver_opts
    if not options or volume.external:
        return None
    kind, device = options.get("type", "none"), options.get("device", "")
    flags = options.get("o", "").split(",")
    if kind in _REMOTE_TYPES and not {"bind", "rbind"} & set(flags):
        return None
    if kind == "tmpfs" and not {"bind", "rbind"} & set(flags):
        return None
    return device


def check_locks(spec_set: SpecSet, report: Report) -> None:
    """There is one, where ``reconciler lock`` writes it: an entry elsewhere would never be renewed."""
    expected = posixpath.normpath(posixpath.join(spec_set.path, LOCK_FILE))
    for name, written in spec_set.of_kind("Lock").items():
        if name != LOCK_NAME or posixpath.normpath(written.place.file) != expected:
            remedy = 'remove it; "reconciler lock" writes the file'
            report.about(written.subject).add(
                "SPEC039",
                written.place,
                "a Lock in another place, or under another name",
                expected=f"one Lock, named {LOCK_NAME}, in {expected}",
                remedy=remedy,
            )
