"""Verb ``history``: what happened, and what caused it, from the journal of this machine and the runtime."""

from __future__ import annotations

import asyncio

from reconciler.cli.envelope import Report, warning
from reconciler.cli.exits import DONE
from reconciler.cli.options import Options
from reconciler.cli.session import open_docker
from reconciler.cli.whereabouts import Whereabouts, find_whereabouts
from reconciler.journal import Journal
from reconciler.provider import ProviderError, Question, ReadRuntime, World
from reconciler.reading import ReadingRuntime
from reconciler.render_history import history_entries, render_history
from reconciler.runtime_history import with_runtime


def run(options: Options) -> Report:
    """Read the journal, and ask the runtime for what it does not tell. Raises Stop, ProviderError."""
    return asyncio.run(_run(options, find_whereabouts(options)))


async def _run(options: Options, found: Whereabouts) -> Report:
    runtime: ReadRuntime | None = None
    try:
        runtime = ReadingRuntime(open_docker(found.reach()))
        world: World | ProviderError = await runtime.observe(Question(found.owner))
    except ProviderError as error:
        world = error
    finally:
        if runtime is not None:
            await runtime.close()
    return report_history(options, found, world)


def report_history(options: Options, found: Whereabouts, world: World | ProviderError) -> Report:
    """The newest entries of both. Complete, as far as they go, unless lines of the journal were damaged or
    thrown away, or the runtime knows of a release that the journal does not tell of."""
    told = Journal.of(found.owner).read(options.limit)
    problems, lost = found.problems, told.damaged
    if isinstance(world, ProviderError):
        entries, added, is_read = list(told.entries), 0, False
        words, remedy = f"the runtime cannot be asked: {world.message}", f"[{world.code}]"
        problems = (*problems, warning("CLI018", str(found.owner), words, remedy))
    else:
        entries, added = with_runtime(told.entries, world.markers, world.instances)
        is_read = not world.unreadable
    if lost:
        problems = (*problems, warning("CLI018", str(found.owner), f"{lost} lines cannot be read", ""))
    entries = entries[: options.limit]
    return Report(
        DONE,
        render_history(entries, found.owner.environment),
        {"complete": told.is_whole and is_read and not added, "entries": history_entries(entries)},
        owner=found.owner,
        commit=found.commit,
        at=None if isinstance(world, ProviderError) else world.at,
        problems=problems,
    )
