"""A container that is not ours is taken over, put back when ours fails, and nobody else is touched."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from cli_world import OWNER, SPECS, CliWorld
from providers.memory import Behaviour, Killed
from providers.memory.container import Container
from providers.memory.faults import Call, When
from providers.memory.strangers import PROJECT, SERVICE
from reconciler.cli.adopt import report_adopt
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.plan import report_plan
from reconciler.ownership import is_ours
from reconciler.provider import ProviderError

KEPT = """\
---
apiVersion: reconciler/v1
kind: Volume
metadata: {name: data}
spec: {external: true, name: old_data}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: db}
spec:
  image: "busybox:1.36"
  ports: ["5432:5432"]
  volumes: ["data:/data"]
  depends_on: [cache]
  rollout: {monitor: 1s, deadline: 20s}
"""


def compose(world: CliWorld, service_name: str, **more: Any) -> Container:
    """A container as Compose runs it."""
    labels = {PROJECT: "old", SERVICE: service_name}
    made = world.engine.hand.add_foreign(f"old-{service_name}-1", labels, **more)
    made.restart = "always"
    return made


@pytest.fixture(name="old")
def _old(shop: CliWorld) -> Container:
    shop.repository.commit({"specs/shop.yaml": SPECS + KEPT})
    shop.engine.hand.add_volume("old_data")
    compose(shop, "cache")
    old = compose(shop, "db", ports=frozenset({5432}))
    old.volumes = {"/data": "old_data", "/tmp/x": "f" * 64}
    return old


def adopt(world: CliWorld, service_name: str = "db", container: str = "old-db-1", **more: Any) -> Report:
    return world.run(
        report_adopt, "adopt", service=service_name, services=(service_name,), container=container, **more
    )


def confirm(world: CliWorld) -> str:
    asked = adopt(world)
    assert (asked.exit, asked.members["result"]) == (4, "asked")
    return str(asked.members["confirm"])


def ours(world: CliWorld, service_name: str) -> list[Container]:
    found = [c for c in world.engine.ground.containers.values() if is_ours(c.labels, OWNER)]
    return [c for c in found if c.labels.get("reconciler.service") == service_name]


def test_without_leave_it_only_says_what_it_would_do(shop: CliWorld, old: Container) -> None:
    report = adopt(shop)
    assert report.exit == 4
    assert "db is interrupted for at most" in report.text
    assert "it keeps old_data at /data" in report.text
    assert "mind: the data at /tmp/x stays behind" in report.text
    assert f"reconciler adopt dev db old-db-1 --confirm={report.members['confirm']}" in report.text
    assert adopt(shop, confirm="wrong").members["result"] == "asked"
    assert (shop.engine.made, old.alive) == ([], True)


def test_ours_takes_the_place_and_the_old_one_goes(shop: CliWorld, old: Container) -> None:
    neighbour = shop.engine.hand.container("old-cache-1")
    report = adopt(shop, confirm=confirm(shop))
    assert (report.exit, report.members["result"]) == (0, "adopted"), report.text
    (mine,) = ours(shop, "db")
    assert (mine.alive, mine.volumes["/data"]) == (True, "old_data")
    assert old.id not in shop.engine.ground.containers
    assert neighbour.alive
    assert neighbour.name == "old-cache-1"
    assert not ours(shop, "web")
    assert not [v for v in shop.engine.ground.volumes.values() if v.marker and v.marker.kind == "adopt"]
    names = [call.step for call in shop.engine.made]
    assert names.index("pull") < names.index("stop") < names.index("start")  # ready before it is stopped


def test_ours_fails_and_the_old_one_runs_again(shop: CliWorld, old: Container) -> None:
    shop.behave("busybox:1.36", Behaviour(exits_after=0.5, log=("cannot read the data",)))
    report = adopt(shop, confirm=confirm(shop))
    assert (report.exit, report.members["result"]) == (5, "put_back"), report.text
    assert "cannot read the data" in report.text
    assert (old.alive, old.name, old.restart) == (True, "old-db-1", "always")
    assert [c.name.endswith("_held") and not c.alive for c in ours(shop, "db")] == [True]


def test_nothing_is_touched_when_something_is_missing(shop: CliWorld, old: Container) -> None:
    shop.registries["docker.io"].repositories.clear()
    report = adopt(shop, confirm=confirm(shop))
    assert report.members["result"] == "not_ready"
    assert report.exit in (3, 4)
    assert (old.alive, old.name) == (True, "old-db-1")


class Dies:
    """From the ``last``-th boundary on nothing that this process asks for happens any more."""

    def __init__(self, last: int) -> None:
        self.left = last

    def __call__(self, call: Call, when: When) -> None:
        self.left -= 1
        if self.left < 0:
            for task in asyncio.all_tasks():
                task.cancel()
            raise Killed(str(call))


def test_it_goes_on_after_a_kill_at_any_call(shop: CliWorld, old: Container) -> None:
    leave, engine = confirm(shop), shop.engine
    kills, ends = 0, list[str]()
    for last in range(200):
        engine.hook = Dies(last)
        try:
            adopt(shop, confirm=leave)
            break
        except Stop as stop:
            ends.append(stop.problems[0].code)
            break
        except (Killed, asyncio.CancelledError):
            kills += 1
        finally:
            engine.recover()
        assert old.id in engine.ground.containers or ours(shop, "db")
    assert kills > 8
    assert ends in ([], ["CLI032"])  # the last kill took nothing but the answer
    (mine,) = ours(shop, "db")
    assert (mine.alive, mine.volumes["/data"]) == (True, "old_data")
    assert old.id not in engine.ground.containers
    assert not [v for v in engine.ground.volumes.values() if v.marker and v.marker.kind == "adopt"]


def test_apply_does_not_begin_beside_it(shop: CliWorld, old: Container) -> None:
    report = shop.run(report_apply)
    assert report.exit == 4
    assert "PLAN033" in report.text
    assert "reconciler adopt dev db old-db-1" in report.text
    assert (ours(shop, "db"), old.alive) == ([], True)


def test_what_compose_runs_is_listed(shop: CliWorld, old: Container) -> None:
    report = shop.run(report_adopt, "adopt")
    assert report.exit == 0
    assert "  reconciler adopt dev cache old-cache-1\n  reconciler adopt dev db old-db-1\n" in report.text


def test_who_is_not_there_or_is_another_is_refused(shop: CliWorld, old: Container) -> None:
    with pytest.raises(Stop) as stop:
        adopt(shop, container="nobody")
    assert stop.value.problems[0].code == "CLI032"
    shop.engine.fail("set_aside", nth=1, error=ProviderError("X", "engine", "gone"), times=None)
    with pytest.raises(ProviderError):
        adopt(shop, confirm=confirm(shop))
    with pytest.raises(Stop) as stop:
        adopt(shop, container="old-cache-1")
    assert (stop.value.exit, stop.value.problems[0].code) == (4, "CLI033")
    shop.engine.recover()
    assert adopt(shop, confirm=confirm(shop)).members["result"] == "adopted"


def test_what_runs_beside_ours_goes(shop: CliWorld, old: Container) -> None:
    cache = shop.engine.hand.container("old-cache-1")
    shop.run(report_apply, services=("cache",))
    (mine,) = ours(shop, "cache")
    asked = adopt(shop, "cache", "old-cache-1")
    assert "runs beside it already" in asked.text
    report = adopt(shop, "cache", "old-cache-1", confirm=asked.members["confirm"])
    assert report.members["result"] == "adopted"
    assert cache.id not in shop.engine.ground.containers
    assert ours(shop, "cache") == [mine]
    assert mine.alive


def test_another_source_is_accepted_once_and_the_one_before_is_out(settled: CliWorld) -> None:
    for container in settled.engine.ground.containers.values():
        container.labels["reconciler.source"] = "git.test/other#9999#specs"
    assert "PLAN032" in settled.run(report_plan).text
    asked = settled.run(report_adopt, "adopt")
    assert (asked.exit, asked.members["others"]) == (4, ["git.test/other#9999#specs"])
    accepted = settled.run(report_adopt, "adopt", confirm=asked.members["confirm"])
    assert (accepted.exit, accepted.members["result"]) == (0, "accepted")
    planned = settled.run(report_plan, exit_code=True)
    assert (planned.exit, planned.members["settled"]) == (0, True)
