"""Asks the checks of a promotion's gates: pages, commands, and what a forge says of the commits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.cli.command_check import check_command
from reconciler.cli.forge_reader import ForgeReader, open_forge_session
from reconciler.cli.forge_statuses import commit_status
from reconciler.cli.gate_subject import CheckedService
from reconciler.cli.http_check import check_http
from reconciler.clients import FindLogin
from reconciler.gates import CheckResult
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from specs.gate_check import Check
from specs.promotion import Gates

if TYPE_CHECKING:
    from aiohttp import ClientSession

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class CheckTools:
    """What checks are asked with: the engine of the target, whose it is, and the forge; None where nothing
    names one, or a token for it."""

    owner: Owner
    runtime: Runtime
    login: FindLogin
    reader: ForgeReader | None = None


async def ask_checks(
    gates: Gates, services: Sequence[CheckedService], tools: CheckTools
) -> tuple[CheckResult, ...]:
    """The result of every check, for each service that it is about. Never raises ProviderError."""
    if not gates.checks:
        return ()
    bound = asyncio.Semaphore(_AT_ONCE)

    async def bounded(asking: Awaitable[CheckResult]) -> CheckResult:
        async with bound:
            return await asking

    async with open_forge_session() as session:
        asked = [it for check in gates.checks for it in _askings(check, services, tools, session)]
        return tuple(await asyncio.gather(*(bounded(asking) for asking in asked)))


def _askings(
    check: Check, services: Sequence[CheckedService], tools: CheckTools, session: ClientSession
) -> Iterable[Awaitable[CheckResult]]:
    if check.http is not None:
        yield _page(check, session)
        return
    chosen = [service for service in services if check.service in (None, service.service_name)]
    if check.command is not None:
        for service in chosen:
            yield _command(check, service, tools)
        return
    for commit in sorted({service.commit for service in services}):
        yield _status(check, commit, services, tools, session)


async def _page(check: Check, session: ClientSession) -> CheckResult:
    passed, seen = await check_http(session, check)
    return CheckResult(check.name, None, passed, seen)


async def _command(check: Check, service: CheckedService, tools: CheckTools) -> CheckResult:
    passed, seen = await check_command(tools.runtime, tools.login, tools.owner, check, service)
    return CheckResult(check.name, service.service_name, passed, seen)


async def _status(
    check: Check,
    commit: str,
    services: Sequence[CheckedService],
    tools: CheckTools,
    session: ClientSession,
) -> CheckResult:
    """One for all services of a commit."""
    names = [service.service_name for service in services if service.commit == commit]
    about = None if len(names) == len(services) else ", ".join(sorted(names))
    if tools.reader is None:
        seen = "there is no token with which the forge could be asked"
        return CheckResult(check.name, about, None, seen)
    passed, seen = await commit_status(tools.reader, session, commit, check.commit_status or "")
    return CheckResult(check.name, about, passed, seen)
