from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.actions import RemoveInstance
from reconciler.countdowns import Countdowns
from reconciler.decision import Block, Ender, Plan, Wait
from reconciler.desired import Desired, DesiredService, Generation, ServiceForm, Subject, WantedImage
from reconciler.difference import Cause
from reconciler.observed import Handle, Health, Instance, Marker, Observed, Phase, Unreadable
from reconciler.ownership import Owner, Role
from reconciler.release import Release, write_releases
from reconciler.render_status import render_status, status_json
from reconciler.status import ServiceStatus, assess_status
from specs.reference import ImageRef
from specs.service import Service

OWNER = Owner("shop", "dev")
COMMIT = "3f2a91cd01" + "0" * 30
GENERATION = Generation("v1:00", "", "sha256:" + "ab" * 32)
WEB = Subject("Service", "web")
NOW = 1000.0


def desired(*names: str) -> Desired:
    def service(name: str) -> DesiredService:
        form = ServiceForm(Service(image="web:1"), "{}", {}, "v1:00")
        wanted = WantedImage("web:1", None, ImageRef.parse("localhost:5000/web:1"))
        return DesiredService(name, form, wanted, "", "start-first", 0, 2)

    return Desired(OWNER, COMMIT, services={name: service(name) for name in names or ("web",)})


def instance(number: int = 1, role: Role = Role.LIVE, **changes: object) -> Instance:
    made = Instance(
        handle=Handle("here", f"c{number}{role.value}"),
        name=f"shop_dev_web_{GENERATION.g8}_{number}",
        service_name="web",
        role=role,
        number=number,
        generation=GENERATION,
        input="web:1",
        commit=COMMIT,
        pin=COMMIT,
        source="",
        applied="{}",
        applied_fields={},
        live_fields={},
        networks=(),
        volumes=(),
        image=f"localhost:5000/web@{GENERATION.digest}",
        phase=Phase.RUNNING,
        health=Health.HEALTHY,
        created_at=900.0 + number,
        started_at=901.0 + number,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # field names by the tests below


def assess(plan: Plan, *instances: Instance, **seen: object) -> ServiceStatus:
    observed = replace(Observed(at=NOW, instances=instances), **seen)  # type: ignore[arg-type]
    (status,) = assess_status(desired(), observed, plan, NOW)
    return status


PROVED = Marker(
    "release",
    "web",
    1,
    write_releases([Release(GENERATION, "web:1", f"x@{GENERATION.digest}", COMMIT, COMMIT, 2, "{}")]),
)


def test_a_service_that_nothing_is_planned_for_is_settled() -> None:
    status = assess(Plan(), instance(1), instance(2), instance(1, Role.KEPT))
    assert (status.state, status.reason) == ("settled", None)
    assert (status.ready, status.replicas, status.since) == (2, 2, 902.0)
    assert status.commit == COMMIT
    assert status.digest == GENERATION.digest
    assert len(status.instances) == 3


def test_actions_and_waits_on_time_are_progress() -> None:
    removal = RemoveInstance(WEB, Cause("commit"), Handle("here", "c1"), 2.0)
    assert assess(Plan((removal,)), instance()).state == "progressing"
    gate = Wait(WEB, "the gate", Ender.TIME, NOW + 3, "ready")
    young = instance(health=Health.STARTING, created_at=990.0)
    status = assess(Plan(waits=(gate,)), young)
    assert (status.state, status.reason) == ("progressing", "the gate")
    assert status.countdowns == Countdowns(ready=22.0, progress=590.0)
    proof = Wait(WEB, "the window", Ender.TIME, NOW + 7, "proved")
    assert assess(Plan(waits=(proof,)), instance()).countdowns == Countdowns(monitor=7.0)


def test_a_wait_for_another_is_waiting() -> None:
    status = assess(Plan(waits=(Wait(WEB, "image web is built", Ender.US),)))
    assert (status.state, status.reason, status.commit) == ("waiting", "image web is built", None)


def test_a_guard_outranks_a_hold() -> None:
    held, guard = (
        Block(WEB, "PLAN010", "it failed", "retry", held=True),
        Block(WEB, "PLAN018", "a port", "stop it"),
    )
    assert assess(Plan(blocks=(held,)), instance()).state == "held"
    status = assess(Plan(blocks=(held, guard)), instance())
    assert (status.state, status.reason) == ("blocked", "a port")


def test_a_proved_service_in_backoff_is_unstable() -> None:
    backoff = Wait(WEB, "tried 3 times", Ender.TIME, NOW + 5, "attempt")
    assert assess(Plan(waits=(backoff,)), instance(), markers=(PROVED,)).state == "unstable"
    assert assess(Plan(waits=(backoff,)), instance()).state == "progressing"
    restarting = instance(phase=Phase.RESTARTING, exits=4, exit_code=1)
    status = assess(Plan(), restarting, markers=(PROVED,))
    assert status.state == "unstable"
    assert "exited 4 times" in str(status.reason)


@pytest.mark.parametrize("what", ["instances", "markers", "service:web"])
def test_what_cannot_be_read_is_unknown(what: str) -> None:
    status = assess(Plan(), instance(), unreadable=(Unreadable(what, "timed out", NOW),))
    assert (status.state, status.reason) == ("unknown", f"{what}: timed out")


def test_what_another_service_lacks_says_nothing_of_this_one() -> None:
    assert assess(Plan(), instance(), unreadable=(Unreadable("service:api", "gone", NOW),)).state == "settled"


def test_a_suspended_service_is_suspended() -> None:
    marker = Marker("suspend", "", 1, '{"active": true, "reason": "by hand", "until": null}')
    status = assess(Plan(), instance(), markers=(marker,))
    assert (status.state, status.reason) == ("suspended", "by hand")


def test_a_service_that_left_git_is_listed_until_it_is_gone() -> None:
    stray = replace(instance(), service_name="old")
    names = [
        s.service_name for s in assess_status(desired(), Observed(at=NOW, instances=(stray,)), Plan(), NOW)
    ]
    assert names == ["old", "web"]
    chosen = replace(desired("web", "api"), excluded=frozenset({"api"}))
    assert [s.service_name for s in assess_status(chosen, Observed(at=NOW), Plan(), NOW)] == ["web"]


def test_status_reads_in_a_line_a_service() -> None:
    held = instance(3, Role.HELD, phase=Phase.EXITED, exit_code=1, health=Health.NONE)
    block = Block(WEB, "PLAN010", "it exited 3 times", "retry", held=True)
    observed = Observed(at=NOW, instances=(instance(), held))
    statuses = assess_status(desired(), observed, Plan(blocks=(block,)), NOW)
    text = render_status(statuses, desired(), observed)
    assert text == (
        "shop/dev at 3f2a91cd01\n"
        "web  held          1/2  3f2a91cd01  abababababab  for 98 s\n"
        "  it exited 3 times\n"
        f"  {held.name} exited with code 1\n"
    )


def test_status_json_has_the_promised_members() -> None:
    observed = Observed(at=NOW, instances=(instance(),))
    found = status_json(assess_status(desired(), observed, Plan(), NOW), observed)
    assert found == {
        "loop": None,
        "suspended": None,
        "observed_at": "1970-01-01T00:16:40Z",
        "services": [
            {
                "service": "web",
                "state": "settled",
                "commit": COMMIT,
                "pin": None,
                "image": f"localhost:5000/web@{GENERATION.digest}",
                "digest": GENERATION.digest,
                "since": "1970-01-01T00:15:02Z",
                "replicas": {"desired": 2, "ready": 1},
                "reason": None,
                "suspended": None,
                "countdowns": {"ready": None, "progress": None, "drain": None, "monitor": None},
                "instances": [
                    {
                        "host": "here",
                        "id": "c1",
                        "name": instance().name,
                        "health": "healthy",
                        "version": GENERATION.g8,
                        "started_at": "1970-01-01T00:15:02Z",
                    }
                ],
                "route": None,
            }
        ],
    }
