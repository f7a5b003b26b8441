"""The words with which ssh is started, and by whose rules it connects."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from providers.docker.endpoint import SshEndpoint
from providers.docker.ssh_child import SOCKET, SshChild, start_child

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


def start_ssh(endpoint: SshEndpoint, rules: SshRules, folder: Path) -> SshChild:
    """Start ssh with a socket in ``folder`` that leads to the engine's. Raises Refused without an ssh."""
    return start_child(folder, tuple(_words(endpoint, rules, folder)), rules.environment())


def session_words(endpoint: SshEndpoint, rules: SshRules, command: str) -> tuple[str, ...]:
    """The words after ssh that run a command there, with its two streams as ours."""
    return (*_options(rules), "-T", *_place(endpoint), command)


def _words(endpoint: SshEndpoint, rules: SshRules, folder: Path) -> Iterator[str]:
    yield from _options(rules)
    yield from ("-N", "-T", "-L", f"{folder / SOCKET}:{endpoint.path}")
    yield from _place(endpoint)


def _options(rules: SshRules) -> Iterator[str]:
    # Ours first: of each option ssh takes the first value that it finds.
    for name, value in _FIXED.items():
        yield from ("-o", f"{name}={value}")
    yield from rules.words()


def _place(endpoint: SshEndpoint) -> Iterator[str]:
    if endpoint.port:
        yield from ("-p", str(endpoint.port))
    if endpoint.user:
        yield from ("-l", endpoint.user)
    yield from ("--", endpoint.host)
