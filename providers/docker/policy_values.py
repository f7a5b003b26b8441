"""What a safe value of a field of the engine's calls is, and what one payload may carry beyond them. Pure."""

from __future__ import annotations

import ipaddress
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from reconciler.desired import Json
from specs.allow import Allowed
from specs.check_resource import BRIDGE_OPTIONS, HOST_NETWORKS, VOLUME_OPTIONS, host_path_of
from specs.container_types import (
    LOG_DRIVERS,
    UlimitName,
    refuse_host_socket,
    refuse_log_option,
    refuse_runtime_note,
    refuse_shared_sysctl,
)
from specs.mounts import READABLE_HOST_FILES
from specs.resource import Volume
from specs.service import refuse_escape

Test: TypeAlias = Callable[[Json], bool]
Call: TypeAlias = Literal[
    "container", "network", "volume", "update", "connect", "disconnect", "exec", "start"
]
_PORT: Final = re.compile(r"[0-9]{1,5}/(?:tcp|udp|sctp)")
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}")
_CAPABILITY: Final = re.compile(r"(?:CAP_)?[A-Z_]{2,40}")
_MEMORY: Final = re.compile(r"(?:(?:(?:size|uid|gid)=[0-9]{1,18}|mode=[0-7]{1,4}|exec)(?:,(?=.)|$))*")
_MAC: Final = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Permit:
    """What one payload may carry beyond the safe set."""

    service_name: str = ""
    allowed: Allowed = field(default_factory=Allowed)
    folders: frozenset[str] = frozenset()
    """Where volumes of our own files lie: a single one is a read-only bind of one of them."""
    joins: frozenset[str] = frozenset()
    """Ids of containers of ours whose namespaces it may share."""
    networks: frozenset[str] = frozenset()
    """Networks of ours that may stand as the network mode."""

    def grants(self, word: str, value: str) -> bool:
        """Whether the environment allows this value of a word."""
        return self.allowed.grants(word, value, self.service_name)


NOTHING: Final = Permit()
PROPAGATIONS: Final = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


class Grant(NamedTuple):
    """``free`` values need nothing; of others ``named`` says what ``allow`` must name, if it can."""

    word: str
    free: Test
    named: Callable[[Json], str | None]


def never(value: Json) -> bool:
    """No value is free."""
    return False


def itself(value: Json) -> str | None:
    """``allow`` names the text as it is sent."""
    return value if isinstance(value, str) else None


def flag(value: Json) -> bool:
    """True or false."""
    return isinstance(value, bool)


def number(value: Json) -> bool:
    """A whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def text(value: Json) -> bool:
    """Text without a NUL."""
    return isinstance(value, str) and "\0" not in value


def texts(value: Json) -> bool:
    """A map of texts."""
    return isinstance(value, dict) and all(text(part) for part in value.values())


def nothing(value: Json) -> bool:
    """An empty mapping: the key alone says something."""
    return value == {}


def one_of(*choices: Json) -> Test:
    """One of a closed set."""
    return lambda value: value in choices


def matches(pattern: re.Pattern[str]) -> Test:
    """Text of one form."""
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def passes(refuse: Callable[[str], object]) -> Callable[[str], bool]:
    """What a rule of the language takes: it raises ValueError for what it does not."""

    def test(value: str) -> bool:
        try:
            refuse(value)
        except ValueError:
            return False
        return True

    return test


def at_most(low: int, high: int) -> Test:
    """A whole number between two."""
    return lambda value: isinstance(value, int) and low <= value <= high


def address(value: Json) -> bool:
    """An IP address, or none."""
    return value == "" or (isinstance(value, str) and passes(ipaddress.ip_address)(value))


def subnet(value: Json) -> bool:
    """A range of addresses."""
    return isinstance(value, str) and passes(ipaddress.ip_network)(value)


def addresses(value: Json) -> bool:
    """Names with addresses."""
    return isinstance(value, dict) and all(address(part) for part in value.values())


def sysctls(value: Json) -> bool:
    """Kernel settings of the container's own namespaces."""
    return texts(value) and isinstance(value, dict) and all(map(passes(refuse_shared_sysctl), value))


def memory(value: Json) -> bool:
    """File systems in memory by path, with options that stay in the container."""
    return texts(value) and isinstance(value, dict) and all(map(_MEMORY.fullmatch, map(str, value.values())))


def notes(value: Json) -> bool:
    """Notes that no program of the host obeys."""
    return texts(value) and isinstance(value, dict) and all(map(passes(refuse_runtime_note), value))


def log_options(value: Json) -> bool:
    """Options that name no file and no socket of the host."""
    if not isinstance(value, dict) or not all(map(passes(refuse_log_option), value)):
        return False
    return all(isinstance(part, str) and passes(refuse_host_socket)(part) for part in value.values())


def bridge_options(value: Json) -> bool:
    """Options of the bridge driver that are known to be harmless."""
    return texts(value) and isinstance(value, dict) and value.keys() <= set(BRIDGE_OPTIONS)


def network_name(value: Json) -> bool:
    """A name that is not one of the engine's own."""
    return matches(_NAME)(value) and value not in HOST_NETWORKS


def volume_options(value: Json, permit: Permit) -> bool:
    """``type``, ``o`` and ``device``; a host path only where ``allow.host_mounts`` names it."""
    if not texts(value) or not isinstance(value, dict) or not value.keys() <= set(VOLUME_OPTIONS):
        return False
    path = host_path_of(Volume(driver_opts={key: str(part) for key, part in value.items()}))
    return path is None or permit.grants("host_mounts", path)


def mount_source(mount: Mapping[str, Json], permit: Permit) -> bool:
    """The source of a mount: a volume by name, or a host path that is ours, harmless or allowed."""
    source = mount.get("Source")
    if mount.get("Type") != "bind":
        return matches(_NAME)(source)
    if not isinstance(source, str):
        return False
    if spread(mount) != source:
        return permit.grants("host_mounts", spread(mount))
    if mount.get("ReadOnly") is True:
        plain = source in READABLE_HOST_FILES and not _propagation(mount)
        if plain or posixpath.dirname(source) in permit.folders:
            return True
    return permit.grants("host_mounts", source)


def _propagation(mount: Mapping[str, Json]) -> Json:
    options = mount.get("BindOptions")
    return options.get("Propagation") if isinstance(options, Mapping) else None


def spread(mount: Mapping[str, Json]) -> str:
    """How ``allow.host_mounts`` names a host path: with its propagation where mounts below it travel to the
    host."""
    value = _propagation(mount)
    return f"{mount.get('Source')}:{value}" if value in ("shared", "rshared") else str(mount.get("Source"))


def joins(value: Json, permit: Permit) -> bool:
    """``container:ID`` of an instance of ours."""
    return isinstance(value, str) and value.removeprefix("container:") in permit.joins and ":" in value


exposed = matches(_PORT)
object_name = matches(_NAME)
capability = matches(_CAPABILITY)
mac = matches(_MAC)
log_driver = one_of("", *LOG_DRIVERS)
ulimit = one_of(*get_args(UlimitName))
subpath = passes(refuse_escape)
