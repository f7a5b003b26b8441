"""The containers of hooks, the same on every runtime."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.actions import Blueprint
from reconciler.observed import Handle, Health, Instance, Phase
from reconciler.ownership import InstanceName, Role
from reconciler.provider import ProviderError, Stale
from runtime_subject import BROKEN, SHOW, WEB, RuntimeSubject
from sketches import Sketch, secrets_of

FULL = replace(
    WEB,
    networks=("default", "back"),
    volumes=("data",),
    configs=(("settings", "one\n"),),
    secrets=(("password", "s3"),),
)


async def make(subject: RuntimeSubject, sketch: Sketch, *words: str) -> tuple[Blueprint, Handle]:
    blueprint = await subject.draw(sketch)
    g8 = blueprint.generation.g8
    name = str(InstanceName(subject.owner, sketch.name, g8, 1, Role.PRE_DEPLOY))
    blueprint = replace(blueprint, name=name)
    return blueprint, await subject.runtime.create_hook(blueprint, words, secrets_of(sketch))


async def ended(subject: RuntimeSubject) -> Instance | None:
    found = await subject.only()
    return found if found.phase is Phase.EXITED else None


async def test_a_hook_has_what_an_instance_has_and_runs_once(subject: RuntimeSubject) -> None:
    blueprint, handle = await make(subject, FULL, *SHOW)
    made = await subject.only()
    assert (made.handle.id, made.role, made.number) == (handle.id, Role.PRE_DEPLOY, 1)
    assert (made.phase, made.started_at, made.exit_code) == (Phase.CREATED, None, None)
    assert (made.generation, made.applied) == (blueprint.generation, blueprint.form.canonical)
    with pytest.raises(Stale):
        await subject.runtime.create_hook(blueprint, SHOW, secrets_of(FULL))
    await subject.runtime.start_hook(subject.owner, handle)
    seen = await subject.until(lambda: ended(subject))
    assert (seen.exit_code, seen.restart, seen.health) == (0, "no", Health.NONE)
    assert len(seen.networks) == 2
    assert list(await subject.runtime.logs(handle, 9)) == ["one", "s3"]
    with pytest.raises(Stale):
        await subject.runtime.start_hook(subject.owner, handle)
    subject.rename(seen.name, f"{subject.owner.prefix}web_aaaaaaaa_1")
    renamed = await subject.only()
    assert (renamed.role, renamed.number) == (Role.PRE_DEPLOY, None)
    await subject.runtime.remove_instance(subject.owner, handle, 0.0)
    assert (await subject.look()).instances == ()


async def test_a_hook_that_cannot_be_run_says_so(subject: RuntimeSubject) -> None:
    _, handle = await make(subject, WEB, *BROKEN)
    with pytest.raises(ProviderError):
        await subject.runtime.start_hook(subject.owner, handle)
    seen = await subject.only()
    assert (seen.phase, seen.started_at, seen.exit_code) == (Phase.CREATED, None, 127)
    assert seen.error
