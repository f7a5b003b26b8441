"""Where the hooks of a repository that is pushed to ask the loop: may this be taken, and what becomes of it.

An answer is lines that begin with a space, and at the end a verdict that does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from reconciler.cli.envelope import failure
from reconciler.cli.last_words import read_held_words
from reconciler.cli.loop_settle import Kept, either
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.onlookers import News, Onlookers
from reconciler.cli.push_judgement import Judges
from reconciler.cli.push_plan import plan_push
from reconciler.cli.push_request import HEADS, PushRequest, read_request
from reconciler.cli.push_rules import find_pusher, refuse
from reconciler.cli.push_watch import PushWatch
from reconciler.ownership import Owner
from reconciler.render import escape
from specs.run_pusher import Pusher

PLAN_ONLY: Final = "plan-only"
NO_WAIT: Final = "no-wait"
_OPTIONS: Final = frozenset((PLAN_ONLY, NO_WAIT, "wait"))
_LONGEST: Final = 900.0
"""Seconds that a push is shown; what it brought about goes on."""
_LONGEST_PLAN: Final = 120.0
_TICK: Final = 1.0

Lines: TypeAlias = AsyncGenerator[str, None]
Tell = Callable[[str, str, str], None]
"""Told of every push: repository, pusher, and what came of it."""


@dataclass(slots=True)
class PushDesk:
    """One for a process. ``pushers`` are asked for at each push, so that they can change."""

    kept: Kept
    onlookers: Onlookers
    pushers: Callable[[], Sequence[Pusher]]
    tell: Tell = lambda repository, pusher, result: None
    judges: Judges = field(default_factory=Judges)

    def receive(self, repository_name: str, body: bytes) -> Lines | None:
        """Whether a push may be taken; None where there is no such repository."""
        watch = self._watch(repository_name)
        return None if watch is None else self._receive(watch, body)

    def announce(self, repository_name: str, body: bytes) -> Lines | None:
        """What becomes of a push that was taken; None where there is no such repository."""
        watch = self._watch(repository_name)
        return None if watch is None else self._announce(watch, body)

    def _watch(self, repository_name: str) -> RepositoryWatch | None:
        watch = self.kept.watches.get(repository_name)
        return watch if watch is not None and watch.entry.receive else None

    async def _receive(self, watch: RepositoryWatch, body: bytes) -> Lines:
        try:
            request = read_request(body, _folder(watch))
        except (ValueError, OSError) as error:
            yield f" the hook and the loop do not understand one another: {escape(str(error))}"
            yield "refused"
            return
        pusher = find_pusher(self.pushers(), request.pusher_name, watch.entry.name)
        problems = await self._problems(watch, request, pusher)
        for line in problems:
            yield f" {line}"
        if not problems and PLAN_ONLY in request.options:
            for line in await self._plan(watch, request, pusher):
                yield f" {line}"
        verdict = "refused" if problems or PLAN_ONLY in request.options else "ok"
        self.tell(watch.entry.name, request.pusher_name, "refused" if problems else verdict)
        yield verdict

    async def _problems(
        self, watch: RepositoryWatch, request: PushRequest, pusher: Pusher | None
    ) -> Sequence[str]:
        if request.pusher_name and pusher is None:
            seen = f"it is not for {escape(request.pusher_name, 100)} to push to"
            return [str(failure("PUSH001", f"repository {watch.entry.name}", seen))]
        unknown = sorted(request.options - _OPTIONS)
        if unknown:
            seen = f"there is no push option {escape(unknown[0], 100)}"
            return [str(failure("PUSH001", "push", seen, "wait, no-wait or plan-only"))]
        problems = await asyncio.to_thread(refuse, request, pusher)
        return [str(p) for p in problems] or await self.judges.problems(watch.entry, request)

    async def _plan(
        self, watch: RepositoryWatch, request: PushRequest, pusher: Pusher | None
    ) -> Sequence[str]:
        expected = "a push without -o plan-only to deploy it"
        end = str(failure("PUSH006", "push", "plan-only takes nothing", expected))
        try:
            async with asyncio.timeout(_LONGEST_PLAN):
                return [*await plan_push(watch, request, pusher), end]
        except TimeoutError:
            return [f"cannot tell: there is no answer within {_LONGEST_PLAN:g} s", end]

    async def _announce(self, watch: RepositoryWatch, body: bytes) -> Lines:
        try:
            request = read_request(body, _folder(watch))
        except (ValueError, OSError):
            request = PushRequest("", frozenset(), None, ())
        who = request.pusher_name or "the loop's own user"
        with self.onlookers.follow(watch.entry.name) as news:
            read = watch.announce(f"push by {who}")
            if NO_WAIT in request.options:
                yield "ok"
                return
            async for line in self._follow(watch, request, read, news):
                yield line

    async def _follow(
        self, watch: RepositoryWatch, request: PushRequest, read: asyncio.Event, news: asyncio.Queue[News]
    ) -> Lines:
        pusher = find_pusher(self.pushers(), request.pusher_name, watch.entry.name)
        own = not request.pusher_name
        shown = PushWatch(None if own else (pusher.environments if pusher else ()))
        clock = asyncio.get_running_loop().time
        limit = clock() + _LONGEST
        await asyncio.wait_for(either(read.wait(), self.kept.stopping.wait()), _LONGEST)
        for line in await self._begin(shown, watch, request, news):
            yield f" {line}"
        while not self.kept.stopping.is_set() and clock() < limit:
            if shown.is_over and news.empty():
                break
            said = await _next(shown, news)
            if said is not None:
                yield f" {said}"
        for name in sorted(shown.results):
            for line in await self._last_words(shown, watch, name):
                yield f"     | {line}"
            yield f" {name}: {shown.results[name]}"
        if not shown.is_over:
            why = "the loop stops" if self.kept.stopping.is_set() else f"{_LONGEST:g} s are over"
            yield f" {why}: what was pushed is kept, and goes on without being shown"
        yield shown.verdict if shown.is_over else "failed"

    async def _begin(
        self, shown: PushWatch, watch: RepositoryWatch, request: PushRequest, news: asyncio.Queue[News]
    ) -> list[str]:
        """What was read is known now. Commits that began before are older ones."""
        tips = await asyncio.to_thread(_tips, watch)
        pushed = set(request.pushed.values())
        policy = f"{HEADS}{watch.entry.ref or tips.get('HEAD', '')}"
        concerned = pushed | (set(watch.commits.values()) if policy in request.pushed else set())
        lines = [shown.hear(news.get_nowait()) for _ in range(news.qsize())]
        shown.expect(watch.commits, watch.refused, concerned)
        for ref, commit in request.pushed.items():
            if tips.get(ref, commit) != commit:
                for name in [n for n, c in watch.commits.items() if c == tips[ref] and shown.sees(n)]:
                    lines.append(shown.overtake(name, tips[ref]))
        for owner in self._owners(watch):
            rest = self.kept.keepers[owner].rest
            if rest is not None:
                shown.rest(owner.environment, rest)
            snapshot = self.kept.keepers[owner].snapshot
            if snapshot is not None and snapshot.pending in pushed and shown.sees(owner.environment):
                shown.results[owner.environment] = "waiting"
                lines.append(f"{owner.environment} waits: reconciler apply {owner.environment}")
        if not shown.targets and not shown.results:
            lines.append("taken; no environment that you see follows it")
        return [line for line in lines if line is not None]

    async def _last_words(self, shown: PushWatch, watch: RepositoryWatch, name: str) -> Sequence[str]:
        rest = shown.rests.get(name)
        owners = [owner for owner in self._owners(watch) if owner.environment == name]
        snapshot = self.kept.keepers[owners[0]].snapshot if owners else None
        if rest is None or snapshot is None:
            return ()
        return await read_held_words(rest, snapshot.clients.runtime, self.onlookers.secrets)

    def _owners(self, watch: RepositoryWatch) -> list[Owner]:
        return [owner for owner in self.kept.owners(watch.entry.name) if owner in self.kept.keepers]


async def _next(shown: PushWatch, news: asyncio.Queue[News]) -> str | None:
    """The next line; None where there is none to show, or for a moment none comes."""
    try:
        return shown.hear(await asyncio.wait_for(news.get(), _TICK))
    except TimeoutError:
        return None


def _folder(watch: RepositoryWatch) -> Path:
    return Path(watch.entry.folder or "/")


def _tips(watch: RepositoryWatch) -> dict[str, str]:
    """The refs as they are, and the default branch under HEAD. Raises ProviderError."""
    from providers.git.repository import GitRepository

    repository = GitRepository(_folder(watch))
    listed = repository.git.read("for-each-ref", "--format=%(refname) %(objectname)").text.splitlines()
    tips: dict[str, str] = dict(_pair(line) for line in listed)
    return {**tips, "HEAD": repository.default_branch() or ""}


def _pair(line: str) -> tuple[str, str]:
    ref, _, oid = line.partition(" ")
    return ref, oid
