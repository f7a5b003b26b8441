"""Starts a plan's actions, bounded, beside the loop; returns their outcomes. Nothing here decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.actions import Action, BuildImage, RemoveInstance, RetireInstance
from reconciler.allotment import bound, deadline
from reconciler.clients import Clients
from reconciler.decision import Outcome
from reconciler.desired import Subject
from reconciler.flapping import REMEMBERED, is_heal, remember
from reconciler.jitter import jittered
from reconciler.observed import Attempt, Observed
from reconciler.ownership import Owner
from reconciler.perform import perform
from reconciler.perform_hooks import remark
from reconciler.provider import ProviderError, Refused, Stale
from reconciler.sharing import Sharing
from specs.reference import ImageRef

FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 300.0
_LOG_TAIL = 20
_JUMP = 30.0
"""Seconds: so far from ours the runtime's clock does not drift between two looks."""

Progress = Callable[[Subject, str], None]
"""Receives a line of an action's output as it comes."""


@dataclass(slots=True)
class Executor:
    """The actions in flight. At most one a subject; builds, pulls and instances are bounded apart, so that a
    slow build never delays the healing of another service."""

    owner: Owner
    clients: Clients
    progress: Progress = lambda subject, line: None
    first_pause: float = FIRST_PAUSE
    """Seconds before an action that failed once is tried again; each time twice as long."""
    tasks: dict[Subject, asyncio.Task[None]] = field(default_factory=dict)
    attempts: dict[Subject, Attempt] = field(default_factory=dict)
    healed: dict[Subject, tuple[float, ...]] = field(default_factory=dict)
    """When each instance was healed, on the runtime's clock."""
    last_heals: dict[str, Action] = field(default_factory=dict)
    """The last heal of each service, by its name."""
    outcomes: list[Outcome] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    sharing: Sharing = field(default_factory=Sharing)
    may_begin: Callable[[], bool] = lambda: True
    """Whether we still may write, asked when an action that had to wait for its place has got one."""
    _ended: list[Subject] = field(default_factory=list)
    _queued: dict[Subject, Action] = field(default_factory=dict)
    """What waits for its place: nothing of it has begun."""
    _clock: tuple[float, float] | None = None
    """What the runtime's clock said, and the event loop's then."""
    _look_began: float = 0.0

    def begin_look(self) -> None:
        """A pass begins to observe: what ends from now on still counts as in flight for it, else an action
        that ends between the look and the plan is done twice."""
        self._ended.clear()
        self._look_began = asyncio.get_running_loop().time()

    def in_flight(self) -> frozenset[Subject]:
        """Everything that was in flight at any moment since the look began."""
        return frozenset(self.tasks) | frozenset(self._ended)

    @property
    def busy(self) -> bool:
        """Something is in flight."""
        return bool(self.tasks)

    def start(self, actions: Iterable[Action], observed: Observed) -> tuple[Action, ...]:
        """Start those whose subject is free; the rest is planned again by a later pass."""
        self.follow(observed.at)
        started = []
        for action in actions:
            if action.subject not in self.tasks and self._is_free(action):
                task = asyncio.create_task(self._run(action, observed), name=str(action.subject))
                self.tasks[action.subject] = task
                self._queued[action.subject] = action
                if isinstance(action, BuildImage):
                    task.add_done_callback(partial(self._end_build, action.image.ref))
                started.append(action)
        return tuple(started)

    def withdraw(self, unwanted: Callable[[Action], bool] = lambda action: True) -> None:
        """Take back what waits for its place still and is not wanted any more; what has begun is finished."""
        for subject in [subject for subject, action in self._queued.items() if unwanted(action)]:
            del self._queued[subject]
            self.tasks[subject].cancel()

    def begin_anew(self) -> None:
        """Another commit: it may be what a failed attempt waited for, and what waits is planned again."""
        self.attempts.clear()
        self.withdraw()

    def _end_build(self, image: ImageRef, _: asyncio.Task[None]) -> None:
        self.sharing.end_build(image)

    def _is_free(self, action: Action) -> bool:
        """An image that another environment of this process builds is waited for."""
        if not isinstance(action, BuildImage):
            return True
        return self.sharing.begin_build(action.image.ref, self.changed)

    async def _run(self, action: Action, observed: Observed) -> None:
        log: list[str] = []
        began: float | None = None
        try:
            async with self._bound(action):
                self._queued.pop(action.subject, None)
                if not self.may_begin():
                    raise Stale("RUN006", str(action.subject), "the lease ran out before its turn came")
                began = asyncio.get_running_loop().time()
                async with asyncio.timeout(deadline(action)):
                    await perform(self.owner, action, observed, self.clients, self._listener(action, log))
            self._end(
                Outcome(
                    action,
                    "done",
                    asyncio.get_running_loop().time() - began,
                    remark(log),
                    log_tail=tuple(log[-_LOG_TAIL:]),
                )
            )
        except TimeoutError:
            words = f"it took longer than {deadline(action):g} s"
            self._fail(action, ProviderError("RUN001", str(action.subject), words), began, log)
        except ProviderError as error:
            self._fail(action, error, began, log)
        finally:
            # Also when cancelled, and when a fault of ours escapes: a subject must never stay in flight.
            self.tasks.pop(action.subject, None)
            self._queued.pop(action.subject, None)
            self._ended.append(action.subject)
            self.changed.set()

    def _listener(self, action: Action, log: list[str]) -> Callable[[str], None]:
        def listen(line: str) -> None:
            log.append(line)
            del log[:-500]
            self.progress(action.subject, line)

        return listen

    def _bound(self, action: Action) -> asyncio.Semaphore:
        name, size = bound(action)
        return self.sharing.places(self.clients.runtime, name, size)

    def _end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        subject = outcome.action.subject
        if is_heal(outcome.action):
            self.healed[subject] = remember(self.healed.get(subject, ()), self.now())
            self.last_heals[subject.name] = outcome.action
        attempt = self.attempts.get(subject)
        takes_away = isinstance(outcome.action, (RemoveInstance, RetireInstance))
        # Taking away what could not start is no success of its start: the pause must go on to grow. But
        # what was refused for good is gone with its instance, and may be asked for again.
        if attempt and (not takes_away or attempt.final or attempt.verb == type(outcome.action).__name__):
            del self.attempts[subject]

    def _fail(self, action: Action, error: ProviderError, began: float | None, log: Sequence[str]) -> None:
        refused, stale = isinstance(error, Refused), isinstance(error, Stale)
        tail = tuple(error.log or log)[-_LOG_TAIL:]
        took = asyncio.get_running_loop().time() - began if began is not None else 0.0
        words = error.message
        outcome = Outcome(action, "failed", took, words, error.code, tail, refused, stale, error.retry_after)
        self.outcomes.append(outcome)
        if not stale:
            self._remember(outcome, tail)

    def _remember(self, outcome: Outcome, tail: tuple[str, ...]) -> None:
        subject = outcome.action.subject
        earlier = self.attempts.get(subject)
        count = earlier.count + 1 if earlier else 1
        pause = jittered(min(_LONGEST_PAUSE, self.first_pause * 2 ** (count - 1)))
        pause = max(pause, outcome.retry_after or 0.0)
        self.attempts[subject] = Attempt(
            count,
            outcome.error or "",
            self.now() + pause,
            outcome.refused,
            outcome.code,
            tail,
            type(outcome.action).__name__,
        )

    def now(self) -> float:
        """The runtime's clock, as far as we can tell between two looks."""
        if self._clock is None:
            return 0.0
        at, then = self._clock
        return at + (asyncio.get_running_loop().time() - then)

    def follow(self, at: float) -> None:
        """What the runtime's clock said in this look. When somebody has set it, what we remember is set with
        it: a pause must not become as long as the step back."""
        if self._clock is not None and self._clock[0] == at:
            return
        now = asyncio.get_running_loop().time()
        shift = at - self.now()
        if self._clock is not None and not -_JUMP - (now - self._look_began) <= shift <= _JUMP:
            for subject, attempt in self.attempts.items():
                self.attempts[subject] = replace(attempt, not_before=attempt.not_before + shift)
            for subject, times in self.healed.items():
                self.healed[subject] = tuple(t + shift for t in times)
        for subject in [s for s, times in self.healed.items() if at - times[-1] > REMEMBERED]:
            del self.healed[subject]
        self._clock = (at, now)

    def take_outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes since this was last asked."""
        taken = tuple(self.outcomes)
        self.outcomes.clear()
        return taken

    async def wait(self, seconds: float) -> None:
        """Until an action ends, at most so long."""
        try:
            await asyncio.wait_for(self.changed.wait(), max(0.0, seconds))
        except TimeoutError:
            return
        finally:
            self.changed.clear()

    async def wait_idle(self, seconds: float) -> None:
        """Until nothing is in flight any more, at most so long."""
        tasks = list(self.tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    async def close(self, seconds: float) -> None:
        """Let steps that were begun finish, at most so long; then cancel what is left. A pull or a build is
        cancelled at once: it may take an hour more, and leaves nothing half done."""
        tasks: Mapping[Subject, asyncio.Task[None]] = dict(self.tasks)
        for subject, task in tasks.items():
            if subject.kind == "Image":
                task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks.values(), timeout=seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
