"""One ssh connection to the machine of an engine, kept for the whole command.

The system's ssh authenticates once and forwards a socket of ours to the engine's: every connection is then a
channel. The other machine needs its ssh server and nothing else: no docker client, no shell. Where it does
not forward, as for a key that may only run ``reconciler readonly``, reading goes through a session of that.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from pathlib import Path

from providers.docker.endpoint import SshEndpoint
from providers.docker.faults import read_only
from providers.docker.line import Stream
from providers.docker.ssh_child import SshChild, make_folder
from providers.docker.ssh_rules import SshRules, start_ssh
from providers.docker.ssh_session import SshSession
from providers.docker.ssh_words import meaning
from reconciler.fault import ProviderError

CONNECT = 30.0
"""Seconds within which the connection is there, or is given up."""


class SshLine:
    """A socket of ours that leads to the engine's on the other machine; opened again when it broke."""

    def __init__(
        self, endpoint: SshEndpoint, rules: SshRules | None = None, child: SshChild | None = None
    ) -> None:
        self._endpoint = endpoint
        self._rules = rules or SshRules()
        self._child = child
        self._opening = asyncio.Lock()
        self._session: SshSession | None = None

    @property
    def where(self) -> str:
        return str(self._endpoint)

    @property
    def reserve(self) -> int:
        return 48

    @property
    def reads_only(self) -> bool:
        return self._session is not None

    def begin(self) -> SshChild:
        """Start connecting, if nothing is connected; returns at once. Raises ProviderError."""
        folder = self._child.folder if self._child else make_folder()
        if self._child is None or self._child.has_ended():
            if self._child is not None:
                self._child.end()
            self._child = start_ssh(self._endpoint, self._rules, folder)
        return self._child

    async def dial(self) -> Stream:
        if self._session is not None:
            return await (await self._living(self._session)).dial()
        return await asyncio.open_unix_connection(await self._open())

    async def address(self) -> tuple[str, ssl.SSLContext | None]:
        if self._session is not None:
            raise read_only(self.where)
        return f"unix://{await self._open()}", None

    async def variables(self, folder: Path) -> Mapping[str, str]:
        if self._session is not None:
            raise read_only(self.where)
        return {"DOCKER_HOST": f"unix://{await self._open()}"}

    async def reason(self, error: Exception) -> ProviderError | None:
        """What ssh says; it may say it a moment after the connection broke. A session that never answered is
        none that the key allows: then the reason is that nothing is forwarded."""
        if self._session is not None and self._session.has_answered:
            return meaning(self._endpoint, self._session.said(), ended=True)
        for _ in range(20):
            child = self._child
            said = child.said() if child else ""
            if child is None or child.has_ended() or "open failed" in said:
                return meaning(self._endpoint, said, ended=child is None or child.has_ended())
            await asyncio.sleep(0.01)
        # Our own socket broke, and another call has connected again meanwhile.
        return meaning(self._endpoint, "", ended=True) if isinstance(error, OSError) else None

    async def turn(self) -> bool:
        """Once: where the other machine opens no channel to the socket, ask for a session that reads."""
        async with self._opening:
            child = self._child
            if self._session is not None:
                return not self._session.has_ended()
            if child is None or not await _is_closed(child):
                return False
            await asyncio.to_thread(child.end)
            self._session = await SshSession.open(self._endpoint, self._rules, child.folder)
            return True

    async def _living(self, session: SshSession) -> SshSession:
        """The session, begun again when it broke."""
        async with self._opening:
            if session is self._session and session.has_answered and session.has_ended() and self._child:
                await session.close()
                self._session = await SshSession.open(self._endpoint, self._rules, self._child.folder)
            return self._session or session

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if self._child is not None:
            child, self._child = self._child, None
            await asyncio.to_thread(child.remove)

    async def _open(self) -> str:
        """The path of the socket, when it is there. Raises ProviderError."""
        async with self._opening:
            child = self.begin()
            pause, waited = 0.002, 0.0
            while not child.socket.exists():
                if child.has_ended():
                    raise meaning(self._endpoint, child.said(), ended=True)
                if waited > CONNECT:
                    raise meaning(self._endpoint, f"no connection within {CONNECT:g} s", ended=False)
                await asyncio.sleep(pause)
                waited += pause
                pause = min(pause * 1.2, 0.02)
            return str(child.socket)


async def _is_closed(child: SshChild) -> bool:
    """Whether ssh is there and says that a channel was refused; it may say so a moment later."""
    for _ in range(20):
        if child.has_ended():
            return False
        if "open failed" in child.said():
            return True
        await asyncio.sleep(0.01)
    return False
