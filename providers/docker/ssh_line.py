"""One ssh connection to the machine of an engine, kept for the whole command.

The system's ssh authenticates once and forwards a socket of ours to the engine's: every connection is then a
channel. The other machine needs its ssh server and nothing else: no docker client, no shell.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.docker.endpoint import SshEndpoint
from providers.docker.line import Stream
from providers.docker.ssh_child import SOCKET, SshChild, make_folder, start_child
from providers.docker.ssh_words import meaning
from reconciler.provider import ProviderError

CONNECT = 30.0
"""Seconds within which the connection is there, or is given up."""
_REACH = 10
"""Seconds within which the other machine's ssh answers."""


@dataclass(frozen=True, slots=True)
class SshRules:
    """By whose rules ssh connects. ``personal`` is a person's own configuration, agent and known hosts; else
    only what is named here counts. An unknown host is refused either way: nothing is accepted by itself."""

    personal: bool = True
    identity: Path | None = None
    known_hosts: Path | None = None

    def words(self) -> Iterator[str]:
        """The options of ssh that say so."""
        if not self.personal:
            yield from ("-F", "none", "-o", "IdentityAgent=none", "-o", "GlobalKnownHostsFile=/dev/null")
            yield from ("-o", "IdentitiesOnly=yes")
        if self.identity is not None:
            yield from ("-i", str(self.identity))
        if self.known_hosts is not None:
            yield from ("-o", f'UserKnownHostsFile="{self.known_hosts}"')

    def environment(self) -> dict[str, str]:
        """What ssh, and a proxy command that a person's configuration names, get of our environment."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name == "PATH" or (self.personal and not name.startswith("RECONCILER_"))
        }
        return {**kept, "LC_ALL": "C"}


_FIXED = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "UpdateHostKeys": "no",
    "ConnectTimeout": str(_REACH),
    "ServerAliveInterval": "5",
    "ServerAliveCountMax": "3",
    "ForwardAgent": "no",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
    "ControlMaster": "no",
    "ControlPath": "none",
    "ClearAllForwardings": "no",
    "ExitOnForwardFailure": "no",
    "StreamLocalBindUnlink": "no",
    "StreamLocalBindMask": "0177",
    "IgnoreUnknown": "ForkAfterAuthentication,StdinNull,SessionType",
    "ForkAfterAuthentication": "no",
    "LogLevel": "INFO",
}


class SshLine:
    """A socket of ours that leads to the engine's on the other machine; opened again when it broke."""

    def __init__(self, endpoint: SshEndpoint, rules: SshRules | None = None) -> None:
        self._endpoint = endpoint
        self._rules = rules or SshRules()
        self._child: SshChild | None = None
        self._opening = asyncio.Lock()

    @property
    def where(self) -> str:
        return str(self._endpoint)

    def begin(self) -> SshChild:
        """Start connecting, if nothing is connected; returns at once. Raises ProviderError."""
        folder = self._child.folder if self._child else make_folder()
        if self._child is None or self._child.has_ended():
            if self._child is not None:
                self._child.end()
            self._child = start_child(folder, tuple(self._words(folder)), self._rules.environment())
        return self._child

    async def dial(self) -> Stream:
        return await asyncio.open_unix_connection(await self._open())

    async def address(self) -> tuple[str, ssl.SSLContext | None]:
        return f"unix://{await self._open()}", None

    async def variables(self, folder: Path) -> Mapping[str, str]:
        return {"DOCKER_HOST": f"unix://{await self._open()}"}

    async def reason(self, error: Exception) -> ProviderError | None:
        """What ssh says; it may say it a moment after the connection broke."""
        for _ in range(20):
            child = self._child
            said = child.said() if child else ""
            if child is None or child.has_ended() or "open failed" in said:
                return meaning(self._endpoint, said, ended=child is None or child.has_ended())
            await asyncio.sleep(0.01)
        return None

    async def close(self) -> None:
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

    def _words(self, folder: Path) -> Iterator[str]:
        # Ours first: of each option ssh takes the first value that it finds.
        for name, value in _FIXED.items():
            yield from ("-o", f"{name}={value}")
        yield from self._rules.words()
        yield from ("-N", "-T", "-L", f"{folder / SOCKET}:{self._endpoint.path}")
        if self._endpoint.port:
            yield from ("-p", str(self._endpoint.port))
        if self._endpoint.user:
            yield from ("-l", self._endpoint.user)
        yield from ("--", self._endpoint.host)
