"""What each service has proved, read from what is observed and from the plan."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.decision import Block, Ender, Plan, Wait
from reconciler.desired import Desired, Generation, Subject
from reconciler.observed import Handle, Health, Instance, Marker, Observed, Phase, Unreadable
from reconciler.ownership import Role
from reconciler.proofs import Proof, proofs_of, unread
from reconciler.release import Release, write_releases
from sketches import Sketch, commit, desired, pushed_digest

NOW = 1000.0
WEB = Subject("Service", "web")
OLD, NEW = Sketch("web", "ours:1", replicas=2), Sketch("web", "ours:2", replicas=2)
MOVES = Plan(waits=(Wait(WEB, "the monitor window ends", Ender.TIME, NOW + 1, "proved"),))


def generation(sketch: Sketch) -> Generation:
    wanted = desired(sketch).services[sketch.name]
    return Generation(wanted.form.fingerprint, wanted.secrets_digest, str(pushed_digest(sketch)))


def instance(sketch: Sketch, number: int = 1, **changes: object) -> Instance:
    wanted = desired(sketch).services[sketch.name]
    made = Instance(
        handle=Handle("here", f"c{number}{sketch.image}"),
        name=f"shop_dev_{sketch.name}_00000000_{number}",
        service_name=sketch.name,
        role=Role.LIVE,
        number=number,
        generation=generation(sketch),
        input=wanted.image.input,
        commit=commit(1),
        pin=commit(1),
        source="",
        applied=wanted.form.canonical,
        applied_fields={},
        live_fields={},
        networks=(),
        volumes=(),
        image=f"{wanted.image.ref.name}@{pushed_digest(sketch)}",
        phase=Phase.RUNNING,
        health=Health.HEALTHY,
        created_at=100.0 * number,
        started_at=100.0 * number + 1,
    )
    return replace(made, **changes)  # type: ignore[arg-type] # field names by the tests below


def released(sketch: Sketch, at: int) -> Release:
    one = instance(sketch)
    wanted = desired(sketch).services["web"]
    return Release(one.generation, one.input, one.image, commit(at), commit(at), 2, wanted.form.canonical)


def observe(*instances: Instance, releases: tuple[Release, ...] = (), **seen: object) -> Observed:
    markers = (Marker("release", "web", 1, write_releases(releases)),) if releases else ()
    return replace(Observed(at=NOW, instances=instances, markers=markers), **seen)  # type: ignore[arg-type]


def prove(wanted: Desired, observed: Observed, plan: Plan = Plan()) -> Proof | None:  # noqa: B008
    return proofs_of(wanted, observed, plan).get("web")


def test_what_is_settled_is_confirmed_at_the_commit_that_was_read() -> None:
    observed = observe(instance(NEW), instance(NEW, 2), releases=(released(NEW, 3), released(OLD, 1)))
    proof = prove(desired(NEW, at=7), observed)
    assert proof is not None
    assert (proof.commit, proof.is_settled, proof.image_name) == (commit(7), True, "web")
    assert (proof.ready, proof.replicas, proof.healthy_since) == (2, 2, 201.0)
    assert proof.image == instance(NEW).image
    assert proof.input == desired(NEW).services["web"].image.input


def test_a_pin_is_confirmed_verbatim() -> None:
    wanted = desired(NEW, at=7)
    pinned = replace(wanted, services={"web": replace(wanted.services["web"], pin=commit(2))})
    proof = prove(pinned, observe(instance(NEW), releases=(released(NEW, 3),)))
    assert proof is not None
    assert (proof.commit, proof.image_name) == (commit(2), "web")


@pytest.mark.parametrize(("written", "expected"), [("web", "web"), ("redis:7", None)])
def test_what_is_never_built_here_has_the_name_that_its_spec_says(written: str, expected: str | None) -> None:
    """As a service that is read at a pin."""
    wanted = desired(NEW, at=7)
    service = wanted.services["web"]
    form = replace(service.form, spec=service.form.spec.model_copy(update={"image": written}))
    pinned = replace(service, form=form, image=replace(service.image, image_name=None))
    observed = observe(instance(NEW), releases=(released(NEW, 3),))
    proof = prove(replace(wanted, services={"web": pinned}), observed)
    assert proof is not None
    assert proof.image_name == expected


@pytest.mark.parametrize(
    "plan",
    [MOVES, Plan(blocks=(Block(WEB, "PLAN002", "held", "", held=True),))],
    ids=["moves", "held"],
)
def test_what_is_under_way_or_held_leaves_what_was_proved_before(plan: Plan) -> None:
    observed = observe(instance(OLD), instance(NEW, 3), releases=(released(OLD, 1),))
    proof = prove(desired(NEW, at=7), observed, plan)
    assert proof is not None
    assert (proof.commit, proof.is_settled, proof.ready) == (commit(1), False, 1)
    assert proof.image == instance(OLD).image
    assert proof.healthy_since == 101.0


def test_a_suspended_service_that_runs_something_else_is_not_what_was_desired() -> None:
    """A pass plans nothing about it, and still it is not settled."""
    plan = Plan(waits=(Wait(WEB, "suspended: by hand", Ender.OUTSIDE),))
    observed = observe(instance(OLD), releases=(released(OLD, 1), released(NEW, 3)))
    proof = prove(desired(NEW, at=7), observed, plan)
    assert proof is not None
    assert (proof.commit, proof.is_settled) == (commit(1), False)


def test_nothing_proved_and_not_readable_are_told_apart() -> None:
    fresh = observe(instance(NEW))
    assert prove(desired(NEW), fresh, MOVES) is None
    assert unread(fresh, "web") is None
    blind = observe(
        instance(NEW), releases=(released(NEW, 1),), unreadable=(Unreadable("markers", "500", NOW),)
    )
    assert prove(desired(NEW), blind) is None
    assert unread(blind, "web") == "markers: 500"


def test_health_counts_from_the_last_failure_that_is_remembered() -> None:
    releases = (released(NEW, 1),)
    flapped = instance(NEW, healthy_since=900.0)
    steady = instance(NEW, 2, healthy_since=950.0, healthy_longer=True)
    sick = instance(NEW, 3, health=Health.UNHEALTHY)
    proof = prove(desired(NEW), observe(steady, sick, releases=releases))
    assert proof is not None
    assert (proof.healthy_since, proof.ready) == (201.0, 1)
    proof = prove(desired(NEW), observe(steady, flapped, releases=releases))
    assert proof is not None
    assert proof.healthy_since == 900.0
    proof = prove(desired(NEW), observe(sick, releases=releases))
    assert proof is not None
    assert (proof.healthy_since, proof.ready) == (None, 0)


def test_same_bytes_from_another_input_are_told_by_the_input_that_is_desired() -> None:
    """A comment in a Dockerfile changed: nothing was deployed for it, and the pin must fit its commit."""
    wanted = desired(NEW, at=7)
    service = wanted.services["web"]
    ref = service.image.ref
    observed = observe(
        replace(instance(NEW), input="in-" + "0" * 32),
        releases=(replace(released(NEW, 3), input="in-" + "0" * 32),),
        artifacts={str(ref): pushed_digest(NEW)},
    )
    proof = prove(wanted, observed)
    assert proof is not None
    assert (proof.commit, proof.input) == (commit(7), service.image.input)


def test_a_job_is_proved_by_its_end() -> None:
    job = Sketch("web", "ours:1", restart="no", check=False)
    ended = instance(job, phase=Phase.EXITED, exit_code=0, finished_at=400.0, health=Health.NONE)
    proof = prove(desired(job, at=7), observe(ended))
    assert proof is not None
    assert (proof.commit, proof.healthy_since, proof.ready) == (commit(7), 400.0, 1)
    seen = generation(job)
    value = {"fingerprint": seen.fingerprint, "secrets": "", "digest": seen.digest, "input": ended.input}
    gone = observe(
        markers=(Marker("job", "web", 1, json.dumps(value)),),
        artifacts={str(desired(job).services["web"].image.ref): pushed_digest(job)},
    )
    proof = prove(desired(job), gone)
    assert proof is not None
    assert (proof.image, proof.healthy_since) == (ended.image, None)
    assert prove(desired(job), observe(instance(job)), MOVES) is None
