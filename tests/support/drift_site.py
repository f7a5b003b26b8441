"""The environment whose services the drift table meddles with: one service for each way."""

from __future__ import annotations

from typing import Any, Final

from e2e import ALIVE, Site

MIGHTY: Final = (1, 45)
"""Where tests run, the older engine's runc may not raise all capabilities: the word is tried on the other."""
UPDATE: Final = (
    "update", "--cpus", "0.75", "--memory", "80m", "--memory-swap", "120m", "--memory-reservation", "8m",
    "--pids-limit", "70", "--cpu-shares", "256", "--cpuset-cpus", "0", "--restart", "no",
)  # fmt: skip
"""What a hand does to ``limits``."""
ALLOW: Final[dict[str, Any]] = {
    "cap_add": {"NET_ADMIN": ["every"]},
    "devices": ["/dev/zero"],
    "device_cgroup_rules": ["c 1:5 rwm"],
    "security_opt": ["seccomp=unconfined"],
    **{word: ["host"] for word in ("pid", "uts", "userns_mode", "cgroup")},
    "cgroup_parent": ["/reconciler-drift"],
}


def declare(site: Site, ports: dict[str, int], api: tuple[int, int]) -> None:
    """One service for each way to meddle, and bystanders."""
    allow = {**ALLOW, "host_mounts": [str(site.folder)]}
    allow |= {"privileged": ["mighty"]} if api >= MIGHTY else {}
    site.declare("Environment", "dev", project=site.project, allow=allow)
    _declare_own(site, api)
    _declare_mounts(site)
    site.service("unchecked", healthcheck={"disable": True})
    site.service(
        "ports",
        ports=[f"127.0.0.1:{ports[w]}:{n}" for w, n in (("target", 80), ("published", 81), ("host_ip", 82))]
        + [f"127.0.0.1:{ports['protocol']}:83/udp"],
        healthcheck=None,
    )
    if api >= MIGHTY:
        site.service("mighty", privileged=True)
    site.service(
        "every", cap_add=["NET_ADMIN"], devices=["/dev/zero:/dev/nought:r"], ipc="shareable", pid="host",
        device_cgroup_rules=["c 1:5 rwm"], security_opt=["no-new-privileges:true", "seccomp:unconfined"],
        uts="host", userns_mode="host", cgroup="host", cgroup_parent="/reconciler-drift",
    )  # fmt: skip
    site.service("alone", network_mode="none")
    limits = {"limits": {"cpus": "0.5", "memory": "64M", "pids": 50}, "reservations": {"memory": "16M"}}
    site.service("limits", deploy={"resources": limits}, memswap_limit="96M", cpu_shares=512, cpuset="0-1")
    # Engines of one machine share its routes: each has subnets of its own.
    net = api[1] + 100
    pools = [{"subnet": f"10.213.{net}.0/24"}, {"subnet": f"fd13:{net}::/64"}]
    site.declare("Network", "front", ipam={"config": pools}, enable_ipv6=True)
    place = {
        "ipv4_address": f"10.213.{net}.40",
        "ipv6_address": f"fd13:{net}::40",
        "link_local_ips": ["169.254.8.8"],
    }
    if api >= (1, 44):
        site.service("masked", networks={"default": {}, "front": {"mac_address": "02:42:99:99:99:28"}})
    site.service("placed", networks={"front": place, "default": {}})
    site.service("bystander")


def _declare_own(site: Site, api: tuple[int, int]) -> None:
    newer: dict[str, Any] = {"annotations": {"org.example.team": "shop"}} if api >= (1, 43) else {}
    checked = {"start_interval": "300ms"} if api >= (1, 44) else {}
    site.service(
        "all", None, entrypoint=["sh", "-c"], command=[ALIVE], environment={"A": "1"},
        labels={"team": "shop"}, user="1000:1000", working_dir="/tmp", stop_signal="SIGTERM",
        stop_grace_period="2s", read_only=True,
        cap_drop=["NET_RAW"], group_add=["1234"], sysctls={"net.core.somaxconn": "512"}, shm_size="32M",
        init=True, hostname="all", domainname="shop.internal", extra_hosts=["db.internal=10.9.8.7"],
        dns=["10.9.8.6"], dns_opt=["ndots:2"], dns_search=["shop.internal"], stdin_open=True, tty=True,
        oom_score_adj=300, logging={"driver": "json-file", "options": {"max-size": "1m"}},
        ulimits={"nofile": 1024, "core": 0, "nproc": {"soft": 512, "hard": 1024}},
        healthcheck={"test": ["CMD", "true"], "interval": "300ms", "timeout": "2s", "start_period": "100ms",
                     "retries": 3, **checked},
        **newer,
    )  # fmt: skip


def _declare_mounts(site: Site) -> None:
    site.declare("Volume", "state")
    for name in ("one", "two", "plain"):
        site.declare("Config", name, file=f"conf/{name}")
    site.repository.write({f"conf/{name}/file": f"{name}\n" for name in ("one", "two", "plain")})
    small = {"size": "8M", "mode": "0o700"}
    volume: dict[str, Any] = {"type": "volume", "source": "state"}
    site.service(
        "mounts",
        tmpfs=[
            "/run-size:size=8m,mode=700",
            "/run-mode:size=16m,mode=750",
            "/run-uid:uid=7",
            "/run-gid:gid=7",
            "/run-exec:exec",
        ],
        volumes=[
            {**volume, "target": "/type"},
            {**volume, "target": "/source"},
            {**volume, "target": "/read", "read_only": True},
            {**volume, "target": "/nocopy", "volume": {"nocopy": True}},
            {"type": "bind", "source": str(site.folder), "target": "/host", "read_only": True,
             "bind": {"propagation": "rprivate"}},
            {"type": "tmpfs", "target": "/size", "tmpfs": small},
            {"type": "tmpfs", "target": "/mode", "tmpfs": {"size": "16M", "mode": "0o750"}},
        ],
        configs=[
            {"source": "one", "target": "/files/one"},
            {"source": "two", "target": "/files/two"},
            {"source": "plain", "target": "/files/mode", "mode": "0o440"},
            {"source": "plain", "target": "/files/uid", "uid": "1000"},
            {"source": "plain", "target": "/files/gid", "gid": "1000"},
            {"source": "plain", "target": "/files/plain"},
        ],
    )  # fmt: skip
