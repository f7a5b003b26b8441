"""How connections to one engine are opened; reading, writing, streams and builds all go the same way."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from providers.docker.endpoint import SocketEndpoint
from reconciler.provider import ProviderError

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line(Protocol):
    """The way to one engine, used within one event loop."""

    @property
    def where(self) -> str:
        """What messages call it."""
        ...

    @property
    def reserve(self) -> int:
        """How many connections are worth being opened before they are needed: opening one over a long way
        takes as long as an answer."""
        ...

    @property
    def reads_only(self) -> bool:
        """Whether this way lets nothing but reading through, as far as it was used."""
        ...

    async def dial(self) -> Stream:
        """A new connection to the engine. Raises OSError, ProviderError."""
        ...

    async def address(self) -> tuple[str, ssl.SSLContext | None]:
        """A URL (unix, http or https) under which the engine is found now. Raises ProviderError."""
        ...

    async def reason(self, error: Exception) -> ProviderError | None:
        """What a broken connection means where the line itself knows; None where the engine is meant."""
        ...

    async def turn(self) -> bool:
        """Whether there is another way, now that a connection broke before its answer: dial once more."""
        ...

    async def variables(self, folder: Path) -> Mapping[str, str]:
        """What makes the docker client go the same way; files that it needs are written into ``folder``,
        which is private. Raises ProviderError."""
        ...

    async def close(self) -> None:
        """Give the line up."""
        ...


class SocketLine:
    """A socket on this machine."""

    def __init__(self, endpoint: SocketEndpoint) -> None:
        self._endpoint = endpoint

    @property
    def where(self) -> str:
        return self._endpoint.path

    @property
    def reserve(self) -> int:
        return 0

    @property
    def reads_only(self) -> bool:
        return False

    async def dial(self) -> Stream:
        return await asyncio.open_unix_connection(self._endpoint.path)

    async def address(self) -> tuple[str, ssl.SSLContext | None]:
        return str(self._endpoint), None

    async def reason(self, error: Exception) -> ProviderError | None:
        return None

    async def turn(self) -> bool:
        return False

    async def variables(self, folder: Path) -> Mapping[str, str]:
        return {"DOCKER_HOST": str(self._endpoint)}

    async def close(self) -> None:
        return
