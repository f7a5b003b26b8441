"""Reads the volumes of files through instances that mount them, and compares them with the commit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from reconciler.cli.workspace import Workspace
from reconciler.clients import ReadClients
from reconciler.contents import Damage, differences
from reconciler.desired import Desired, FilesUse
from reconciler.observed import Handle, Observed, Unreadable
from reconciler.provider import ProviderError
from reconciler.view import group

_PARALLEL = 8


async def find_damage(
    workspace: Workspace, clients: ReadClients, desired: Desired, observed: Observed
) -> tuple[list[Damage], list[Unreadable]]:
    """Every Config of every service, read once through one instance; what could not be read comes apart."""
    limit = asyncio.Semaphore(_PARALLEL)
    known = workspace.stock.configs.lines
    unread: list[Unreadable] = []

    async def one(service_name: str, use: FilesUse, handle: Handle) -> Damage | None:
        async with limit:
            try:
                found = await clients.runtime.contents(handle, use.target)
            except ProviderError as error:
                unread.append(Unreadable(f"files:{service_name}", str(error), observed.at))
                return None
        words = differences(known[use.digest], found, use.file is not None)
        return Damage(service_name, use.target, use.volume, words) if words else None

    asked = [one(name, use, handle) for name, use, handle in _uses(desired, observed) if use.digest in known]
    damages = await asyncio.gather(*asked)
    return [damage for damage in damages if damage is not None], unread


def _uses(desired: Desired, observed: Observed) -> Iterator[tuple[str, FilesUse, Handle]]:
    """Each use of files, with an instance that mounts the volume which this commit wants."""
    views = group(observed)
    for name, service in sorted(desired.services.items()):
        for use in service.form.files:
            mounting = [i for i in views.of(name).live if use.volume in i.volumes]
            if mounting:
                yield name, use, mounting[0].handle


def remedy(damage: Damage, observed: Observed) -> str:
    """What to type: no container sees a changed volume come right, so it is made anew with its consumers."""
    users = [i.name for i in observed.instances if damage.volume in i.volumes]
    return f"docker rm --force {' '.join(users)} && docker volume rm {damage.volume}"
