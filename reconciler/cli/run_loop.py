"""Verb ``run``: the loop, for one or more repositories and environments, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from pathlib import Path

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR, INTERRUPTED, USAGE
from reconciler.cli.loop_group import begin
from reconciler.cli.loop_process import Loop
from reconciler.cli.loop_reload import Reload
from reconciler.cli.loop_secret import check_secrets
from reconciler.cli.options import Options
from reconciler.cli.push_token import check_tokens
from reconciler.cli.run_config import read_config
from reconciler.cli.service_notice import Notice, beat, take_notice
from reconciler.cli.source import is_url
from reconciler.serve import Post
from specs.run_file import RunFile, RunSpec
from specs.run_repository import RunRepository


def run(options: Options) -> Report:
    """Keep what the Run file names until SIGTERM or SIGINT. Raises Stop, ProviderError."""
    path = None if options.config is None else Path(options.config)
    config = _from_options(options) if path is None else read_checked(path)
    asyncio.run(_run(config, path))
    return Report(DONE)


def read_checked(path: Path) -> RunFile:
    """The Run file, with secrets behind it that are worth their name. Raises Stop."""
    config = read_config(path)
    problems = [*check_secrets(config.spec.repositories), *check_tokens(config.spec.pushers)]
    if problems:
        raise Stop(ERROR, tuple(problems))
    return config


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


async def _run(config: RunFile, path: Path | None) -> None:
    loop, notice = Loop(config), take_notice()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, partial(_stop, loop, notice, number))
    posts = [Post("pulse", partial(beat, notice, loop.served.health, loop.keepers))]
    if path is not None:
        reload = Reload(loop, path, read_checked)
        running.add_signal_handler(signal.SIGHUP, reload.asked.set)
        posts.append(Post("run file", reload.watch))
    beside = begin("the loop itself", posts, loop.crashed)
    loop.voice.log.info("started", repositories=[r.name for r in config.spec.repositories], pid=os.getpid())
    try:
        await loop.run(lambda: notice.tell("READY=1"))
    finally:
        await beside.end(1.0)
    loop.voice.log.info("stopped")
    if loop.is_late:
        # A thread waits for a process of git's, and Python would wait for the thread.
        sys.stderr.flush()
        os._exit(DONE)


def _stop(loop: Loop, notice: Notice, number: signal.Signals) -> None:
    """The first time: finish the step that was begun, and end. The second: end at once."""
    if loop.stopping.is_set():
        sys.stderr.flush()
        os._exit(INTERRUPTED if number is signal.SIGINT else 128 + number)
    notice.tell("STOPPING=1")
    loop.stop()
