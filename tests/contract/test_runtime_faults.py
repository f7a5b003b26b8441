"""What a runtime does through an engine that fails: each call of each verb meets each class of fault."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from docker_subject import DockerSubject
from fault_schedule import Schedule
from faulty_engine import FaultyEngine
from ground import Ground, RunningEngine
from hasty_engine import HastyEngine
from providers.docker import DockerRuntime
from providers.docker.faults import CODES
from reconciler.changes import Change, Connect, Disconnect, Rename, SetLimits, SetRestart, Start, Unpause
from reconciler.observed import Instance, Marker, Phase
from reconciler.ownership import Owner, Role
from reconciler.provider import ProviderError, Question, World
from runtime_subject import WEB
from sketches import desired, entries_of, secrets_of
from specs.reference import ImageRef

pytestmark = pytest.mark.engine
SEED = 7
CLASSES = int(os.environ.get("RECONCILER_TEST_FAULTS", "4"))
"""How many classes of fault each kind of call meets; 0 is every one, which takes two minutes."""
CYCLES = 30
SKETCH = replace(
    WEB,
    networks=("default", "back"),
    volumes=("data",),
    configs=(("settings", "level: info\n"),),
    secrets=(("password", "s3cret"),),
    command=("sleep", "300"),
    words=(("user", "1000"), ("stop_signal", "SIGKILL")),
)


def check_says_all(error: ProviderError) -> None:
    """A stable code and four parts."""
    assert error.code in CODES, error
    assert all((error.where, error.seen, error.expected, error.remedy)), repr(error)


@dataclass
class Trial:
    """A runtime behind a failing engine, and beside it the subject that reaches the engine itself."""

    subject: DockerSubject
    runtime: DockerRuntime
    schedule: Schedule
    engine: RunningEngine
    registry: str
    failures: int = 0

    async def insist(self, deed: Callable[[], Awaitable[object]], tries: int = 400) -> object:
        """Do it until it succeeds. Every error on the way says all."""
        for _ in range(tries):
            try:
                return await deed()
            except ProviderError as error:
                self.failures += 1
                check_says_all(error)
        raise AssertionError("it never succeeds")

    async def exhaust(self, cycle: Callable[[int], Awaitable[None]]) -> None:
        """Turn the cycle until each of its calls has met everything."""
        for number in range(1, CYCLES + 1):
            await cycle(number)
            # The version is asked for once a process; the tests of the engine's calls spoil it in every way.
            if not self.schedule.unmet().keys() - {"GET /version"}:
                return
        raise AssertionError(self.schedule.unmet())


@pytest.fixture(scope="module")
def schedule() -> Iterator[Schedule]:
    """One for all tests of this file: a kind of call that has met everything is left alone from then on."""
    shared = Schedule(SEED, CLASSES)
    yield shared
    print(f"{shared.count()} faults on {len(shared.met)} kinds of calls")


@pytest.fixture
async def trial(
    schedule: Schedule, ground: Ground, newest_engine: RunningEngine, tmp_path: Path
) -> AsyncIterator[Trial]:
    subject = DockerSubject(Owner(f"faults-{secrets.token_hex(3)}", "dev"), newest_engine, ground.registry)
    async with FaultyEngine(tmp_path / "s", newest_engine.socket, schedule.chooser(in_a_row=9)) as faulty:
        runtime = DockerRuntime(engine=HastyEngine(str(faulty.path)))
        try:
            yield Trial(subject, runtime, schedule, newest_engine, ground.registry)
        finally:
            await runtime.close()
            await subject.runtime.close()
            subject.clean()


async def test_networks_and_volumes(trial: Trial) -> None:
    wanted, owner, look = desired(SKETCH, owner=trial.subject.owner), trial.subject.owner, trial.subject.look
    network, volume = wanted.networks["back"], wanted.volumes["data"]

    async def turn(number: int) -> None:
        await trial.insist(lambda: trial.runtime.create_network(owner, network))
        await trial.insist(lambda: trial.runtime.create_volume(owner, volume))
        (seen,) = (await look()).networks
        assert [v.object_name for v in (await look()).volumes] == [volume.object_name]
        await trial.insist(lambda: trial.runtime.remove_network(owner, seen.handle))
        assert (await look()).networks == ()
        trial.engine.cli("volume", "rm", volume.object_name)

    await trial.exhaust(turn)


async def test_markers(trial: Trial) -> None:
    owner, look = trial.subject.owner, trial.subject.look

    async def turn(number: int) -> None:
        marker = Marker("release", "web", number, f"value {number}")
        assert await trial.insist(lambda: trial.runtime.put_marker(owner, marker)) is True
        (seen,) = (await look()).markers
        assert (seen.sequence, seen.value) == (number, marker.value)
        if number % 3 == 0:
            await trial.insist(lambda: trial.runtime.remove_marker(owner, seen.object_name))
            assert (await look()).markers == ()

    await trial.exhaust(turn)


async def test_files(trial: Trial) -> None:
    owner, image = trial.subject.owner, str(trial.subject.image)
    await trial.subject.runtime.pull(trial.subject.image, None)
    ((digest, files),) = desired(SKETCH, owner=owner).files.items()
    entries = entries_of(SKETCH)[digest]

    async def turn(number: int) -> None:
        await trial.insist(lambda: trial.runtime.publish_files(owner, files.volume, entries, image))
        (seen,) = (await trial.subject.look()).volumes
        assert (seen.object_name, seen.finished) == (files.volume, True)
        shown = trial.engine.cli("run", "--rm", "-v", f"{files.volume}:/f:ro", image, "sh", "-c", "cat /f/*")
        assert shown == "level: info"
        await trial.insist(lambda: trial.runtime.remove_volume(owner, files.volume))
        assert (await trial.subject.look()).volumes == ()

    await trial.exhaust(turn)


async def test_pulls(trial: Trial) -> None:
    name = f"{trial.registry}/{trial.subject.owner.project}/app:1"
    trial.engine.cli("build", "-q", "-t", name, "-", text=f"FROM busybox:1.36\nLABEL words={name}\n")
    trial.engine.cli("push", "-q", name)
    pinned = trial.engine.cli("inspect", "-f", "{{index .RepoDigests 0}}", name)
    trial.engine.cli("rmi", name)
    ref = ImageRef.parse(pinned)

    async def turn(number: int) -> None:
        await trial.insist(lambda: trial.runtime.pull(ref, None))
        assert pinned in str(await trial.insist(lambda: trial.runtime.images([pinned])))
        trial.engine.cli("rmi", pinned)

    await trial.exhaust(turn)


async def test_the_life_of_an_instance(trial: Trial) -> None:
    owner, subject, runtime = trial.subject.owner, trial.subject, trial.runtime
    blueprint = await subject.draw(SKETCH)
    kept = f"{blueprint.name}_kept"
    (back,) = (network for network in (await subject.look()).networks if network.name == "back")

    async def create() -> None:
        """As the plan does: what was created and never started is removed and made again."""
        for instance in (await subject.look()).instances:
            if instance.phase is Phase.RUNNING:
                return
            await subject.runtime.remove_instance(owner, instance.handle, 0.0)
        await runtime.create_instance(blueprint, secrets_of(SKETCH))

    async def seen(role: Role, phase: Phase) -> Instance:
        instance = await subject.only()
        assert (instance.role, instance.phase) == (role, phase)
        return instance

    async def mend(instance: Instance, *changes: Change) -> None:
        await trial.insist(lambda: runtime.mend_instance(owner, instance.handle, changes))

    async def mend_everything(number: int) -> None:
        live = await seen(Role.LIVE, Phase.RUNNING)
        subject.pause(live.name)
        subject.rename(live.name, f"{owner.project}-other")
        await mend(live, Unpause(), Rename(live.name), SetLimits(None, 1 << 27, None, None), SetRestart("no"))
        await mend(live, Disconnect(back.object_name), Connect(back.handle.id, ("web",)))
        changed = await seen(Role.LIVE, Phase.RUNNING)
        assert (changed.restart, changed.started_at, len(changed.networks)) == ("no", live.started_at, 2)
        trial.engine.cli("kill", live.name)
        await mend(live, Start())
        world = await trial.insist(lambda: runtime.observe(Question(owner)))
        assert isinstance(world, World)
        await trial.insist(lambda: runtime.logs(live.handle, 3))

    async def live_and_die(number: int) -> None:
        await trial.insist(create)
        live = await seen(Role.LIVE, Phase.RUNNING)
        shown = trial.engine.cli("exec", live.name, "cat", "/etc/settings", "/run/secrets/password")
        assert shown.split("\n") == ["level: info", "s3cret"]
        await trial.insist(lambda: runtime.retire_instance(owner, live.handle, kept, 0.0))
        await seen(Role.KEPT, Phase.EXITED)
        await trial.insist(lambda: runtime.revive_instance(owner, live.handle, live.name, "always"))
        await seen(Role.LIVE, Phase.RUNNING)
        await trial.insist(lambda: runtime.remove_instance(owner, live.handle, 0.0))
        assert (await subject.look()).instances == ()

    await subject.runtime.create_instance(blueprint, secrets_of(SKETCH))
    await trial.exhaust(mend_everything)
    await trial.exhaust(live_and_die)
    assert len(trial.schedule.met) >= 20
