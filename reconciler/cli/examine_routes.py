"""What ``doctor`` asks about routes: the ports of their proxy, and what their host names lead to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Fields
from reconciler.findings import Finding
from reconciler.observed import Phase
from reconciler.ownership import Role
from reconciler.provider import Question
from reconciler.route_findings import PortUse, judge_authority, judge_host, judge_port
from specs.proxy import EDGE, Proxy

Resolve = Callable[[str], Awaitable[tuple[str, ...] | None]]
_MOST: Final = 20
"""Host names that are asked for."""
_WAIT: Final = 4.0
_KNOCK: Final = 0.5


async def resolve_host(host: str) -> tuple[str, ...] | None:
    """The addresses of a name, as this machine finds them; empty for none, None where nobody answered."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_WAIT):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except TimeoutError:
        return None
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({str(address[0]) for *_, address in found}))


async def examine_routes(
    workspace: Workspace, clients: Clients, resolve: Resolve = resolve_host
) -> Sequence[Finding]:
    """The ports of the host, then the names."""
    proxy = workspace.desired.proxy
    if proxy is None:
        return ()
    settings = proxy.settings
    hosts = sorted({host for it in proxy.routes for host in it.route.all_hosts})
    ports = await _ports(workspace, clients, settings) if hosts else []
    asked = [host for host in hosts if not host.startswith("*.")][:_MOST]
    found = await asyncio.gather(*(resolve(host) for host in asked))
    addresses = dict(zip(asked, found, strict=True))
    names = [judge_host(host, addresses.get(host), settings) for host in hosts]
    return (*map(judge_port, ports), *judge_authority(settings, hosts), *names)


async def _ports(workspace: Workspace, clients: Clients, proxy: Proxy) -> list[PortUse]:
    world = await clients.runtime.observe(Question(workspace.owner))
    edges = [i for i in world.instances if i.service_name == EDGE and i.role is Role.LIVE]
    held = {port for i in edges if i.phase is Phase.RUNNING for port in _published(i.live_fields)}
    wanted = [proxy.http, *([] if proxy.https == "none" else [proxy.https])]
    uses: list[PortUse] = []
    for port in wanted:
        holder, is_ours = world.ports.get(port, ""), port in held
        is_free = not holder and not is_ours and not clients.place.is_remote
        answers = is_free and await _answers(proxy.address or "127.0.0.1", port)
        uses.append(PortUse(port, holder, is_ours, answers))
    return uses


def _published(fields: Fields) -> set[int]:
    """The ports of the host in the fields of an instance: ``ports.[address:]published->target/protocol``."""
    pairs = [path.removeprefix("ports.").partition("->") for path in fields if path.startswith("ports.")]
    ends = [before.rpartition(":")[2] for before, arrow, _ in pairs if arrow]
    return {int(end) for end in ends if end.isdecimal()}


async def _answers(address: str, port: int) -> bool:
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_KNOCK):
            _, writer = await asyncio.open_connection(address, port)
            writer.close()
            return True
    return False
