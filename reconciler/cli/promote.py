"""Verb ``promote``: pins in one environment what the one that it follows has proved: a commit."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace

from reconciler.cli.branch_tip import find_place, find_tip, restless
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.exits import REFUSED
from reconciler.cli.hotfix import prepare_hotfix
from reconciler.cli.hotfix_reading import past, read_hotfix
from reconciler.cli.offer import Connect, as_a_person, read_offer
from reconciler.cli.options import Options
from reconciler.cli.promote_attempt import Attempt, try_attempt
from reconciler.cli.promote_plan import check_pair, prepare_promotion
from reconciler.cli.promote_session import Session, Show
from reconciler.cli.session import open_buildx, open_docker
from reconciler.cli.source import open_repository, open_source, read_ref
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.ownership import Owner

_TRIES = 5


def run(options: Options) -> Report:
    """Promote. Raises Stop, ProviderError."""

    def show(text: str) -> None:
        if not options.as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    def connect(workspace: Workspace) -> Clients:
        return workspace.clients(open_docker, open_buildx)

    return asyncio.run(report_promote(options, connect, show))


async def report_promote(options: Options, connect: Connect, show: Show) -> Report:
    """Find, show, check, copy, write. Raises Stop with 4 where nothing is written, ProviderError."""
    repository = await asyncio.to_thread(open_repository, options.repo)
    source = await asyncio.to_thread(open_source, replace(options, worktree=False))
    options = options if options.commit is None else past(options, source)
    environment = check_pair(source, options.source_environment, options.environment)
    session = Session(options, repository, environment, connect, show)
    branch, problem = await asyncio.to_thread(find_place, repository, environment)
    name = options.environment
    for _ in range(_TRIES):
        tip, problem = await asyncio.to_thread(find_tip, repository, branch, environment, name, problem)
        source = await asyncio.to_thread(read_ref, repository, tip, options.path)
        check_pair(source, session.from_name, name)
        hotfix = None
        if options.commit is not None:
            hotfix = await read_hotfix(options, repository, source, branch, connect)
        giver = as_a_person(options, repository, source, connect)
        offer = hotfix.offer if hotfix else await read_offer(options, source, giver)
        try:
            if hotfix is not None:
                promotion = await asyncio.to_thread(prepare_hotfix, options, source, hotfix)
            else:
                promotion = await asyncio.to_thread(prepare_promotion, options, source, offer)
            report = await try_attempt(Attempt(session, promotion, branch, tip, hotfix), problem is None)
        finally:
            await offer.registries.close()
        if report is not None:
            return report
    problem = restless(branch.name if branch else "", _TRIES)
    raise Stop(REFUSED, (problem,), Owner(environment.project, name), source.commit)
