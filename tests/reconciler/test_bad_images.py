"""Versions that fail in every way: the one before serves on, the reason is told, and what is well is well."""

from __future__ import annotations

import pytest

from cli_world import CliWorld, make_world, states
from providers.memory import Behaviour
from reconciler.cli.apply import report_apply
from reconciler.cli.status import report_status
from reconciler.observed import Health, Phase
from reconciler.ownership import Role, parse_instance_name

SPEC = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: "busybox:1.36"
  healthcheck: {test: [CMD, /check], interval: 1s, timeout: 1s, retries: 3}
  rollout: {deadline: 20s}
"""
WORSE = SPEC.replace("busybox:1.36", "busybox:2")


@pytest.fixture(name="site")
def _site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> CliWorld:
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    site = make_world(folder / "repository", {"specs/shop.yaml": SPEC})
    assert site.run(report_apply).exit == 0
    return site


def ids(site: CliWorld, role: Role = Role.LIVE) -> list[str]:
    found = [(parse_instance_name(c.name), c) for c in site.engine.ground.containers.values()]
    return [
        c.id for name, c in found if name is not None and name.role is role and c.phase is not Phase.CREATED
    ]


def release(site: CliWorld, spec: str, behaviour: Behaviour, image: str = "busybox:2") -> None:
    site.behave(image, behaviour)
    site.repository.commit({"specs/shop.yaml": spec})


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (Behaviour(exits_after=0.0, exit_code=3), "it exited "),
        (Behaviour(healthy_after=None), "it was not ready within 20 s"),
        (Behaviour(unhealthy_after=6.0), "its health check failed"),
        (Behaviour(flaps_every=4.0), "the new generation failed"),
        (Behaviour(healthy_after=None, ignores_term=True), "it was not ready within 20 s"),
        (
            Behaviour(exits_after=0.0, exit_code=137, out_of_memory=True),
            "it was killed for using more memory than its limit",
        ),
        (Behaviour(start_error="no such file", start_exit_code=127), "it cannot be started"),
    ],
)
def test_a_bad_version_takes_nothing_away_and_is_never_a_success(
    site: CliWorld, behaviour: Behaviour, words: str
) -> None:
    serving = ids(site)
    release(site, WORSE, behaviour)
    first = site.run(report_apply, timeout=90.0)
    assert (first.exit, first.members["result"]) == (5, "rolled_back"), first.text
    assert words in first.text
    assert ids(site) == serving, "the one before was never touched"
    again = site.run(report_apply)
    assert (again.exit, again.members["result"], again.members["outcomes"]) == (5, "rolled_back", [])
    assert words in again.text
    assert states(site.run(report_status)) == {"web": "held"}


@pytest.mark.parametrize(
    "behaviour",
    [
        Behaviour(healthy_after=18.0),
        Behaviour(ignores_term=True),
        Behaviour(exits_after=0.5, exit_times=2),
    ],
    ids=["ready late", "ignores the stop signal", "comes up at the third start"],
)
def test_what_gets_there_in_time_is_a_success(site: CliWorld, behaviour: Behaviour) -> None:
    release(site, WORSE, behaviour)
    assert site.run(report_apply, timeout=90.0).exit == 0
    release(site, WORSE.replace("busybox:2", "busybox:3"), Behaviour(), "busybox:3")
    assert site.run(report_apply, timeout=90.0).exit == 0, "and it can be replaced"
    assert len(ids(site)) == len(ids(site, Role.KEPT)) == 1


def test_an_old_instance_that_is_not_well_makes_no_failure_of_a_good_version(site: CliWorld) -> None:
    (name,) = [c.name for c in site.engine.ground.containers.values()]
    site.engine.hand.set_health(name, Health.UNHEALTHY)
    release(site, WORSE, Behaviour())
    done = site.run(report_apply)
    assert (done.exit, done.members["result"]) == (0, "settled"), done.text


def test_a_held_version_makes_no_failure_of_the_next_one(site: CliWorld) -> None:
    release(site, WORSE, Behaviour(healthy_after=None))
    assert site.run(report_apply).exit == 5
    release(site, WORSE.replace("busybox:2", "busybox:3"), Behaviour(), "busybox:3")
    done = site.run(report_apply)
    assert (done.exit, done.members["result"], done.members["held"]) == (0, "settled", []), done.text
    assert not ids(site, Role.HELD)


def test_going_back_in_git_after_a_failure_is_a_success(site: CliWorld) -> None:
    serving = ids(site)
    release(site, WORSE, Behaviour(exits_after=0.0))
    assert site.run(report_apply).exit == 5
    site.repository.commit({"specs/shop.yaml": SPEC})
    assert site.run(report_apply).exit == 0
    assert ids(site) == serving
