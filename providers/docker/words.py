"""One row for each word of a Service: where the engine keeps it, and what becomes of an edit by hand.

The create call, the reading of live containers, what is mended in place and ``docs/words.md`` all follow this
table, so they cannot disagree. Rows with ``write`` and ``read`` say both ways themselves; those without are
written by ``payload.py`` and ``mounts.py`` and read by ``fields.py``. A path that ends with a dot stands for
the members of a map: each is a field of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from providers.docker import privilege_shapes as beyond
from providers.docker import shapes
from providers.docker.tree import Node
from reconciler.desired import Fields, Json
from specs.service import Service

Write: TypeAlias = Callable[[Service], Json]
"""What the create call says; None says nothing."""
Read: TypeAlias = Callable[[Json, Fields], Fields]
"""What is there in an inspect, and the applied fields -> live fields by path."""
Healing: TypeAlias = Literal["in place", "replacement", "never"]
IN_PLACE: Final = "in place"


@dataclass(frozen=True, slots=True)
class Word:
    """One word. ``at`` is its place in the create call and in an inspect; ``unseen`` says why its live value
    is not compared, empty where it is; ``since`` is the API version that first knows it."""

    path: str
    at: tuple[str, ...] = ()
    healed: Healing = "replacement"
    write: Write | None = None
    read: Read | None = None
    unseen: str = ""
    since: tuple[int, int] | None = None


def _host(name: str) -> tuple[str, ...]:
    return ("HostConfig", name)


def _config(name: str) -> tuple[str, ...]:
    return ("Config", name)


RUNTIME_WORDS: Final = (
    Word(
        "read_only",
        _host("ReadonlyRootfs"),
        write=lambda s: s.read_only or None,
        read=shapes.flag("read_only"),
    ),
    Word("cap_drop", _host("CapDrop"), write=lambda s: shapes.items(s.cap_drop), read=shapes.capabilities),
    Word(
        "group_add",
        _host("GroupAdd"),
        write=lambda s: shapes.items(s.group_add),
        read=shapes.any_order("group_add"),
    ),
    Word("tmpfs.", _host("Tmpfs"), write=shapes.tmpfs_payload, read=shapes.tmpfs),
    Word("ulimits.", _host("Ulimits"), write=shapes.ulimits_payload, read=shapes.ulimits),
    Word(
        "sysctls.", _host("Sysctls"), write=lambda s: dict(s.sysctls) or None, read=shapes.members("sysctls")
    ),
    Word("shm_size", _host("ShmSize"), write=lambda s: s.shm_size, read=shapes.number("shm_size")),
    Word("init", _host("Init"), write=lambda s: s.init, read=shapes.flag("init")),
    Word("hostname", _config("Hostname"), write=lambda s: s.hostname, read=shapes.words("hostname")),
    Word("domainname", _config("Domainname"), write=lambda s: s.domainname, read=shapes.words("domainname")),
    Word("extra_hosts.", _host("ExtraHosts"), write=shapes.hosts_payload, read=shapes.hosts),
    Word("dns", _host("Dns"), write=lambda s: shapes.items(s.dns), read=shapes.in_order("dns")),
    Word(
        "dns_opt",
        _host("DnsOptions"),
        write=lambda s: shapes.items(s.dns_opt),
        read=shapes.in_order("dns_opt"),
    ),
    Word(
        "dns_search",
        _host("DnsSearch"),
        write=lambda s: shapes.items(s.dns_search),
        read=shapes.in_order("dns_search"),
    ),
    Word("logging.", _host("LogConfig"), write=shapes.logging_payload, read=shapes.logging),
    Word(
        "annotations.",
        _host("Annotations"),
        write=lambda s: dict(s.annotations) or None,
        read=shapes.members("annotations"),
        since=(1, 43),
    ),
    Word(
        "stdin_open",
        _config("OpenStdin"),
        write=lambda s: s.stdin_open or None,
        read=shapes.flag("stdin_open"),
    ),
    Word("tty", _config("Tty"), write=lambda s: s.tty or None, read=shapes.flag("tty")),
    Word(
        "oom_score_adj",
        _host("OomScoreAdj"),
        write=lambda s: s.oom_score_adj,
        read=shapes.number("oom_score_adj"),
    ),
    Word(
        "memswap_limit",
        _host("MemorySwap"),
        IN_PLACE,
        lambda s: s.memswap_limit,
        shapes.number("memswap_limit"),
    ),
    Word("cpu_shares", _host("CpuShares"), IN_PLACE, lambda s: s.cpu_shares, shapes.number("cpu_shares")),
    Word("cpuset", _host("CpusetCpus"), IN_PLACE, lambda s: s.cpuset, shapes.cpuset),
)
"""Words that are the same on both sides."""

PRIVILEGE_WORDS: Final = (
    Word("privileged", _host("Privileged"), write=lambda s: s.privileged or None, read=beyond.is_privileged),
    Word(
        "cap_add",
        _host("CapAdd"),
        write=lambda s: shapes.items(s.cap_add),
        read=beyond.capabilities("cap_add"),
    ),
    Word("devices", _host("Devices"), write=beyond.devices_payload, read=beyond.devices),
    Word(
        "device_cgroup_rules",
        _host("DeviceCgroupRules"),
        write=lambda s: shapes.items(s.device_cgroup_rules),
        read=shapes.any_order("device_cgroup_rules"),
    ),
    Word("gpus", _host("DeviceRequests"), write=beyond.gpus_payload, read=beyond.gpus),
    Word(
        "security_opt",
        _host("SecurityOpt"),
        write=lambda s: shapes.items(s.security_opt),
        read=beyond.security,
    ),
    Word("network_mode", _host("NetworkMode"), read=beyond.mode("network_mode")),
    Word("ipc", _host("IpcMode"), read=beyond.mode("ipc")),
    Word("pid", _host("PidMode"), read=beyond.mode("pid")),
    Word("uts", _host("UTSMode"), write=lambda s: s.uts, read=beyond.mode("uts")),
    Word("userns_mode", _host("UsernsMode"), write=lambda s: s.userns_mode, read=beyond.mode("userns_mode")),
    Word("cgroup", _host("CgroupnsMode"), write=lambda s: s.cgroup, read=beyond.mode("cgroup")),
    Word(
        "cgroup_parent",
        _host("CgroupParent"),
        write=lambda s: s.cgroup_parent,
        read=shapes.words("cgroup_parent"),
    ),
)
"""Words that reach beyond the container; ``payload.py`` writes the modes that can join another's."""

_LIMITS: Final = "deploy.resources.limits."
PROCESS_WORDS: Final = (
    Word("command", _config("Cmd")),
    Word("entrypoint", _config("Entrypoint")),
    Word("environment.", _config("Env")),
    Word("labels.", _config("Labels")),
    Word("user", _config("User")),
    Word("working_dir", _config("WorkingDir")),
    Word("stop_signal", _config("StopSignal")),
    Word("stop_grace_period", _config("StopTimeout")),
    Word("healthcheck.test", ("Config", "Healthcheck", "Test")),
    Word("healthcheck.interval", ("Config", "Healthcheck", "Interval")),
    Word("healthcheck.timeout", ("Config", "Healthcheck", "Timeout")),
    Word("healthcheck.start_period", ("Config", "Healthcheck", "StartPeriod")),
    Word("healthcheck.start_interval", ("Config", "Healthcheck", "StartInterval"), since=(1, 44)),
    Word("healthcheck.retries", ("Config", "Healthcheck", "Retries")),
    Word("healthcheck.disable", ("Config", "Healthcheck", "Test")),
    Word("restart", _host("RestartPolicy"), IN_PLACE),
    Word(f"{_LIMITS}cpus", _host("NanoCpus"), IN_PLACE),
    Word(f"{_LIMITS}memory", _host("Memory"), IN_PLACE),
    Word(f"{_LIMITS}pids", _host("PidsLimit"), IN_PLACE),
    Word("deploy.resources.reservations.memory", _host("MemoryReservation"), IN_PLACE),
)
OUTSIDE_WORDS: Final = (
    Word("ports.", _host("PortBindings")),
    Word("volumes.", ("Mounts",)),
    Word("configs.", ("Mounts",)),
    Word("networks.", ("NetworkSettings", "Networks"), IN_PLACE),
    Word("networks.*.mac_address", ("NetworkSettings", "Networks"), since=(1, 44)),
    Word("volumes.*.subpath", ("Mounts",), since=(1, 45)),
    Word(
        "secrets.", unseen="a secret's value is never read back; another value is another digest in a label"
    ),
)
NEVER_LIVE: Final = (
    Word("image", healed="never", unseen="an instance cannot change its image; its digest stands in a label"),
    Word("env_file", healed="never", unseen="read into environment, and compared there"),
    Word("label_file", healed="never", unseen="read into labels, and compared there"),
    Word("expose", healed="never", unseen="a note without effect: neighbours reach every port"),
    Word("depends_on.", healed="never", unseen="says when, not what"),
    Word("deploy.mode", healed="never", unseen="replicated is the only mode"),
    Word("deploy.replicas", unseen="instances are counted: a missing one is made, one too many removed"),
    Word("route.", healed="never", unseen="says where requests go; the proxy's work is compared as a whole"),
    Word("rollout.", healed="never", unseen="says how, not what"),
    Word("drift.", healed="never", unseen="says what is left alone"),
    Word("hooks.", healed="never", unseen="says how, not what"),
)
WORDS: Final = (*PROCESS_WORDS, *RUNTIME_WORDS, *PRIVILEGE_WORDS, *OUTSIDE_WORDS, *NEVER_LIVE)
"""Every word of a Service."""
MENDABLE: Final = tuple(
    word.path for word in WORDS if word.healed == IN_PLACE and not word.path.startswith("networks.")
)
"""Prefixes of the fields that ``docker update`` changes."""


def write_words(service: Service) -> dict[str, dict[str, Json]]:
    """What the create call says of the words that write themselves: by ``Config`` and ``HostConfig``."""
    found: dict[str, dict[str, Json]] = {"Config": {}, "HostConfig": {}}
    for word in (*RUNTIME_WORDS, *PRIVILEGE_WORDS):
        value = word.write(service) if word.write else None
        if value is not None:
            found[word.at[0]][word.at[1]] = value
    return found


def read_words(container: Node, applied: Fields) -> dict[str, Json]:
    """The live fields of the words that read themselves."""
    found: dict[str, Json] = {}
    for word in (*RUNTIME_WORDS, *PRIVILEGE_WORDS):
        part = container.get(word.at[0])
        value = part.get(word.at[1]) if isinstance(part, Mapping) else None
        found |= word.read(value, applied) if word.read else {}
    return found


def unknown_words(version: tuple[int, int]) -> dict[str, tuple[int, int]]:
    """The words that an engine of this API version drops without a word -> the version that knows them."""
    return {word.path: word.since for word in WORDS if word.since is not None and word.since > version}
