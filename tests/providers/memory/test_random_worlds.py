"""The strategies of random worlds make worlds that hold together."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings

from random_worlds import Edit, Event, Meddling, Pause, histories, meddle, services
from sketches import Sketch, desired, entries_of, secrets_of
from worlds import OWNER, MemoryWorld, blueprint


@settings(max_examples=50, deadline=None)
@given(services())
def test_a_random_desired_state_names_only_what_it_has(sketches: tuple[Sketch, ...]) -> None:
    wanted = desired(*sketches)
    for service in wanted.services.values():
        form = service.form
        assert {u.name for u in form.networks} <= set(wanted.networks)
        assert {u.name for u in form.mounts} <= set(wanted.volumes)
        assert {u.digest for u in form.files} <= set(wanted.files)
        assert set(form.spec.depends_on) <= set(wanted.services)
        assert {u.secret_name for u in form.secrets} <= set(secrets_of(*sketches))
    assert set(entries_of(*sketches)) == set(wanted.files)


async def create_all(world: MemoryWorld, sketches: tuple[Sketch, ...], at: int) -> None:
    wanted, engine = desired(*sketches, at=at), world.engine
    for network in wanted.networks.values():
        await engine.create_network(OWNER, network)
    world.build(*sketches)
    for sketch in sketches:
        reference = wanted.services[sketch.name].image.ref.with_digest(world.digest(sketch))
        await engine.pull(reference, None)
        for digest, entries in entries_of(sketch).items():
            await engine.publish_files(OWNER, wanted.files[digest].volume, entries, str(reference))
        look = await world.look(wanted)
        taken = {i.number for i in look.instances if i.service_name == sketch.name}
        number = next(n for n in range(1, 99) if n not in taken)
        drawn = blueprint(wanted, sketch.name, world.digest(sketch), number, look)
        await engine.create_instance(drawn, secrets_of(sketch))


async def live_through(history: tuple[Event, ...]) -> None:
    world = MemoryWorld()
    for at, event in enumerate(history):
        match event:
            case Edit(sketches):
                await create_all(world, sketches, at)
            case Meddling():
                meddle(world.engine, event)
            case Pause(seconds):
                world.engine.advance(seconds)
        seen = await world.look()
        handles = [i.handle for i in seen.instances]
        names = [i.name for i in seen.instances]
        assert len(set(handles)) == len(handles)
        assert len(set(names)) == len(names)


@settings(max_examples=50, deadline=None)
@given(histories())
def test_every_random_history_can_be_lived_through(history: tuple[Event, ...]) -> None:
    asyncio.run(live_through(history))
