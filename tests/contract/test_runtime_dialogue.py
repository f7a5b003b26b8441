"""Logs, commands in instances and tasks, the same on every runtime."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler.actions import Blueprint
from reconciler.dialogue import CommandLine, LogQuery, Process, Signal
from reconciler.observed import Instance, LiveTask
from reconciler.ownership import Owner, task_name
from reconciler.provider import ProviderError, Stale
from runtime_subject import ECHO, ENDLESS, FAIL, SHOW, WEB, RuntimeSubject
from sketches import Sketch, secrets_of

SPEAKING = replace(WEB, configs=(("settings", "one\ntwo\nthree\n"),))


async def talk(process: Process, text: bytes = b"") -> tuple[int, bytes, bytes]:
    """Give it the text and the end of its input; exit code, stdout, stderr."""
    written = {"stdout": b"", "stderr": b""}
    await process.write(text)
    await process.end_input()
    async for piece in process.output():
        written[piece.stream] += piece.content
    return await process.exit_code(), written["stdout"], written["stderr"]


async def task(subject: RuntimeSubject, sketch: Sketch, *words: str) -> tuple[Blueprint, Process]:
    name = task_name(subject.owner, sketch.name, "0a1b2c3d")
    blueprint = replace(await subject.draw(sketch), name=name)
    return blueprint, await subject.runtime.run_task(blueprint, secrets_of(sketch), CommandLine(words))


async def lines(subject: RuntimeSubject, instance: Instance, query: LogQuery) -> list[str]:
    return [record.line async for record in subject.runtime.records(instance.handle, query)]


async def test_records_are_lines_with_rising_times(subject: RuntimeSubject) -> None:
    live = await subject.create(SPEAKING)

    async def whole() -> list[str] | None:
        found = await lines(subject, live, LogQuery())
        return found if "three" in found else None

    found = await subject.until(whole)
    records = [record async for record in subject.runtime.records(live.handle, LogQuery())]
    times = [record.at for record in records]
    assert found[:3] == ["one", "two", "three"]
    assert times == sorted(times)
    assert {record.stream for record in records} == {"stdout"}
    assert len(await lines(subject, live, LogQuery(tail=1))) == 1
    two = next(record.at for record in records if record.line == "two")
    assert (await lines(subject, live, LogQuery(since=two)))[:2] == ["two", "three"]
    assert live.started_at is not None
    assert abs(times[0] / 1e9 - live.started_at) < 30


async def test_following_ends_when_the_instance_does(subject: RuntimeSubject) -> None:
    live = await subject.create(SPEAKING)
    following = asyncio.create_task(lines(subject, live, LogQuery(follow=True)))
    await subject.wait(1.0)
    assert not following.done()
    await subject.runtime.retire_instance(subject.owner, live.handle, f"{live.name}_kept", 5.0)
    found = await asyncio.wait_for(following, 10)
    assert "three" in found
    assert await lines(subject, live, LogQuery()) == found, "a kept instance still shows what it wrote"


async def test_an_instance_that_is_gone_has_no_records(subject: RuntimeSubject) -> None:
    live = await subject.create()
    await subject.runtime.remove_instance(subject.owner, live.handle, 1.0)
    assert await lines(subject, live, LogQuery(follow=True)) == []


async def test_a_command_has_its_own_streams_and_code(subject: RuntimeSubject) -> None:
    live = await subject.create()
    process = await subject.runtime.execute(subject.owner, live.handle, CommandLine(ECHO))
    assert await talk(process, b"hello\n") == (0, b"hello\n", b"")
    process = await subject.runtime.execute(subject.owner, live.handle, CommandLine(FAIL))
    assert await talk(process) == (3, b"out\n", b"err\n")
    process = await subject.runtime.execute(subject.owner, live.handle, CommandLine(("no-such-program",)))
    assert (await talk(process))[0] in (126, 127)
    assert (await subject.only()).handle == live.handle


@pytest.mark.parametrize("name", ["SIGTERM"])
async def test_a_command_can_be_signalled(subject: RuntimeSubject, name: Signal) -> None:
    live = await subject.create()
    process = await subject.runtime.execute(subject.owner, live.handle, CommandLine(ENDLESS))
    talking = asyncio.create_task(talk(process))
    await subject.wait(0.3)
    assert not talking.done()
    assert await process.signal(name)
    code, _, _ = await asyncio.wait_for(talking, 10)
    assert code != 0
    assert (await subject.only()).phase.value == "running"


async def test_a_command_needs_a_running_instance_of_this_owner(subject: RuntimeSubject) -> None:
    live = await subject.create()
    other = Owner(subject.owner.project, "prod")
    with pytest.raises(Stale):
        await subject.runtime.execute(other, live.handle, CommandLine(ECHO))
    subject.stop(live.name)
    with pytest.raises(ProviderError):
        await subject.runtime.execute(subject.owner, live.handle, CommandLine(ECHO))


async def test_a_task_has_what_an_instance_has_and_is_none(subject: RuntimeSubject) -> None:
    sketch = replace(SPEAKING, networks=("default", "back"), volumes=("data",), secrets=(("password", "s3"),))
    blueprint, process = await task(subject, sketch, *SHOW)
    talking = asyncio.create_task(talk(process))
    await subject.wait(0.1)
    world = await subject.look(blueprint.name)
    assert (world.instances, world.namesakes) == ((), ())
    assert all(not found.is_over for found in world.tasks)
    code, out, err = await asyncio.wait_for(talking, 20)
    assert (code, err) == (0, b"")
    assert out == b"one\ntwo\nthree\ns3"
    await process.close()
    assert ("container", blueprint.name) not in subject.inventory()


async def test_a_task_that_goes_on_is_ended_when_it_is_closed(subject: RuntimeSubject) -> None:
    blueprint, process = await task(subject, WEB, *ENDLESS)
    assert ("container", blueprint.name) in subject.inventory()
    await process.close()
    assert ("container", blueprint.name) not in subject.inventory()


async def test_a_task_that_cannot_start_leaves_nothing(subject: RuntimeSubject) -> None:
    subject.expect_broken()
    with pytest.raises(ProviderError):
        await task(subject, WEB, "/no/such/program")
    assert {kind for kind, name in subject.inventory() if "_task_" in name} == set()


async def test_what_is_left_of_a_task_is_seen_and_removed(subject: RuntimeSubject) -> None:
    labels = {"reconciler.owner": str(subject.owner), "reconciler.role": "task", "reconciler.name": "web"}
    name = task_name(subject.owner, "web", "00000000")
    subject.add_container(name, labels)
    (running,) = (await subject.look()).tasks
    assert not running.is_over
    subject.kill(name)

    async def over() -> list[LiveTask]:
        return [found for found in (await subject.look()).tasks if found.is_over]

    (left,) = await subject.until(over)
    assert (left.service_name, left.object_name) == ("web", name)
    assert (await subject.look()).instances == ()
    await subject.runtime.remove_task(subject.owner, left.handle)
    await subject.runtime.remove_task(subject.owner, left.handle)
    assert (await subject.look()).tasks == ()


async def test_a_runtime_says_what_it_is(subject: RuntimeSubject) -> None:
    facts = await subject.runtime.examine()
    assert facts.version
    assert abs(facts.skew) < 5
