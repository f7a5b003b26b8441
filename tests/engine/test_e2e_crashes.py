"""The command dies at any moment, is interrupted, or meets another one: the next `apply` ends the same."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import Site
from e2e_door import Act, Door
from ground import RunningEngine

pytestmark = pytest.mark.engine
SEED = 20261124
QUIET = {"monitor": "100ms", "deadline": "20s"}


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@pytest.fixture(name="door")
def _door(site: Site, tmp_path: Path) -> Iterator[Door]:
    with Door(tmp_path / "door.sock", site.engine.socket) as door:
        site.variables["RECONCILER_ENDPOINT_DEV"] = door.endpoint
        yield door


def declare(site: Site, version: int) -> str:
    """A version of three services: `web` start-first with files, `db` stop-first, and one that is pruned."""
    site.declare("Registry", "main", provider="oci", url=site.registry)
    site.image("app", {"Dockerfile": "FROM {busybox}\nCOPY v /v\n", "v": f"{version}\n"})
    site.declare("Config", "page", content=f"page {version}\n")
    site.declare("Volume", "state")
    site.service("web", image="app", configs=[{"source": "page", "target": "/etc/page"}], rollout=QUIET)
    site.service("db", environment={"V": str(version)}, volumes=["state:/state"], rollout=QUIET)
    site.service(f"old-{version % 2}", rollout=QUIET)
    if version > 1:
        site.repository.git("rm", "-qf", "--ignore-unmatch", f"specs/service-old-{(version + 1) % 2}.yaml")
    return site.commit()


def check(site: Site, version: int, *, is_last: bool = True) -> None:
    """Converged, nothing doubled, nothing left over but what is kept to go back to."""
    site.apply()
    if is_last:
        site.run("plan", "dev", "--exit-code")
        site.run("drift", "dev")
    assert sorted(name.split("_")[2] for name in site.live()) == ["db", f"old-{version % 2}", "web"]
    assert site.output("web", "cat", "/etc/page", "/v").split("\n") == [f"page {version}", str(version)]
    containers = site.containers()
    assert f"V={version}" in containers[site.one("db")]["Config"]["Env"]
    roles = [name.split("_")[2] + name[-5:] for name in containers if name.endswith(("_kept", "_held"))]
    assert sorted(roles) == (["db_kept", "web_kept"] if version > 1 else []), containers.keys()
    assert all(containers[name]["State"]["Running"] for name in site.live())
    left = site.inventory()
    assert len(left["networks"]) == 1
    markers = [name.rsplit("_", 1)[0] for name in left["volumes"] if "_marker_" in name]
    assert len(markers) == len(set(markers)), "one marker of a kind"
    assert not [
        name for name in left["volumes"] if "_marker_release_old" in name and f"old-{version % 2}" not in name
    ]
    assert len([name for name in left["volumes"] if "_files_" in name]) <= 5, (
        "one for each release that counts"
    )


MOMENTS: tuple[tuple[str, Act, int], ...] = (
    (r"PUT /containers/.*/archive", "after", 0),
    (r"POST /containers/[^/]+/rename", "after", 0),
    (r"POST /volumes/create", "after", 1),
)
"""Calls at which the command is killed: before the engine hears of it or after it did it, the nth time. At
create, start, stop and remove a loop is killed (test_e2e_survival)."""


def test_killed_at_a_call_the_next_apply_ends_the_same(site: Site, door: Door) -> None:
    declare(site, 1)
    site.apply()
    missed = []
    for number, (call, act, skip) in enumerate(MOMENTS, start=2):
        declare(site, number)
        rule = door.rule(call, act, skip)
        process = site.start("apply", "dev")
        while process.poll() is None and not rule.reached.wait(0.05):
            pass
        missed += [] if rule.reached.is_set() else [(call, act, skip)]
        process.kill()
        process.communicate()
        door.rules.clear()
        check(site, number, is_last=number % 3 == 0)
    assert not missed, "no apply came by these calls"


def test_killed_at_random_moments_the_next_apply_ends_the_same(site: Site) -> None:
    chance = random.Random(SEED)
    declare(site, 1)
    site.apply()
    for number in range(2, 5):
        declare(site, number)
        process = site.start("apply", "dev")
        time.sleep(chance.uniform(0.3, 5.0))
        process.kill()
        process.communicate()
        if number % 3 == 1:
            check(site, number)


def test_killed_while_building_and_pushing(site: Site) -> None:
    declare(site, 1)
    site.apply()
    for wait in (0.0, 0.4):
        number = 2 + round(wait * 10)
        site.repository.git(
            "rm", "-qf", "--ignore-unmatch", "specs/service-old-0.yaml", "specs/service-old-1.yaml"
        )
        declare(site, number)
        process = site.start("apply", "dev")
        while process.poll() is None:
            assert process.stderr is not None
            if "build" in process.stderr.readline():
                break
        time.sleep(wait)
        process.kill()
        process.communicate()
        check(site, number, is_last=False)


def test_an_interrupt_ends_cleanly_and_a_later_apply_converges(site: Site) -> None:
    declare(site, 1)
    site.apply()
    declare(site, 2)
    for wait in (0.1, 1.0):
        process = site.start("apply", "dev")
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        ended = site.finish(process, ("apply", "dev"), exits=None)
        assert ended.exit in (130, 0), ended.all
        assert "interrupted" in ended.err or ended.exit == 0
    check(site, 2)


def test_two_applies_at_once_make_nothing_twice(site: Site) -> None:
    declare(site, 1)
    both = [site.start("apply", "dev") for _ in range(2)]
    ended = [site.finish(process, ("apply", "dev"), exits=None) for process in both]
    assert {ran.exit for ran in ended} <= {0}, [ran.all for ran in ended]
    check(site, 1)
    first = site.repository.git("rev-parse", "HEAD")
    declare(site, 2)
    old, new = site.start("apply", "dev", "--ref", first), site.start("apply", "dev")
    site.finish(new, ("apply", "dev"))
    assert site.finish(old, ("apply", "dev"), exits=None).exit in (0, 4)
    check(site, 2)
