"""Actions beside the loop: bounded, one a subject, remembered when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from providers.memory import MemoryEngine
from reconciler.actions import Action, BuildImage, CreateNetwork, PullImage, RemoveInstance
from reconciler.allotment import bound, deadline
from reconciler.clients import Clients
from reconciler.desired import DesiredImage, DesiredNetwork, Subject
from reconciler.difference import Cause
from reconciler.execute import Executor
from reconciler.observed import Handle, Observed
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, Refused, Stale
from sketches import OWNER
from specs.reference import ImageRef

CAUSE = Cause("commit", ("a test",))
SEEN = Observed(at=1000.0)


class Gated(MemoryEngine):
    """An engine whose creates of networks wait for ``gate``, and then raise what ``answers`` says."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.answers: list[BaseException] = []
        self.running = 0
        self.most = 0

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.answers:
            raise self.answers.pop(0)
        await super().create_network(owner, network)

    async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None:
        await self.gate.wait()


@dataclass
class Bench:
    """An executor on a gated engine."""

    engine: Gated = field(default_factory=Gated)
    executor: Executor = field(init=False)

    def __post_init__(self) -> None:
        self.executor = Executor(OWNER, clients_of(self.engine))

    def start(self, *actions: Action) -> tuple[Action, ...]:
        return self.executor.start(actions, SEEN)

    async def run(self, *actions: Action) -> None:
        self.engine.gate.set()
        self.start(*actions)
        await asyncio.gather(*self.executor.tasks.values())

    async def fail(self, error: BaseException, action: Action) -> None:
        self.engine.answers = [error]
        await self.run(action)


def clients_of(engine: MemoryEngine) -> Clients:
    def absent(*args: object) -> object:
        raise AssertionError("nothing here asks a registry")

    unused: Callable[..., object] = absent
    return Clients(engine, unused, unused, None, unused)  # type: ignore[arg-type] # never called


def create(name: str = "front") -> CreateNetwork:
    return CreateNetwork(Subject("Network", name), CAUSE, DesiredNetwork(name, f"shop_dev_{name}"))


def removal(seconds: float, number: int = 1) -> RemoveInstance:
    """A removal whose deadline is so many seconds: sixty more than its grace."""
    subject = Subject("Service", "web", f"shop_dev_web_0000_{number}")
    return RemoveInstance(subject, CAUSE, Handle("memory", f"id-{number}"), seconds - 60.0)


def fault(where: str = "engine", *, after: float | None = None) -> ProviderError:
    return ProviderError("TST001", where, "it is busy", retry_after=after)


async def test_one_action_a_subject() -> None:
    bench = Bench()
    assert bench.start(create(), create()) == (create(),)
    assert bench.start(create()) == ()
    assert bench.executor.in_flight() == {Subject("Network", "front")}
    bench.engine.gate.set()
    await asyncio.gather(*bench.executor.tasks.values())
    assert [o.result for o in bench.executor.take_outcomes()] == ["done"]
    assert bench.executor.take_outcomes() == ()
    assert not bench.executor.busy
    assert len(bench.engine.made) == 1


async def test_what_ended_since_the_look_began_counts_as_in_flight() -> None:
    bench = Bench()
    bench.start(create())
    bench.executor.begin_look()
    bench.engine.gate.set()
    await asyncio.gather(*bench.executor.tasks.values())
    assert bench.executor.in_flight() == {Subject("Network", "front")}, "the look may not show it"
    bench.executor.begin_look()
    assert bench.executor.in_flight() == frozenset()


async def test_attempts_grow_and_so_does_the_pause() -> None:
    bench = Bench()
    pauses = []
    for _ in range(4):
        await bench.fail(fault(), create())
        pauses.append(bench.executor.attempts[create().subject].not_before - bench.executor.now())
    attempt = bench.executor.attempts[create().subject]
    assert (attempt.count, attempt.final, attempt.code, attempt.verb) == (4, False, "TST001", "CreateNetwork")
    assert "it is busy" in attempt.error
    for number, pause in enumerate(pauses):
        assert 0.75 * 2**number <= pause <= 1.25 * 2**number


async def test_the_pause_has_an_end_and_respects_what_was_asked() -> None:
    bench = Bench()
    for _ in range(12):
        await bench.fail(fault(), create())
    assert bench.executor.attempts[create().subject].not_before - bench.executor.now() <= 360.0
    await bench.fail(fault(after=1000.0), create("back"))
    assert bench.executor.attempts[create("back").subject].not_before - bench.executor.now() > 990.0


async def test_a_success_forgets_the_failures() -> None:
    bench = Bench()
    await bench.fail(fault(), create())
    await bench.run(create())
    assert bench.executor.attempts == {}


async def test_refused_is_final() -> None:
    bench = Bench()
    await bench.fail(Refused("TST002", "engine", "never", log=("step 1", "step 2")), create())
    attempt = bench.executor.attempts[create().subject]
    assert (attempt.final, attempt.log) == (True, ("step 1", "step 2"))
    (outcome,) = bench.executor.take_outcomes()
    assert (outcome.result, outcome.refused, outcome.code) == ("failed", True, "TST002")


async def test_stale_is_told_and_not_remembered() -> None:
    bench = Bench()
    await bench.fail(Stale("TST003", "engine", "the world moved"), create())
    (outcome,) = bench.executor.take_outcomes()
    assert (outcome.result, outcome.stale) == ("failed", True)
    assert bench.executor.attempts == {}


async def test_a_call_that_hangs_ends_at_its_deadline() -> None:
    bench = Bench()
    bench.start(removal(0.02))
    await asyncio.gather(*bench.executor.tasks.values())
    (outcome,) = bench.executor.take_outcomes()
    assert (outcome.result, outcome.code) == ("failed", "RUN001")
    assert not bench.executor.busy
    assert bench.executor.attempts[removal(0.02).subject].count == 1


async def test_a_fault_of_ours_leaves_no_subject_in_flight() -> None:
    bench = Bench()
    bench.engine.answers = [ZeroDivisionError("ours")]
    bench.engine.gate.set()
    bench.start(create())
    with pytest.raises(ZeroDivisionError):
        await asyncio.gather(*bench.executor.tasks.values())
    assert not bench.executor.busy


async def test_many_at_once_are_bounded() -> None:
    bench = Bench()
    _, size = bound(create())
    bench.start(*(create(f"n{number}") for number in range(20)))
    await asyncio.sleep(0.01)
    assert bench.engine.most == size < 20
    bench.engine.gate.set()
    await asyncio.gather(*bench.executor.tasks.values())
    assert bench.engine.most == size
    assert len(bench.engine.made) == 20


def test_what_is_slow_is_bounded_apart_from_what_heals() -> None:
    image = DesiredImage("web", "in-1", ImageRef("a.test", "web", "in-1"), b"{}", "main")
    build = BuildImage(Subject("Image", "web", "in-1"), CAUSE, image)
    pull = PullImage(Subject("Image", "a.test/web"), CAUSE, image.ref)
    assert len({bound(action)[0] for action in (build, pull, create())}) == 3


async def test_waiting_in_the_queue_does_not_count_against_the_deadline() -> None:
    class Slow(Gated):
        async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None:
            await asyncio.sleep(0.1)

    bench = Bench(Slow())
    _, size = bound(removal(0.3))
    await bench.run(*(removal(0.3, number) for number in range(4 * size + 1)))
    assert {o.result for o in bench.executor.take_outcomes()} == {"done"}


async def test_removing_what_could_not_start_does_not_shorten_the_pause() -> None:
    bench = Bench()
    subject = Subject("Service", "web", "shop_dev_web_0000_1")
    await bench.fail(fault(), replace(create(), subject=subject))
    await bench.run(RemoveInstance(subject, CAUSE, Handle("memory", "gone"), 0.0))
    assert bench.executor.attempts[subject].count == 1


async def test_wait_ends_when_an_action_does() -> None:
    bench = Bench()
    bench.start(create())
    asyncio.get_running_loop().call_later(0.02, bench.engine.gate.set)
    async with asyncio.timeout(5):
        await bench.executor.wait(60)
    assert not bench.executor.busy


async def test_close_lets_finish_and_then_cancels() -> None:
    bench = Bench()
    bench.start(create())
    await bench.executor.close(0.02)
    assert not bench.executor.busy
    assert bench.engine.made == []


def test_a_deadline_covers_the_grace() -> None:
    assert deadline(removal(300.0)) == 300.0
    assert 0 < deadline(create()) <= 120.0


async def test_what_waited_for_its_place_is_not_begun_when_we_may_not_write_any_more() -> None:
    bench = Bench()
    networks = [create(f"n{n}") for n in range(5)]
    bench.start(*networks)
    await asyncio.sleep(0)
    bench.executor.may_begin = lambda: False
    bench.engine.gate.set()
    await asyncio.gather(*bench.executor.tasks.values())
    ended = bench.executor.take_outcomes()
    assert [o.result for o in ended] == ["done"] * 4 + ["failed"]
    assert (ended[-1].code, ended[-1].stale) == ("RUN006", True)
    assert not bench.executor.attempts, "it is no failure of the subject"


async def test_a_clock_that_somebody_sets_moves_what_is_remembered_with_it() -> None:
    bench = Bench()
    bench.executor.follow(1000.0)
    network = create("n")
    await bench.fail(ProviderError("TST001", "n", "no"), network)
    before = bench.executor.attempts[network.subject].not_before - bench.executor.now()
    for at in (1000.0 - 86_400.0, 1000.0 + 86_400.0):
        bench.executor.begin_look()
        bench.executor.follow(at)
        after = bench.executor.attempts[network.subject].not_before - bench.executor.now()
        assert abs(after - before) < 5.0
