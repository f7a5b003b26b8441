"""Verb ``doctor``: reaches everything that a pass needs, and says what to do. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NoReturn, cast

from reconciler.cli.envelope import Report, Stop
from reconciler.cli.examine import (
    examine_builder,
    examine_git,
    examine_lock,
    examine_reference,
    examine_registry,
    examine_runtime,
    examine_secrets,
    outside_references,
)
from reconciler.cli.examine_routes import examine_routes
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.reach import Reach
from reconciler.cli.session import open_buildx, open_docker, stdout_style
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.clients import Clients
from reconciler.findings import Finding, findings_json, found_fault, has_problem, render_findings
from reconciler.provider import Builder, Insides, Login, ProviderError, Runtime

_DEADLINE = 12.0
"""Seconds within which each part must have answered; they are asked at the same time."""
_PARALLEL = 8
_INSIDES = frozenset(name for name in vars(Insides) if not name.startswith("_"))

Ask = Callable[[Workspace, Clients], Awaitable[Sequence[Finding]]]


def run(options: Options) -> Report:
    """Examine every part. Specs that cannot be read end it: they say what to reach."""
    try:
        return asyncio.run(_examine(open_workspace(options)))
    except Stop as stop:
        findings = [
            Finding("specs", "", "problem", "they cannot be used: nothing else was asked", "see above")
        ]
        text, members = render_findings(findings, stdout_style(options)), findings_json(findings)
        return Report(ERROR, text, members, owner=stop.owner, commit=stop.commit, problems=stop.problems)


async def _examine(workspace: Workspace) -> Report:
    clients = workspace.clients(_open_runtime, _open_builder)
    try:
        return await report_doctor(workspace, clients)
    finally:
        await workspace.registries.close()
        await clients.runtime.close()


class _Unopened:
    """Stands for what cannot be opened, so that the other parts are asked all the same: every use of it
    raises the error."""

    def __init__(self, error: ProviderError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> NoReturn:
        if name in _INSIDES:
            raise AttributeError(name)  # whether it can be reached into is asked of every runtime
        raise self._error

    async def close(self) -> None:
        """Nothing to close."""


def _open_runtime(reach: Reach) -> Runtime:
    try:
        return open_docker(reach)
    except ProviderError as error:
        return cast("Runtime", _Unopened(error))  # it has every method, and each raises


def _open_builder(reach: Reach, logins: Mapping[str, Login]) -> Builder:
    try:
        return open_buildx(reach, logins)
    except ProviderError as error:
        return cast("Builder", _Unopened(error))  # it has every method, and each raises


async def report_doctor(workspace: Workspace, clients: Clients) -> Report:
    """One line a part. A part that does not answer stops no other; exit 1 when one has a problem."""
    limit = asyncio.Semaphore(_PARALLEL)
    asked = [_ask(part, name, ask, workspace, clients, limit) for part, name, ask in parts(workspace)]
    findings = [finding for found in await asyncio.gather(*asked) for finding in found]
    return Report(
        ERROR if has_problem(findings) else DONE,
        render_findings(findings, stdout_style(workspace.options)),
        findings_json(findings),
        owner=workspace.owner,
        commit=workspace.desired.commit,
        mode=workspace.source.mode,
        problems=workspace.problems,
    )


def parts(workspace: Workspace) -> list[tuple[str, str, Ask]]:
    """What is examined, in the order of the lines: the part, its name, and how it is asked."""
    found: list[tuple[str, str, Ask]] = [("engine", "", examine_runtime), ("builder", "", examine_builder)]
    for name in sorted(workspace.effective.registries):
        found.append(("registry", name, partial(examine_registry, name=name)))
    for ref in outside_references(workspace):
        found.append(("image", str(ref), partial(examine_reference, ref=ref)))
    if workspace.desired.proxy is not None:
        found.append(("route", "", examine_routes))
    return [
        *found,
        ("git", "", examine_git),
        ("secret", "", examine_secrets),
        ("lock", "", examine_lock),
    ]


async def _ask(
    part: str, name: str, ask: Ask, workspace: Workspace, clients: Clients, limit: asyncio.Semaphore
) -> Sequence[Finding]:
    """What a part gives. A clone whose remote does not answer can still be applied from: a warning."""
    async with limit:
        try:
            async with asyncio.timeout(_DEADLINE):
                return await ask(workspace, clients)
        except TimeoutError:
            return (Finding(part, name, "problem", f"no answer within {_DEADLINE:g} s", "see that it runs"),)
        except ProviderError as error:
            return (found_fault(part, name, error, "warning" if part == "git" else "problem"),)
