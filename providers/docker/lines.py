"""The line for each kind of endpoint."""

from __future__ import annotations

from typing import assert_never

from providers.docker.endpoint import Endpoint, SocketEndpoint, SshEndpoint, TcpEndpoint
from providers.docker.line import Line, SocketLine


def open_line(endpoint: Endpoint, *, personal: bool = True) -> Line:
    """The way to an engine; nothing is connected before its first use. ``personal``: ssh goes by the person's
    own configuration."""
    match endpoint:
        case SocketEndpoint():
            return SocketLine(endpoint)
        case TcpEndpoint():
            from providers.docker.tls_line import TcpLine

            return TcpLine(endpoint)
        case SshEndpoint():
            from providers.docker.ssh_ahead import take
            from providers.docker.ssh_line import SshLine
            from providers.docker.ssh_rules import SshRules

            child = take(endpoint) if personal else None
            return SshLine(endpoint, SshRules(personal=personal), child)
        case _:
            assert_never(endpoint)
