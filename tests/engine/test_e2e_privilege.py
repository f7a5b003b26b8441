"""Words that need `allow`, addresses, shared namespaces and mount options, from git to a real engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from e2e import ALIVE, Site
from ground import RunningEngine

pytestmark = pytest.mark.engine
ALLOW = {
    "cap_add": {"NET_ADMIN": ["every"]},
    "devices": ["/dev/zero"],
    "device_cgroup_rules": ["c 1:5 rwm"],
    "security_opt": ["seccomp=unconfined"],
    "pid": ["host"],
    "uts": ["host"],
    "userns_mode": ["host"],
    "cgroup": ["host"],
    "cgroup_parent": ["/reconciler-e2e"],
    "network_mode": {"host": ["hosted"]},
}
FOLLOW = ("vpn", "behind", "beside")
MAC = "02:42:0a:d5:4e:28"


def net_of(engine: RunningEngine) -> int:
    """Engines of one machine share its routes: each has subnets of its own."""
    return 78 if knows(engine, 1, 45) else 79


def declare(site: Site, newest: bool) -> None:
    allow = {**ALLOW, "host_mounts": [str(site.folder), f"{site.folder}:rshared"]}
    site.declare("Environment", "dev", project=site.project, allow=allow)
    net = net_of(site.engine)
    own = f"10.213.{net}"
    pools = [{"subnet": f"{own}.0/24", "gateway": f"{own}.1", "ip_range": f"{own}.128/25"}]
    six = {"subnet": f"fd13:{net}::/64"}
    site.declare("Network", "front", ipam={"config": [*pools, six]}, enable_ipv6=True)
    site.declare("Volume", "state")
    site.service(
        "every",
        cap_add=["CAP_NET_ADMIN"],
        devices=["/dev/zero:/dev/nought:r"],
        device_cgroup_rules=["c 1:5 rwm"],
        security_opt=["no-new-privileges:true", "seccomp:unconfined"],
        ipc="shareable",
        pid="host",
        uts="host",
        userns_mode="host",
        cgroup="host",
        cgroup_parent="/reconciler-e2e",
        volumes=[
            {"type": "volume", "source": "state", "target": "/state", "volume": {"nocopy": True}},
            {
                "type": "bind",
                "source": str(site.folder),
                "target": "/host",
                "read_only": True,
                "bind": {"propagation": "rprivate", "create_host_path": False},
            },
        ],
    )
    site.service("hosted", network_mode="host")
    site.service("alone", network_mode="none", cgroup="private", ipc="private")
    place: dict[str, Any] = {
        "ipv4_address": f"{own}.40",
        "ipv6_address": f"fd13:00{net}::40",
        "link_local_ips": ["169.254.8.8"],
    }
    site.service(
        "placed", networks={"front": {**place, **({"mac_address": MAC} if newest else {})}, "default": {}}
    )
    site.service("vpn", ipc="shareable")
    site.service("behind", network_mode="service:vpn")
    site.service(
        "beside", f"hostname; {ALIVE}", network_mode="service:vpn", ipc="service:vpn", pid="service:vpn"
    )


def knows(engine: RunningEngine, major: int, minor: int) -> bool:
    """Whether the engine speaks this version of the API."""
    return tuple(map(int, engine.api.split("."))) >= (major, minor)


def networks_of(site: Site, service_name: str) -> dict[str, Any]:
    """The endpoints of a service's one container."""
    (row,) = site.containers(service_name).values()
    found: dict[str, Any] = row["NetworkSettings"]["Networks"]
    return found


@pytest.mark.timeout(120)
def test_every_word_runs_without_drift_and_follows_what_it_joins(
    engine: RunningEngine, registry_host: str
) -> None:
    newest = knows(engine, 1, 45)
    with Site(engine, registry_host) as site:
        declare(site, newest)
        site.commit()
        site.apply()
        site.run("drift", "dev")
        site.run("plan", "dev", "--exit-code")
        untouched = site.live()

        site.hand("rm", "--force", site.one("vpn"))
        site.apply()
        (vpn,) = site.containers("vpn").values()
        beside = site.containers("beside")[site.one("beside")]
        assert beside["HostConfig"]["NetworkMode"] == f"container:{vpn['Id']}"
        assert beside["HostConfig"]["PidMode"] == f"container:{vpn['Id']}"
        kept = {n: s for n, s in site.live().items() if n.split("_")[2] not in FOLLOW}
        assert kept.items() <= untouched.items()

        site.hand("restart", "--time", "1", site.one("vpn"))
        placed = site.one("placed")
        front = next(name for name in networks_of(site, "placed") if "front" in name)
        site.hand("network", "disconnect", front, placed)
        site.hand(
            "network", "connect", "--ip", f"10.213.{net_of(engine)}.50", "--alias", "placed", front, placed
        )
        drift = site.run("drift", "dev", "--json", exits=2).json
        said = {(s["service"], d["path"]) for s in drift["services"] for d in s["diffs"]}
        assert said >= {("behind", "network_mode"), ("placed", "networks.front.ipv4_address")}
        site.apply()
        row = site.containers("placed")[placed]
        assert row["NetworkSettings"]["Networks"][front]["IPAddress"] == f"10.213.{net_of(engine)}.40"
        is_same = (row["Id"], row["State"]["StartedAt"]) == untouched[placed]
        assert is_same is not newest, "a fixed hardware address is given to a new container alone"
        site.run("drift", "dev")


def test_a_folder_of_a_volume_is_mounted_where_the_engine_can_and_refused_where_it_cannot(
    engine: RunningEngine, registry_host: str
) -> None:
    with Site(engine, registry_host) as site:
        site.declare("Volume", "state")
        target = {"type": "volume", "source": "state", "target": "/x"}
        site.service("maker", "mkdir -p /x/inner; echo found > /x/inner/it", restart="no", volumes=[target],
                     healthcheck=None)  # fmt: skip
        site.service(
            "reader",
            f"cat /x/it; {ALIVE}",
            volumes=[{**target, "read_only": True, "volume": {"subpath": "inner"}}],
            depends_on={"maker": {"condition": "service_completed_successfully"}},
        )
        site.commit()
        if not knows(engine, 1, 45):
            ran = site.apply("--json", exits=4)
            blocks = json.dumps(ran.json)
            assert "PLAN022" in blocks
            assert site.live("reader") == {}
        else:
            site.apply()
            assert "found" in site.hand("logs", site.one("reader"))
            site.run("drift", "dev")


def test_what_is_not_allowed_is_refused_with_the_line_to_write(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        site.service("web", privileged=True, cap_add=["SYS_ADMIN"], devices=["/dev/kvm"])
        site.commit()
        ran = site.run("apply", "dev", exits=1)
        for line in ("allow: {privileged: [web]}", "allow: {cap_add: [SYS_ADMIN]}", "/dev/kvm"):
            assert line in ran.err + ran.out
        assert "Environment dev (specs/environment-dev.yaml:1)" in ran.all
        assert site.containers() == {}
