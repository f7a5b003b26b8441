"""Containers that are not ours: told, set aside, brought back, let go, the same on every runtime."""

from __future__ import annotations

import pytest

from reconciler.observed import Phase
from reconciler.ownership import OWNER
from reconciler.provider import Refused, Stale
from reconciler.stranger import Stranger
from runtime_subject import RuntimeSubject

COMPOSE = {"com.docker.compose.project": "old", "com.docker.compose.service": "web"}


async def find(subject: RuntimeSubject, name: str) -> Stranger | None:
    await subject.look()
    return next((s for s in await subject.runtime.strangers() if s.name == name), None)


async def test_a_stranger_makes_room_comes_back_and_goes(subject: RuntimeSubject, free_port: int) -> None:
    name = f"{subject.owner.project}-web-1"
    subject.add_container(name, COMPOSE, free_port)
    old = await find(subject, name)
    assert old is not None
    assert (old.phase, old.ports, old.origin) == (Phase.RUNNING, {free_port}, ("old", "web"))
    for _ in range(2):
        await subject.runtime.set_aside(old.handle, f"{name}_adopted", 1.0)
    aside = await find(subject, f"{name}_adopted")
    assert aside is not None
    assert (aside.handle, aside.phase, aside.restart) == (old.handle, Phase.EXITED, "no")
    for _ in range(2):
        await subject.runtime.bring_back(old.handle, name, old.restart)
    back = await find(subject, name)
    assert back is not None
    assert (back.phase, back.restart) == (Phase.RUNNING, old.restart)
    await subject.runtime.set_aside(old.handle, f"{name}_adopted", 1.0)
    for _ in range(2):
        await subject.runtime.let_go(old.handle)
    assert await find(subject, f"{name}_adopted") is None
    with pytest.raises(Stale):
        await subject.runtime.bring_back(old.handle, name, "no")


async def test_what_has_an_owner_of_ours_is_no_stranger(subject: RuntimeSubject) -> None:
    name = f"{subject.owner.project}-web-1"
    subject.add_container(name, {OWNER: "other/dev"})
    live = await subject.create()
    names = {s.name for s in await subject.runtime.strangers()}
    assert not {name, live.name} & names
    for deed in (
        subject.runtime.set_aside(live.handle, "x", 1.0),
        subject.runtime.bring_back(live.handle, "x", "no"),
        subject.runtime.let_go(live.handle),
    ):
        with pytest.raises(Refused):
            await deed
    assert (await subject.only()).name == live.name
