"""Verb ``run``: the loop, for one or more repositories and environments, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, USAGE
from reconciler.cli.loop_process import Loop
from reconciler.cli.options import Options
from reconciler.cli.run_config import read_config
from reconciler.cli.source import is_url
from specs.run_file import RunFile, RunSpec
from specs.run_repository import RunRepository


def run(options: Options) -> Report:
    """Keep what the Run file names until SIGTERM or SIGINT. Raises Stop, ProviderError."""
    config = _from_options(options) if options.config is None else read_config(Path(options.config))
    asyncio.run(_run(config))
    return Report(DONE)


def _from_options(options: Options) -> RunFile:
    """One repository, by flags."""
    if not options.environment:
        raise Stop(USAGE, (failure("CLI040", "run", "neither --config nor an environment", "one of them"),))
    is_remote = is_url(options.repo)
    repository = RunRepository(
        name="main",
        url=options.repo if is_remote else None,
        folder=None if is_remote else str(Path(options.repo).resolve()),
        path=options.path,
        environments=(options.environment,),
        bounds="any",
    )
    return RunFile("flags", RunSpec(repositories=(repository,)))


async def _run(config: RunFile) -> None:
    loop = Loop(config)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, loop.stop)
    loop.voice.log.info("started", repositories=[r.name for r in config.spec.repositories], pid=os.getpid())
    await loop.run()
    loop.voice.log.info("stopped")
