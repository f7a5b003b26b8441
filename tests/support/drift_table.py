"""The rows of the drift table; what they meddle with is in ``drift_site.py``."""

from __future__ import annotations

from typing import Final

from drift_rows import (
    CONNECTED,
    UPDATED,
    Row,
    check,
    config,
    find_leaves,
    host,
    label,
    member,
    mount,
    publish,
    swap,
)
from e2e import ALIVE
from specs.hook import Hooks
from specs.rollout import Rollout
from specs.route import Route

S: Final = 1_000_000_000
OWN: Final = {
    "command": Row("command", "all", config("Cmd", [f"{ALIVE} "])),
    "entrypoint": Row("entrypoint", "all", config("Entrypoint", ["sh", "-e", "-c"])),
    "environment.*": Row("environment.A", "all", member("Env", "A=1", "A=2")),
    "labels.*": Row("labels.team", "all", label("team", "other")),
    "user": Row("user", "all", config("User", "0:0")),
    "working_dir": Row("working_dir", "all", config("WorkingDir", "/")),
    "stop_signal": Row("stop_signal", "all", config("StopSignal", "SIGKILL")),
    "stop_grace_period": Row("stop_grace_period", "all", config("StopTimeout", 3)),
    "healthcheck.test": Row("healthcheck.test", "all", check("Test", ["CMD", "true", "x"])),
    "healthcheck.interval": Row("healthcheck.interval", "all", check("Interval", S)),
    "healthcheck.timeout": Row("healthcheck.timeout", "all", check("Timeout", 3 * S)),
    "healthcheck.start_period": Row("healthcheck.start_period", "all", check("StartPeriod", 2 * S)),
    "healthcheck.start_interval": Row(
        "healthcheck.start_interval", "all", check("StartInterval", 2 * S), since=(1, 44)
    ),
    "healthcheck.retries": Row("healthcheck.retries", "all", check("Retries", 7)),
    "read_only": Row("read_only", "all", host("ReadonlyRootfs", False)),
    "cap_drop": Row("cap_drop", "all", host("CapDrop", ["MKNOD"])),
    "group_add": Row("group_add", "all", host("GroupAdd", ["9"])),
    "sysctls.*": Row("sysctls.net.core.somaxconn", "all", host("Sysctls", {"net.core.somaxconn": "64"})),
    "shm_size": Row("shm_size", "all", host("ShmSize", 16 << 20)),
    "init": Row("init", "all", host("Init", False)),
    "hostname": Row("hostname", "all", config("Hostname", "other")),
    "domainname": Row("domainname", "all", config("Domainname", "other.internal")),
    "extra_hosts.*": Row("extra_hosts.db.internal", "all", host("ExtraHosts", ["db.internal:10.1.1.1"])),
    "dns": Row("dns", "all", host("Dns", ["10.1.1.2"])),
    "dns_opt": Row("dns_opt", "all", host("DnsOptions", ["ndots:5"])),
    "dns_search": Row("dns_search", "all", host("DnsSearch", ["other.internal"])),
    "annotations.*": Row(
        "annotations.org.example.team", "all", host("Annotations", {"org.example.team": "x"}), since=(1, 43)
    ),
    "stdin_open": Row("stdin_open", "all", config("OpenStdin", False)),
    "tty": Row("tty", "all", config("Tty", False)),
    "oom_score_adj": Row("oom_score_adj", "all", host("OomScoreAdj", 100)),
    "ulimits.*.soft": Row(
        "ulimits.nofile",
        "all",
        host(
            "Ulimits",
            [
                {"Name": "nofile", "Soft": 900, "Hard": 1024},
                {"Name": "core", "Soft": 0, "Hard": 0},
                {"Name": "nproc", "Soft": 512, "Hard": 2048},
            ],
        ),
    ),
    "ulimits.*.hard": Row("ulimits.nproc", "all"),
    "logging.driver": Row(
        "logging.driver", "all", host("LogConfig", {"Type": "local", "Config": {"max-size": "2m"}})
    ),
    "logging.options.*": Row("logging.options.max-size", "all"),
    "healthcheck.disable": Row(
        "healthcheck.disable", "unchecked", config("Healthcheck", {"Test": ["CMD", "true"]})
    ),
    "ports.*.target": Row("ports.target", "ports", publish("80/tcp", "89/tcp")),
    "ports.*.published": Row("ports.published", "ports", publish("81/tcp", HostPort="")),
    "ports.*.host_ip": Row("ports.host_ip", "ports", publish("82/tcp", HostIp="127.0.0.2")),
    "ports.*.protocol": Row("ports.protocol", "ports", publish("83/udp", "83/tcp")),
}
MEMORY: Final = {"SizeBytes": 16 << 20, "Mode": 0o700}
RUN: Final = {
    "/run-size": "size=16777216,mode=700",
    "/run-mode": "size=16777216,mode=700",
    "/run-uid": "uid=1",
    "/run-gid": "gid=1",
    "/run-exec": "",
}
MOUNTED: Final = {
    "volumes.*.type": Row(
        "volumes./type", "mounts", mount("/type", Type="tmpfs", Source=None, VolumeOptions=None)
    ),
    "volumes.*.source": Row("volumes./source", "mounts", mount("/source", Source="PROJECT-other")),
    "volumes.*.read_only": Row("volumes./read", "mounts", mount("/read", ReadOnly=False)),
    "volumes.*.volume.nocopy": Row("volumes./nocopy", "mounts", mount("/nocopy", VolumeOptions=None)),
    "volumes.*.volume.subpath": Row(
        "volumes./sub", "subpath", mount("/sub", VolumeOptions={}), since=(1, 45)
    ),
    "volumes.*.bind.propagation": Row(
        "volumes./host", "mounts", mount("/host", BindOptions={"Propagation": "private"})
    ),
    "volumes.*.tmpfs.size": Row("volumes./size", "mounts", mount("/size", TmpfsOptions=MEMORY)),
    "volumes.*.tmpfs.mode": Row("volumes./mode", "mounts", mount("/mode", TmpfsOptions=MEMORY)),
    "tmpfs.*.size": Row("tmpfs./run-size", "mounts", host("Tmpfs", RUN)),
    "tmpfs.*.mode": Row("tmpfs./run-mode", "mounts"),
    "tmpfs.*.uid": Row("tmpfs./run-uid", "mounts"),
    "tmpfs.*.gid": Row("tmpfs./run-gid", "mounts"),
    "tmpfs.*.exec": Row("tmpfs./run-exec", "mounts"),
    "configs.*.source": Row(
        "configs./files/one", "mounts", swap("/files/one", "/files/two"), also=("configs./files/two",)
    ),
    "configs.*.mode": Row("configs./files/mode", "mounts", swap("/files/mode", "/files/uid")),
    "configs.*.uid": Row("configs./files/uid", "mounts"),
    "configs.*.gid": Row(
        "configs./files/gid", "mounts", swap("/files/gid", "/files/plain"), also=("configs./files/plain",)
    ),
}
BEYOND: Final = {
    "privileged": Row("privileged", "mighty", host("Privileged", False), since=(1, 45)),
    "cap_add": Row("cap_add", "every", host("CapAdd", [])),
    "devices": Row("devices", "every", host("Devices", [])),
    "device_cgroup_rules": Row("device_cgroup_rules", "every", host("DeviceCgroupRules", ["c 1:5 r"])),
    "security_opt": Row("security_opt", "every", host("SecurityOpt", ["seccomp=unconfined"])),
    "ipc": Row("ipc", "every", host("IpcMode", "private")),
    "pid": Row("pid", "every", host("PidMode", "")),
    "uts": Row("uts", "every", host("UTSMode", "")),
    "userns_mode": Row("userns_mode", "every", host("UsernsMode", "")),
    "cgroup": Row("cgroup", "every", host("CgroupnsMode", "private")),
    "cgroup_parent": Row("cgroup_parent", "every", host("CgroupParent", "")),
    "networks.*.mac_address": Row("networks.front.mac_address", "masked", how=CONNECTED, since=(1, 44)),
    "network_mode": Row("network_mode", "alone", host("NetworkMode", "default"), also=("networks.bridge",)),
}
_LIMITS: Final = "deploy.resources.limits."
IN_PLACE: Final = {
    **{
        path: Row(path, "limits", how=UPDATED)
        for path in (f"{_LIMITS}cpus", f"{_LIMITS}memory", f"{_LIMITS}pids", "memswap_limit", "cpu_shares")
    },
    "deploy.resources.reservations.memory": Row(
        "deploy.resources.reservations.memory", "limits", how=UPDATED
    ),
    "cpuset": Row("cpuset", "limits", how=UPDATED),
    "restart": Row("restart", "limits", how=UPDATED),
    "networks.*.ipv4_address": Row("networks.front.ipv4_address", "placed", how=CONNECTED),
    "networks.*.ipv6_address": Row("networks.front.ipv6_address", "placed", how=CONNECTED),
    "networks.*.link_local_ips": Row("networks.front.link_local_ips", "placed", how=CONNECTED),
}
_DIGEST: Final = "a secret's value is never read back: another value is another digest in a label"
_HOW: Final = "says when or how, not what"
UNSEEN: Final = {
    "image": "an instance cannot change its image: its digest stands in a label",
    "gpus": "compared, but no engine of the tests has any, so none was edited live",
    "env_file": "read into environment, and compared there",
    "label_file": "read into labels, and compared there",
    "expose": "a note without effect: neighbours reach every port",
    "volumes.*.bind.create_host_path": "false is its only value",
    "networks.*.aliases": "the engine adds names of its own, and gives no way to tell them from a hand's",
    "networks.*.priority": "an order in which networks are joined, which nothing shows afterwards",
    **{f"secrets.*.{name}": _DIGEST for name in ("source", "mode", "uid", "gid")},
    **{f"depends_on.*.{name}": _HOW for name in ("condition", "required")},
    "deploy.mode": "replicated is its only value",
    "deploy.replicas": "instances are counted: a missing one is made, one too many removed",
    **{f"rollout.{name}": _HOW for name in Rollout.model_fields},
    **dict.fromkeys(find_leaves(Route, "route."), "the proxies do it, where it is compared"),
    **dict.fromkeys(find_leaves(Hooks, "hooks."), _HOW),
    "drift.ignore": "says what is left alone",
}
ROWS: Final = {
    **OWN,
    **MOUNTED,
    **BEYOND,
    **IN_PLACE,
    **{path: Row(unseen=reason) for path, reason in UNSEEN.items()},
}
"""A row for every field of a Service, to its last part."""
