"""Hooks in a world in memory: what becomes of a service whose hook succeeds, fails, is killed or too slow."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from crash_scenes import hook_starts
from driver import Driver
from providers.memory import Behaviour
from providers.memory.behaviour import Ended
from reconciler.actions import CreateInstance, RunHook
from reconciler.decision import Ender, Plan
from reconciler.desired import Desired
from reconciler.forecast import forecast
from reconciler.hook_notes import KIND, read_notes, write_notes
from reconciler.hook_tending import retriable_ids
from reconciler.observed import Instance, Marker, Phase
from reconciler.ownership import Role
from reconciler.render_apply import render_outcome
from reconciler.view import RETRY, group
from sketches import OWNER, Sketch, desired

MIGRATE, WARM, LEAVE = ("migrate", "up"), ("warm",), ("leave",)
SLOW = Behaviour(exits_after=60.0, exit_code=0)
FAILING = Behaviour(exits_after=2.0, exit_code=3, log=("relation exists",))


def web(version: int, **hooks: dict[str, Any]) -> Sketch:
    return Sketch("web", image=f"ours:{version}", words=(("hooks", hooks),))


def before(**words: Any) -> dict[str, Any]:
    return {"pre_deploy": {"command": MIGRATE, **words}}


class Site:
    """A service that runs at version 1; a next version is asked for."""

    def __init__(self, hooks: dict[str, Any], *does: tuple[int, Behaviour]) -> None:
        self.driver, self.hooks, self.commits = Driver(), hooks, 1
        self.engine = self.driver.world.engine
        for version, behaviour in does:
            self.driver.world.behave(web(version), behaviour)

    async def first(self) -> Site:
        await self.settle(desired(web(1), at=1))
        return self

    def wanted(self, version: int, **hooks: Any) -> Desired:
        self.commits += 1
        return desired(web(version, **(hooks or self.hooks)), at=self.commits)

    async def settle(self, wanted: Desired) -> Plan:
        return await self.driver.settle(wanted)

    async def run_until_hook(self, wanted: Desired) -> Instance:
        """Passes until a hook runs; its container."""
        for _ in range(20):
            await self.driver.run_pass(wanted)
            for instance in await self.driver.world.instances():
                if instance.role.is_hook and instance.phase is Phase.RUNNING:
                    return instance
        raise AssertionError("no hook began")

    async def instances(self, role: Role = Role.LIVE) -> list[Instance]:
        return [i for i in await self.driver.world.instances() if i.role is role]

    async def retry(self, wanted: Desired) -> None:
        view = group(await self.driver.look(wanted)).of("web")
        value = json.dumps({"instances": list(retriable_ids(view))})
        sequence = view.retry.sequence + 1 if view.retry else 1
        assert await self.engine.put_marker(OWNER, Marker(RETRY, "web", sequence, value))

    def starts(self) -> list[int]:
        return sorted(hook_starts(self.driver).values())

    def digest(self, version: int) -> str:
        return str(self.driver.world.digest(web(version)))


async def test_the_first_instance_comes_after_the_hook_and_what_serves_stays() -> None:
    site = await Site(before(), (2, Behaviour(hooks={MIGRATE: SLOW}))).first()
    (old,) = await site.instances()
    wanted = site.wanted(2)
    await site.run_until_hook(wanted)
    assert [i.handle for i in await site.instances()] == [old.handle]
    await site.settle(wanted)
    began = [a for a in site.driver.started if isinstance(a, RunHook | CreateInstance)][1:]
    assert [type(a) for a in began] == [RunHook, CreateInstance]
    assert [i.generation.digest for i in await site.instances()] == [site.digest(2)]
    assert site.starts() == [1]


async def test_a_hook_sees_what_an_instance_sees_and_is_none() -> None:
    sketch = Sketch("web", secrets=(("password", "x"),), ports=(8080,), order="stop-first")
    driver = Driver()
    driver.stock.add(sketch)
    wanted = desired(replace(sketch, words=(("hooks", before()),)))
    driver.world.behave(sketch, Behaviour(hooks={MIGRATE: replace(SLOW, shows=("/run/secrets/password",))}))
    for _ in range(8):
        await driver.run_pass(wanted)
    (run,) = await driver.world.instances()
    container = driver.world.engine.ground.containers[run.handle.id]
    assert (run.role, run.number, run.restart, run.phase) == (Role.PRE_DEPLOY, 1, "no", Phase.RUNNING)
    assert container.log == ["x"]
    assert not container.ports
    assert [endpoint.aliases for endpoint in container.networks.values()] == [()]


async def test_a_failure_holds_until_a_retry() -> None:
    site = await Site(before(), (2, Behaviour(hooks={MIGRATE: FAILING}))).first()
    wanted = site.wanted(2)
    decided = await site.settle(wanted)
    (block,) = decided.blocks
    assert (block.code, block.held) == ("PLAN024", True)
    assert "exit code 3" in block.reason
    assert [i.generation.digest for i in await site.instances()] == [site.digest(1)]
    (evidence,) = await site.instances(Role.PRE_DEPLOY)
    assert await site.engine.logs(evidence.handle, 5) == ("relation exists",)
    site.engine.hand.remove(evidence.name)
    assert (await site.settle(wanted)).blocks[0].code == "PLAN024", "the note holds without the container"
    site.driver.world.behave(web(2), Behaviour())
    await site.retry(wanted)
    assert not (await site.settle(wanted)).blocks
    assert [i.generation.digest for i in await site.instances()] == [site.digest(2)]
    assert site.starts() == [2]


async def test_a_newer_commit_waits_for_a_hook_that_runs_and_is_not_held_by_it() -> None:
    site = await Site(before(), (2, Behaviour(hooks={MIGRATE: replace(SLOW, exit_code=3)}))).first()
    run = await site.run_until_hook(site.wanted(2))
    newer = site.wanted(3)
    decided = await site.driver.run_pass(newer)
    assert not [a for a in decided.actions if isinstance(a, RunHook | CreateInstance)]
    assert run.name in str([wait.reason for wait in decided.waits])
    assert not (await site.settle(newer)).blocks
    ended = [i for i in await site.instances(Role.PRE_DEPLOY) if i.handle == run.handle]
    assert all(i.exit_code == 3 for i in ended), "it was left to end"
    assert [i.generation.digest for i in await site.instances()] == [site.digest(3)]


@pytest.mark.parametrize("is_gone", [False, True], ids=["killed", "killed and gone"])
async def test_an_end_that_is_not_known_is_not_tried_again(is_gone: bool) -> None:
    site = await Site(before(), (2, Behaviour(hooks={MIGRATE: SLOW}))).first()
    wanted = site.wanted(2)
    run = await site.run_until_hook(wanted)
    site.engine.hand.restart_engine()
    if is_gone:
        site.engine.hand.remove(run.name)
    site.driver.restart()
    (block,) = (await site.settle(wanted)).blocks
    assert (block.code, block.held) == ("PLAN025", True)
    assert "reconciler retry dev web" in block.remedy
    assert site.starts() == [1]
    await site.retry(wanted)
    assert not (await site.settle(wanted)).blocks
    assert site.starts() == [2]


async def test_what_may_run_twice_runs_again_but_not_for_ever() -> None:
    site = await Site(before(idempotent=True), (2, Behaviour(hooks={MIGRATE: SLOW}))).first()
    wanted = site.wanted(2)
    for _ in range(3):
        await site.run_until_hook(wanted)
        site.engine.hand.restart_engine()
    (block,) = (await site.settle(wanted)).blocks
    assert block.code == "PLAN025"
    assert site.starts() == [3]


async def test_what_takes_too_long_is_stopped_and_has_failed() -> None:
    site = await Site(before(timeout="30s"), (2, Behaviour(hooks={MIGRATE: Behaviour()}))).first()
    (block,) = (await site.settle(site.wanted(2))).blocks
    assert block.code == "PLAN024"
    assert "longer than 30 s" in block.reason
    (evidence,) = await site.instances(Role.PRE_DEPLOY)
    assert evidence.phase is Phase.EXITED


async def test_what_cannot_be_started_has_failed() -> None:
    broken = Behaviour(start_error="exec: migrate: not found", start_exit_code=127)
    site = await Site(before(), (2, Behaviour(hooks={MIGRATE: broken}))).first()
    (block,) = (await site.settle(site.wanted(2))).blocks
    assert block.code == "PLAN024"
    assert "cannot be run" in block.reason


async def test_a_start_that_is_refused_for_another_reason_is_tried_again() -> None:
    site = await Site(before()).first()
    site.engine.fail("start_hook.start", times=2)
    wanted = site.wanted(2)
    assert not (await site.settle(wanted)).blocks
    assert site.starts() == [1]


async def test_a_proof_is_followed_once() -> None:
    hooks = {"post_deploy": {"command": WARM}}
    site = await Site(hooks, (2, Behaviour(hooks={WARM: replace(FAILING, exit_code=4)}))).first()
    wanted = site.wanted(2)
    decided = await site.settle(wanted)
    assert [(w.ender, "exit code 4" in w.reason) for w in decided.waits] == [(Ender.OUTSIDE, True)]
    assert [i.generation.digest for i in await site.instances()] == [site.digest(2)]
    proof, ran = "release", "hook"
    kinds = [getattr(a, "kind", ran) for a in site.driver.started if getattr(a, "kind", ran) in (proof, ran)]
    assert kinds.index(proof) < len(kinds) - kinds[::-1].index(ran)
    await site.settle(wanted)
    scaled = desired(replace(web(2, **hooks), replicas=3), at=9)
    await site.settle(scaled)
    assert site.starts() == [1]
    site.driver.world.behave(web(2), Behaviour())
    await site.retry(scaled)
    assert not (await site.settle(scaled)).waits
    assert site.starts() == [2]


async def test_what_is_gone_back_to_runs_no_hook() -> None:
    site = await Site(before(), (2, Behaviour(exits_after=0.5))).first()
    decided = await site.settle(site.wanted(2))
    assert [block.code for block in decided.blocks] == ["PLAN021"]
    assert site.starts() == [1], "one of the version that failed"
    assert not (await site.settle(site.wanted(1))).blocks
    assert site.starts() == [1], "its generation was proved before"


@pytest.mark.parametrize("code", [0, 7])
async def test_an_instance_leaves_before_it_is_stopped(code: int) -> None:
    ran: list[int] = []
    left = Behaviour(runs={LEAVE: lambda *_: (ran.append(1), Ended(code))[1]})
    site = Site({"pre_stop": {"command": LEAVE}}, (1, left))
    await site.first()
    assert not (await site.settle(site.wanted(2))).blocks
    assert ran == [1]
    told = [outcome.error for outcome in site.driver.outcomes if outcome.error]
    assert told == (["pre_stop failed: exit code 7; it is stopped all the same"] if code else [])
    lines = [line for outcome in site.driver.outcomes for line in render_outcome(outcome)]
    assert [line for line in lines if line.startswith("!")] == [f"! {words}" for words in told]
    assert [i.generation.digest for i in await site.instances()] == [site.digest(2)]


async def test_a_preview_has_the_hooks_in_it() -> None:
    site = await Site({**before(), "post_deploy": {"command": WARM}}).first()
    wanted = site.wanted(2)
    observed = await site.driver.look(wanted)
    steps = [a for plan in forecast(wanted, observed, observed.at) for a in plan.actions]
    order = [type(a) for a in steps if isinstance(a, RunHook | CreateInstance)]
    assert order == [RunHook, CreateInstance, RunHook]


async def test_a_renamed_container_of_a_hook_is_no_instance() -> None:
    site = await Site(before()).first()
    wanted = site.wanted(2)
    await site.settle(wanted)
    (run,) = await site.instances(Role.PRE_DEPLOY)
    site.engine.hand.rename(run.name, "shop_dev_web_aaaaaaaa_1")
    assert (await site.driver.run_pass(wanted)).actions == ()
    assert [i.number for i in await site.instances(Role.PRE_DEPLOY)] == [None]


@pytest.mark.parametrize("value", ["", "[]", '{"hooks":7}', '{"hooks":[{"hook":"kept"}]}', '{"hooks":[{}]}'])
def test_a_damaged_note_says_nothing(value: str) -> None:
    assert read_notes(Marker(KIND, "web", 1, value)) == ()


async def test_notes_read_back() -> None:
    site = await Site({**before(), "post_deploy": {"command": WARM}}).first()
    await site.settle(site.wanted(2))
    (marker,) = [m for m in (await site.driver.world.look()).markers if m.kind == KIND]
    notes = read_notes(marker)
    assert [note.state for note in notes] == ["done", "done"]
    assert write_notes(notes) == marker.value
