"""A canary that is steered: what each word brings about, and what cannot be said to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from cli_world import OWNER, CliWorld, make_world
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.retry import report_retry
from reconciler.cli.rollout import report_rollout
from reconciler.cli.status import report_status
from reconciler.observed import Phase
from reconciler.ownership import parse_instance_name
from reconciler.provider import Question
from reconciler.said import Said
from virtual_time import run_hastily

SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop, proxy: {http: 8080, https: none}}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: "busybox:1.36"
  deploy: {replicas: 2}
  route: {host: shop.example.com, port: 8080}
  rollout: {strategy: canary, monitor: 1s, steps: [{weight: 10}, {weight: 50, pause: 1h}],
    drain: 30m, drain_streams: 1h}
"""
PROXY_VOLUME = "shop_dev_reconciler-proxy"


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliWorld:
    """A shop whose second version is a canary at its first step."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    world = make_world(tmp_path / "repository", {"specs/shop.yaml": SPECS})
    for reference in ("caddy:2", "busybox:2", "busybox:3"):
        world.publish(reference)
    assert world.run(report_apply).exit == 0
    world.repository.commit({"specs/shop.yaml": SPECS.replace("1.36", "2")})
    assert "until `reconciler rollout dev web --next`" in world.run(report_apply).text
    return world


def say(world: CliWorld, word: str, service: str = "web") -> Report:
    return world.run(report_rollout, "rollout", service=service, steer=word)


def refused(world: CliWorld, word: str, service: str = "web") -> str:
    with pytest.raises(Stop) as stop:
        say(world, word, service)
    (problem,) = stop.value.problems
    return str(problem)


def services(report: Report) -> list[Any]:
    found: Any = report.members["services"]
    return list(found)


def share(world: CliWorld) -> dict[str, int]:
    """Percent of the requests by the generation that they reach."""
    found: dict[str, int] = {}
    by_id = {c.id[:12]: c.name for c in world.engine.ground.containers.values() if c.phase is Phase.RUNNING}
    for slot in world.proxies.shared(PROXY_VOLUME).tables["web"]:
        name = parse_instance_name(by_id[slot])
        assert name is not None
        found[name.g8] = found.get(name.g8, 0) + 1
    return found


def test_each_next_is_a_step_and_the_last_gives_it_all(world: CliWorld) -> None:
    world.engine.advance(3600.0)
    assert world.run(report_apply).exit == 0
    assert sorted(share(world).values()) == [10, 90], "an hour is no reason to take more"
    seen = world.run(report_status)
    assert "  http://shop.example.com:8080/ -> " in seen.text
    assert "  canary: step 1 of 2, 10 %, until --next\n" in seen.text
    (web,) = [s for s in services(seen) if s["service"] == "web"]
    assert [part["percent"] for part in web["route"]["share"]] in ([45, 45, 10], [10, 45, 45])
    canary = {"step": 1, "of": 2, "weight": 10, "until": None, "state": "running", "by": None}
    assert web["route"]["canary"] == canary
    report = say(world, "next")
    assert report.text.startswith("web: 50 % of the requests go to generation")
    assert {k: report.members[k] for k in ("step", "of", "weight", "state")} == {
        "step": 2,
        "of": 2,
        "weight": 50,
        "state": "running",
    }
    assert world.run(report_apply, timeout=1.0).exit == 2
    assert sorted(share(world).values()) == [50, 50]
    assert say(world, "next").text.startswith("web: all requests go to generation")
    for slot in set(world.proxies.shared(PROXY_VOLUME).tables["web"]):
        for _ in range(3):
            world.proxies.send(slot, 36000.0)
        world.proxies.send(slot, 36000.0, "streams")
    assert world.run(report_apply, timeout=0.8).exit == 2
    seen = world.run(report_status)
    assert "drains: 3 requests and 1 stream in flight, 60 min at most\n" in seen.text, seen.text
    assert "drained within 60 min" in seen.text
    world.proxies.flights.clear()
    assert world.run(report_apply).members["result"] == "settled"
    assert list(share(world).values()) == [100]
    assert "no canary is on its way" in refused(world, "next")


def test_a_pause_lasts_until_somebody_ends_it(world: CliWorld) -> None:
    say(world, "next")
    assert "paused at step 2 of 2" in say(world, "pause").text
    world.engine.advance(900.0)
    assert "paused by " in world.run(report_apply).text
    assert sorted(share(world).values()) == [50, 50]
    assert re.search(r"it is paused by \S+@", refused(world, "pause"))
    assert say(world, "resume").members["state"] == "running"
    assert "it is not paused" in refused(world, "resume")
    world.engine.advance(3000.0)
    assert world.run(report_apply, timeout=1.0).exit == 2, "the time of the step began again"
    world.engine.advance(600.0)
    assert world.run(report_apply).members["result"] == "settled"


def test_what_is_aborted_is_held_with_who_did_it_and_may_be_tried_again(world: CliWorld) -> None:
    (bad,) = [g8 for g8, percent in share(world).items() if percent == 10]
    assert f"generation {bad} is led around, stopped and held" in say(world, "abort").text
    assert world.run(report_apply).exit == 5
    assert bad not in share(world)
    told = world.run(report_status)
    assert re.search(
        r"the new generation failed \(its canary was aborted by \S+@\S+\) and is held", told.text
    )
    assert "its new generation failed and is held" in refused(world, "next")
    world.run(report_retry, service="web")
    assert "canary: 10 % of the requests" in world.run(report_apply).text
    assert share(world)[bad] == 10


def test_what_cannot_be_steered_says_why(world: CliWorld) -> None:
    assert 'there is no service wep in this environment (did you mean "web"?)  [CLI005]' in refused(
        world, "next", "wep"
    )
    assert "its strategy is rolling, not canary" in refused(world, "next", "reconciler-edge")
    world.repository.commit({"specs/shop.yaml": SPECS.replace("1.36", "3")})
    told = re.search(r"another generation: [0-9a-f]{8},.* --ref ([0-9a-f]{40})\)", refused(world, "pause"))
    assert told is not None
    report = world.run(report_rollout, "rollout", service="web", steer="pause", ref=told[1])
    assert report.members["state"] == "paused"


def test_a_step_that_was_swept_away_is_put_back_while_its_generation_lives(world: CliWorld) -> None:
    say(world, "pause")
    seen = run_hastily(world.engine.observe(Question(OWNER)))
    said = Said()
    assert said.vanished(seen.markers, seen.instances, seen.at) == ()
    (lost,) = said.vanished((), seen.instances, seen.at)
    assert (lost.kind, lost.subject) == ("step", "web")
    assert said.vanished((), (), seen.at) == ()
