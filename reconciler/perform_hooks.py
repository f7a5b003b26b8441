"""Hooks as calls: a container of its own that is noted before it starts, and a command before a stop."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from reconciler.actions import Action, RemoveInstance, RetireInstance, RunHook
from reconciler.clients import Clients
from reconciler.dialogue import CommandLine
from reconciler.hook_notes import KIND, begun
from reconciler.observed import Handle, Marker
from reconciler.ownership import Owner
from reconciler.provider import LogLine, ProviderError, Stale
from reconciler.render import format_duration
from reconciler.secret_names import secret_names
from specs.hook import PreStop

_FAILED: Final = "pre_stop failed: "


async def run_hook(owner: Owner, action: RunHook, clients: Clients) -> None:
    """Create, note, start. Killed before the note, nothing ran; after it, the note tells that it may have.
    Raises ProviderError; Stale where another writer was faster: then nothing is started."""
    blueprint, runtime = action.blueprint, clients.runtime
    values = clients.stock.secrets(secret_names(blueprint.form), blueprint.generation.secrets)
    handle = await runtime.create_hook(blueprint, action.words, values)
    value = begun(action.note, handle.id, action.notes)
    if not await runtime.put_marker(owner, Marker(KIND, blueprint.service_name, action.sequence, value)):
        raise Stale("RUN002", blueprint.name, "another writer was faster", "the note that we wrote")
    await runtime.start_hook(owner, handle)


async def leave(owner: Owner, action: Action, clients: Clients, log: LogLine) -> None:
    """What is to run in an instance before the action stops it. Its failure is told and prevents nothing."""
    if not isinstance(action, RetireInstance | RemoveInstance) or action.pre_stop is None:
        return
    problem = await _execute(owner, action.handle, action.pre_stop, clients)
    if problem is not None:
        log(f"{_FAILED}{problem}; it is stopped all the same")


async def _execute(owner: Owner, handle: Handle, hook: PreStop, clients: Clients) -> str | None:
    try:
        async with asyncio.timeout(hook.timeout):
            process = await clients.runtime.execute(owner, handle, CommandLine(hook.command))
            try:
                await process.end_input()
                async for _ in process.output():
                    pass  # it may hold a secret, and says nothing that the exit code does not
                code = await process.exit_code()
            finally:
                await process.close()
    except TimeoutError:
        return f"it did not end within {format_duration(hook.timeout)}"
    except ProviderError as error:
        return error.message
    return f"exit code {code}" if code else None


def remark(log: Sequence[str]) -> str | None:
    """What is to be told of an action that was done all the same."""
    return next((line for line in log if line.startswith(_FAILED)), None)
