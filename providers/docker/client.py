"""aiodocker's client for an engine. It is imported with the first write, because that takes its time."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiodocker import Docker


def open_client(address: str, context: ssl.SSLContext | None, version: str) -> Docker:
    """A client for an address (unix, http or https). The connector is ours: the library's own would look
    into the environment for other certificates."""
    from aiodocker import Docker
    from aiohttp import TCPConnector, UnixConnector

    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        return Docker(url="unix://localhost", connector=UnixConnector(path), api_version=f"v{version}")
    connector = TCPConnector(ssl=context if context is not None else True)
    return Docker(url=address, connector=connector, api_version=f"v{version}")


async def close_client(client: Docker) -> None:
    """Close its connections, which it leaves to the connector's owner."""
    await client.close()
    if client.connector is not None:
        await client.connector.close()
