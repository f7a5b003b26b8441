"""Meddling by hand is seen, named and healed; what nobody touched is never called drift."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from e2e import Site
from ground import RunningEngine

pytestmark = pytest.mark.engine


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@dataclass(frozen=True)
class Meddling:
    """What a hand does to the container of a service, and which path tells it."""

    service_name: str
    path: str
    do: Callable[[Site, str], object]
    same: bool = True
    """It is mended in place: the same container."""


def _update(*words: str) -> Callable[[Site, str], object]:
    return lambda site, name: site.hand("update", *words, name)


def _docker(*words: str) -> Callable[[Site, str], object]:
    return lambda site, name: site.hand(*words, name)


def _network(site: Site, name: str) -> str:
    return next(row["Name"] for row in site.listed("networks", site.owner) if f"_{name}_" in row["Name"])


def _disconnect(site: Site, name: str) -> None:
    site.hand("network", "disconnect", _network(site, "back"), name)


def _connect(site: Site, name: str) -> None:
    site.hand("network", "connect", _network(site, "default"), name)


def _rename(site: Site, name: str) -> None:
    site.hand("rename", name, f"{site.project}-mine")


MEDDLINGS = (
    Meddling("memory", "deploy.resources.limits.memory", _update("--memory", "96m", "--memory-swap", "96m")),
    Meddling("cpus", "deploy.resources.limits.cpus", _update("--cpus", "0.75")),
    Meddling("pids", "deploy.resources.limits.pids", _update("--pids-limit", "70")),
    Meddling("reserved", "deploy.resources.reservations.memory", _update("--memory-reservation", "8m")),
    Meddling("restarts", "restart", _update("--restart", "no")),
    Meddling("left", "networks.back", _disconnect),
    Meddling("joined", "networks.", _connect),
    Meddling("paused", "state", _docker("pause")),
    Meddling("stopped", "state", _docker("stop", "-t", "1")),
    Meddling("killed", "state", _docker("kill")),
    Meddling("renamed", "name", _rename),
    Meddling("gone", "", _docker("rm", "-f"), same=False),
)
NEEDS = {
    "memory": {"deploy": {"resources": {"limits": {"memory": "64M"}}}},
    "cpus": {"deploy": {"resources": {"limits": {"cpus": "0.5"}}}},
    "pids": {"deploy": {"resources": {"limits": {"pids": 50}}}},
    "reserved": {"deploy": {"resources": {"reservations": {"memory": "16M"}}}},
    "left": {"networks": ["back", "front"]},
    "joined": {"networks": ["back"]},
}


def test_every_meddling_is_seen_named_and_healed(site: Site) -> None:
    for name in ("back", "front"):
        site.declare("Network", name)
    for meddling in MEDDLINGS:
        site.service(meddling.service_name, healthcheck=None, **NEEDS.get(meddling.service_name, {}))
    site.service("bystander")
    site.commit()
    site.apply()
    assert site.run("drift", "dev", "--json").json["result"] == "clean"
    before = site.live()
    for meddling in MEDDLINGS:
        meddling.do(site, site.one(meddling.service_name))
    extra = site.containers("bystander")[site.one("bystander")]
    body = {**extra["Config"], "HostConfig": extra["HostConfig"]}
    made = site.ask("POST", f"/containers/create?name={site.project}-twin", body)
    site.ask("POST", f"/containers/{made['Id']}/start")

    told = site.run("drift", "dev", "--json", exits=2).json
    rows = {row["service"]: row for row in told["services"]}
    for meddling in MEDDLINGS:
        row = rows[meddling.service_name]
        assert row["result"] == "drifted", row
        paths = [diff["path"] for diff in row["diffs"] if diff["origin"] == "live"]
        assert (
            row["missing"] == 1 if not meddling.path else any(p.startswith(meddling.path) for p in paths)
        ), row
        assert row["heal"], row
        assert row["withheld"] is None
        assert row["heal_steps"], row
        if meddling.service_name in ("stopped", "killed"):
            assert row["since"], "the container itself says when it ended, however busy the engine is"
    assert len(rows["bystander"]["extra"]) == 1
    text = site.run("drift", "dev", exits=2).out
    assert "deploy.resources.limits.memory" in text
    assert "a heal would: mend " in text

    site.apply()
    assert site.run("drift", "dev", "--json").json["result"] == "clean"
    after = site.live()
    for meddling in MEDDLINGS:
        was = {i for n, (i, _) in before.items() if f"_{meddling.service_name}_" in n}
        now = {i for n, (i, _) in after.items() if f"_{meddling.service_name}_" in n}
        assert len(now) == 1
        assert (was == now) is meddling.same, meddling
    assert len(site.live("bystander")) == 1
    assert site.apply("--json").json["outcomes"] == []


def test_drift_is_reported_and_left_alone_where_the_environment_says_so(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        site.declare("Environment", "dev", project=site.project, drift="report")
        limits = {"deploy": {"resources": {"limits": {"memory": "64M"}}}}
        rule = {"path": "restart", "reason": "being debugged", "until": "2999-12-31"}
        over = {"path": "deploy.*.limits", "reason": "was tuned", "until": "2020-12-31"}
        site.service("web", drift={"ignore": [rule, over]}, **limits)
        site.service("gone")
        site.commit()
        site.apply()
        site.hand("update", "--restart", "no", site.one("web"))
        quiet = site.run("drift", "dev", "--json").json
        (web,) = [row for row in quiet["services"] if row["service"] == "web"]
        assert web["ignored"] == [rule]
        assert [p["code"] for p in quiet["problems"]] == ["PLAN060"]
        site.hand("update", "--memory", "96m", "--memory-swap", "96m", site.one("web"))
        site.hand("rm", "-f", site.one("gone"))
        running = site.live()
        drifted = site.run("drift", "dev", exits=2).out
        assert "a heal would: mend" in drifted
        assert drifted.count("; not now: it drifted (") == 2
        told = site.apply("--json").json
        assert told["outcomes"] == []
        assert len(told["remaining"]["waits"]) >= 2
        assert site.live() == running
        site.service("web", environment={"A": "2"}, **limits)
        site.commit()
        site.apply()
        assert set(site.live("web")).isdisjoint(running), "what comes from a commit is deployed all the same"
        assert site.live("gone") == {}


def test_an_image_that_is_retagged_underneath_changes_nothing(
    newest_engine: RunningEngine, registry_host: str
) -> None:
    with Site(newest_engine, registry_host) as site:
        mine = f"{registry_host}/{site.project}/app:1"

        def push(words: str) -> None:
            site.engine.cli(
                "build", "-q", "-t", mine, "-", text=f"FROM {site.busybox}\nLABEL words={words}\n"
            )
            site.hand("push", "-q", mine)

        push("one")
        site.service("web", image=mine, deploy={"replicas": 2})
        site.commit()
        site.apply()
        running = site.live()
        push("two")
        assert site.run("drift", "dev").exit == 0
        assert site.apply("--json").json["outcomes"] == []
        assert site.live() == running
        site.hand("rm", "-f", next(iter(running)))
        site.apply()
        images = {row["Image"] for row in site.containers("web").values()}
        assert (len(site.live()), len(images)) == (2, 1), "healed with the digest that ran before"
