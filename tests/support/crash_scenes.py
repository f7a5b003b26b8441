"""Rollouts in which a process dies at every boundary, and what is compared in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from driver import Driver
from providers.memory import Behaviour
from reconciler.desired import Desired
from reconciler.ownership import Role, parse_instance_name
from sketches import Sketch, desired

A = Sketch(
    "web",
    replicas=2,
    volumes=("data",),
    configs=(("settings", "a"),),
    secrets=(("password", "x"),),
    networks=("default", "back"),
)
B = replace(A, configs=(("settings", "b"),), image="ours:2")
BAD = replace(A, image="ours:3", deadline=20.0)
READ_ONLY = replace(A, replicas=1, read_only=True, configs=(), volumes=(), networks=("default",))
STOP_FIRST = replace(A, order="stop-first", replicas=1)
HOOKS = {
    "pre_deploy": {"command": ("migrate",)},
    "post_deploy": {"command": ("warm",)},
    "pre_stop": {"command": ("leave",)},
}
HOOKED = Sketch("web", words=(("hooks", HOOKS),))
FAILS = Behaviour(hooks={("migrate",): Behaviour(exits_after=1.0, exit_code=3)})


@dataclass(frozen=True)
class Scene:
    """A world that has settled on ``before``, then ``after`` is asked for."""

    name: str
    before: tuple[Sketch, ...]
    after: tuple[Sketch, ...]
    behaviour: Behaviour = Behaviour()


SCENES = (
    Scene("first deploy", (), (A,)),
    Scene("new version", (A,), (B,)),
    Scene("new version, stop first", (STOP_FIRST,), (replace(STOP_FIRST, image="ours:2"),)),
    Scene("bad version", (A,), (BAD,), Behaviour(exits_after=0.5)),
    Scene("never healthy", (A,), (BAD,), Behaviour(healthy_after=None)),
    Scene("secret rotated, read-only", (READ_ONLY,), (replace(READ_ONLY, secrets=(("password", "y"),)),)),
    Scene("scale down", (A,), (replace(A, replicas=1),)),
    Scene("prune", (A, Sketch("api")), (Sketch("api"),)),
    Scene("hooks", (HOOKED,), (replace(HOOKED, image="ours:2"),)),
    Scene("a hook that fails", (HOOKED,), (replace(HOOKED, image="ours:3"),), FAILS),
)


def at(sketches: tuple[Sketch, ...], number: int) -> Desired:
    wanted = desired(*sketches, at=number)
    return replace(wanted, policy=replace(wanted.policy, prune_limit=5))


async def end_of(driver: Driver, wanted: Desired) -> object:
    """The world without numbers and sequence: how many of what, in which state."""
    world = await driver.world.look(wanted)
    instances = Counter((i.service_name, i.role, i.phase.value, i.generation.g8) for i in world.instances)
    live = [(i.service_name, i.number) for i in world.instances if i.role is Role.LIVE]
    assert len(live) == len(set(live)), "a number twice"
    return (
        instances,
        sorted(v.object_name for v in world.volumes),
        sorted(n.object_name for n in world.networks),
        sorted((m.kind, m.subject) for m in world.markers),
        hook_starts(driver),
    )


def hook_starts(driver: Driver) -> Counter[tuple[str, str, str]]:
    """How often each hook of each generation was started, by whichever process."""
    begun = (c.subject for c in driver.world.engine.made if c.verb == "start_hook")
    names = (parse_instance_name(name) for name in begun)
    return Counter((name.service_name, name.g8, name.role.value) for name in names if name)
