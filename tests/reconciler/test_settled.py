"""The world that an offline plan begins with: everything runs and has proved itself; nothing is to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from plan_case import read_case
from random_worlds import services
from reconciler.decision import Plan
from reconciler.desired import Desired, Policy
from reconciler.forecast import forecast, settled
from reconciler.observed import ABSENT, Instance, Observed
from reconciler.outlook import look_out
from reconciler.plan import plan
from reconciler.routing import certificate_secrets
from reconciler.settled import resolved_references, settled_world
from sketches import Sketch, desired

CASES = sorted((Path(__file__).resolve().parents[1] / "plan_cases").glob("*.yaml"))
NOW = 1_000_000.0
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def with_values(wanted: Desired) -> Desired:
    """As an offline plan has it: nobody asks whether secrets have values."""
    found = {
        name: replace(s, missing_secrets=(), secrets_digest=s.secrets_digest or "s1:unread")
        for name, s in wanted.services.items()
    }
    proxy = wanted.proxy
    if proxy is not None:
        names = certificate_secrets(proxy.settings)
        wanted = replace(wanted, proxy=replace(proxy, certificates=dict.fromkeys(names, "s1:unread")))
    images = {name: replace(image, problem=None) for name, image in wanted.images.items()}
    plain = replace(wanted, policy=Policy(), lineage={}, excluded=frozenset())
    return replace(plain, services=found, images=images)


def shown(instance: Instance) -> tuple[object, ...]:
    """What must not depend on the way to the settled world: all but handles and times."""
    i = instance
    made = (i.name, i.role, i.number, i.generation, i.input, i.commit, i.pin, i.applied, i.image)
    lives = (i.phase, i.health, i.exit_code, i.restart, tuple(sorted(i.networks)), tuple(sorted(i.volumes)))
    return (*made, *lives)


def seen(observed: Observed) -> dict[str, Counter[object]]:
    return {
        # The containers of hooks that ran are left to lie, and say nothing.
        "instances": Counter(shown(i) for i in observed.instances if not i.role.is_hook),
        "networks": Counter((n.name, n.object_name) for n in observed.networks),
        "volumes": Counter((v.object_name, v.role) for v in observed.volumes),
        "releases": Counter(m.subject for m in observed.markers if m.kind in ("release", "job")),
        "tables": Counter((name, len(set(slots))) for name, slots in (observed.traffic.tables or {}).items()),
    }


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_settled_world_of_a_case_is_where_its_first_deploy_ends(path: Path) -> None:
    case = read_case(path)
    wanted = with_values(case.resolve())
    world = settled_world(wanted, NOW)
    decided = plan(wanted, world, NOW)
    assert (decided.actions, decided.waits, decided.blocks) == ((), (), ())
    # Built at once, and not by foretelling the first deploy, which takes far longer: it is the same world.
    begun = Observed(at=NOW, artifacts=world.artifacts)
    assert seen(world) == seen(settled(wanted, begun, NOW))


@QUICK
@given(services())
def test_nothing_is_to_do_where_everything_runs(sketches: tuple[Sketch, ...]) -> None:
    wanted = with_values(desired(*sketches))
    world = settled_world(wanted, NOW)
    decided = plan(wanted, world, NOW)
    assert (decided.actions, decided.waits, decided.blocks) == ((), (), ())
    assert look_out(wanted, wanted, NOW).effects == ()


def told(decided: Plan) -> tuple[object, ...]:
    """What a plan says, whatever order it says it in."""
    said = ((type(a), a.subject, a.cause.type) for a in decided.actions)
    actions = Counter(said)
    return actions, set(decided.waits), set(decided.blocks), decided.prune_id


@QUICK
@given(services(), services())
def test_a_change_is_told_to_its_end_and_what_is_alike_is_left_out(
    before: tuple[Sketch, ...], after: tuple[Sketch, ...]
) -> None:
    old, new = with_values(desired(*before)), with_values(desired(*after, at=2))
    outlook = look_out(new, old, NOW)
    world = settled_world(old, NOW)
    absent = {str(image.ref): ABSENT for image in new.images.values()}
    known = {**absent, **world.artifacts, **dict(resolved_references(new))}
    whole = forecast(new, replace(world, artifacts=known), NOW)
    assert [told(it) for it in outlook.forecast] == [told(it) for it in whole]
    end = settled(new, replace(world, artifacts=known), NOW)
    assert plan(new, end, end.at).settled or outlook.plan.blocks
    alike = {n for n, s in new.services.items() if n in old.services and old.services[n] == s}
    acted = {a.subject.name for p in outlook.forecast for a in p.actions if a.subject.kind == "Service"}
    assert acted & alike == set()
