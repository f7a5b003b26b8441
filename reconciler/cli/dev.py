"""Verb ``dev``: the loop on the working tree. Save a file, see it running.

What the file system tells is a hint, as everything is: after any of it, and every few seconds without, the
whole tree is read again, and only what came out different is kept from then on.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, problem_lines
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options
from reconciler.cli.progress import TextProgress
from reconciler.cli.session import open_buildx, open_docker, style_for
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.desired import Desired, Subject
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.provider import ProviderError, Runtime
from reconciler.render import escape
from reconciler.render_apply import ApplyView, render_apply
from reconciler.serve import Post, listen, serve
from reconciler.snapshot import Snapshot

_QUIET_MS = 300
_LONGEST_MS = 2000
_RESCAN = 5.0
"""Seconds: a folder that was swapped, or a file made in a new folder, is not always told."""
_IGNORED = (".git", ".hg", ".venv", "node_modules", "__pycache__")


def run(options: Options) -> Report:
    """Keep the working tree running until it is interrupted. Raises Stop, ProviderError."""
    options = replace(options, worktree=True)
    workspace = open_workspace(options)
    asyncio.run(_run(options, Path(options.repo).resolve(), workspace))
    return Report(DONE)


@dataclass(slots=True)
class Bench:
    """The working tree, its keeper, and what the person sees of them."""

    options: Options
    root: Path
    runtime: Runtime
    keeper: Keeper
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    progress: TextProgress | None = None
    told: tuple[str, ...] = ()
    kept: Desired | None = None

    def offer(self, workspace: Workspace) -> None:
        """Keep this, unless it is what is kept already."""
        self.tell(problem_lines(workspace.problems))
        if workspace.desired == self.kept:
            return
        self.kept = workspace.desired
        self.progress = TextProgress(workspace.desired)
        clients = workspace.clients(lambda reach: self.runtime, open_buildx)
        self.keeper.offer(
            Snapshot(workspace.desired, clients, workspace.meet, workspace.registries.close, "save")
        )

    def tell(self, lines: list[str]) -> None:
        """Problems, once for as long as they stay the same."""
        if tuple(lines) != self.told:
            self.told = tuple(lines)
            for line in lines:
                say(line)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Read the tree again whenever it may have changed. A tree with an error in it changes nothing."""
        async for _ in changes(self.root, stopping):
            try:
                self.offer(await asyncio.to_thread(partial(open_workspace, self.options)))
            except Stop as stop:
                self.tell(problem_lines(stop.problems))
            except ProviderError as error:
                self.tell([str(error)])

    def stop(self) -> None:
        """Finish what was begun, and end; what runs stays."""
        self.stopping.set()
        self.keeper.hint()


async def _run(options: Options, root: Path, workspace: Workspace) -> None:
    runtime = workspace.clients(open_docker, open_buildx).runtime
    keeper = Keeper(workspace.owner)
    bench = Bench(options, root, runtime, keeper)
    keeper.heard = _heard(bench)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, bench.stop)
    say(f"{workspace.owner}: save a file to see it run; Ctrl-C ends this, and what runs stays")
    bench.offer(workspace)

    async def hear(stopping: asyncio.Event) -> None:
        await listen(lambda: runtime.watch(workspace.owner), keeper, stopping)

    posts = [Post("environment", keeper.keep), Post("events", hear), Post("files", bench.watch)]
    try:
        await serve(posts, bench.stopping, lambda name, error: say(f"{name}: {error!r}"))
    finally:
        await runtime.close()


def _heard(bench: Bench) -> Heard:
    def passed(desired: Desired, report: PassReport, seconds: float) -> None:
        if bench.progress is not None:
            bench.progress.show_pass(report)

    def rested(rest: Rest) -> None:
        view = ApplyView(
            rest.desired, rest.observed, rest.plan, rest.result, rest.passes, rest.duration, rest.outcomes
        )
        sys.stderr.write(render_apply(view, style_for(sys.stderr)))
        sys.stderr.flush()

    def progress(subject: Subject, line: str) -> None:
        say(f"        {escape(subject.name)} | {escape(line, 300)}")

    return Heard(passed=passed, rested=rested, failed=lambda error: say(str(error)), progress=progress)


async def changes(root: Path, stopping: asyncio.Event) -> AsyncIterator[None]:
    """One item for each burst of changes below ``root`` (resolved), and one every few seconds without any."""
    from watchfiles import Change, awatch

    def counts(_: Change, path: str) -> bool:
        # Relative to the folder: a repository may itself lie below a folder of one of these names.
        return not set(Path(path).relative_to(root).parts) & set(_IGNORED)

    while not stopping.is_set():
        burst = awatch(
            root,
            watch_filter=counts,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            stop_event=stopping,
            rust_timeout=int(_RESCAN * 1000),
            yield_on_timeout=True,
            ignore_permission_denied=True,
        )
        async for _ in burst:
            yield None


def say(line: str) -> None:
    """To the person."""
    print(line, file=sys.stderr, flush=True)
