"""The plan of a push that is not taken: what the loop would do with it, seen on what lives, changing nothing.

The objects lie in quarantine. The same steps as for a commit that has come: policy ref, acceptance, bounds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.accepted_ground import Surveyor
from reconciler.cli.apply import hide
from reconciler.cli.envelope import Stop, problem_lines
from reconciler.cli.environment_watch import EnvironmentWatch
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.plan import view_live
from reconciler.cli.policy import find_policy
from reconciler.cli.push_request import PushRequest
from reconciler.cli.pushed_repository import PushedRepository
from reconciler.cli.source import Source, read_ref
from reconciler.cli.workspace import Workspace
from reconciler.provider import ProviderError
from reconciler.render_plan import render_plan
from reconciler.secret_names import secret_names
from specs.run_pusher import Pusher


async def plan_push(watch: RepositoryWatch, request: PushRequest, pusher: Pusher | None) -> list[str]:
    """Lines: the plan of each environment that the pusher sees and this loop keeps, or why there is none."""
    entry = watch.entry
    folder = Path(entry.folder or "/")
    repository = PushedRepository.of(folder, request.quarantine, request.pushed)
    try:
        policy = await asyncio.to_thread(_policy, repository, watch)
    except Stop as stop:
        return problem_lines(stop.problems)
    except ProviderError as error:
        return [str(error)]
    kept = entry.environments or sorted(policy.specs.environments)
    seen = [name for name in kept if pusher is None or name in pusher.environments]
    if not seen:
        return ["valid; there is no environment whose plan you see"]
    plans = [await _plan(watch, repository, policy, name) for name in seen]
    return [line for plan in plans for line in plan]


def _policy(repository: PushedRepository, watch: RepositoryWatch) -> Source:
    found = find_policy(repository, watch.entry.ref)
    return read_ref(repository, found.commit, watch.entry.path)


async def _plan(watch: RepositoryWatch, repository: PushedRepository, policy: Source, name: str) -> list[str]:
    surveyor = Surveyor(watch.entry, watch.openers.runtime, watch.secrets)
    reader = EnvironmentWatch(watch.entry, name, surveyor, is_kept=True)
    try:
        reading = await reader.read(repository, policy)
        if reading.workspace is not None:
            return await _view(watch, reading.workspace)
    except Stop as stop:
        return problem_lines(stop.problems)
    except ProviderError as error:
        return [str(error)]
    return problem_lines(reading.problems) or [f"{name}: nothing new"]


async def _view(watch: RepositoryWatch, workspace: Workspace) -> list[str]:
    """Raises ProviderError."""
    values = _secret_values(workspace).values()
    clients = workspace.clients(watch.openers.runtime, watch.openers.builder)
    try:
        view = await view_live(workspace, clients)
    finally:
        await workspace.registries.close()
    return [hide(line, values) for line in render_plan(view).splitlines()]


def _secret_values(workspace: Workspace) -> Mapping[str, str]:
    names = {n for service in workspace.desired.services.values() for n in secret_names(service.form)}
    return workspace.stock.secret_store.values(names)
