"""What ssh says when it does not connect, as errors. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from providers.docker.endpoint import SshEndpoint
from reconciler.fault import ProviderError, Refused

_CHANGED = re.compile(r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key .{0,80} has changed|REVOKED", re.I)
_UNKNOWN = re.compile(r"Host key verification failed|host key is known for", re.I)
_KEY = re.compile(r"Permission denied|Too many authentication failures|No supported authentication", re.I)
_CLOSED = re.compile(r"open failed: administratively prohibited|forwarding (?:is )?disabled", re.I)
_SOCKET = re.compile(r"open failed", re.I)
_NOISE = re.compile(r"^(?:Killed by signal|Connection to \S+ closed|Warning: |@|debug)")


def meaning(endpoint: SshEndpoint, said: str, ended: bool) -> ProviderError:
    """The error for what ssh printed. ``ended`` says that the connection is no more."""
    for pattern, error in _MEANINGS:
        if pattern.search(said):
            return error(endpoint)
    words = last_words(said) or "ssh ended without a word"
    return ProviderError(
        "DKR053",
        str(endpoint),
        f"the connection broke: {words}" if ended else words,
        f"an ssh connection to {endpoint.host}",
        f"try `{command(endpoint)}`; it is tried again",
    )


def last_words(said: str) -> str:
    """The last line that tells something, without what a terminal would obey, and cut."""
    lines = ["".join(c if c.isprintable() else " " for c in line).strip() for line in said.splitlines()]
    telling = [line for line in lines if line and not _NOISE.match(line)]
    return telling[-1][:300] if telling else ""


def command(endpoint: SshEndpoint) -> str:
    """What a person types to see the same by hand."""
    port = f"-p {endpoint.port} " if endpoint.port else ""
    return f"ssh {port}{endpoint.user + '@' if endpoint.user else ''}{endpoint.host}"


def _changed(endpoint: SshEndpoint) -> ProviderError:
    return Refused(
        "DKR051",
        str(endpoint),
        "the host shows another key than the one that is known: it was replaced, or somebody is in between",
        "the host key that known_hosts names",
        f"ask who runs {endpoint.host}; only then `ssh-keygen -R` the old key and accept the new one",
    )


def _unknown(endpoint: SshEndpoint) -> ProviderError:
    return Refused(
        "DKR051",
        str(endpoint),
        "the host's key is not known here",
        "a host key in known_hosts; none is accepted by itself",
        f"connect once by hand with `{command(endpoint)}`, and compare the fingerprint that it shows",
    )


def _refused_key(endpoint: SshEndpoint) -> ProviderError:
    return Refused(
        "DKR052",
        str(endpoint),
        "the host refuses every key that ssh offers",
        "a key that it accepts without a question: in the agent, or without a passphrase",
        f"`{command(endpoint)}` must work without asking anything",
    )


def _forbidden(endpoint: SshEndpoint) -> ProviderError:
    return Refused(
        "DKR054",
        str(endpoint),
        "the host's ssh server does not forward to sockets",
        "AllowStreamLocalForwarding yes (the default) for this user, and no restrict before the key",
        "change sshd_config or authorized_keys there",
    )


def _no_socket(endpoint: SshEndpoint) -> ProviderError:
    return ProviderError(
        "DKR054",
        str(endpoint),
        f"{endpoint.path} on the host cannot be opened: it is not there, this user may not, or the ssh "
        "server forwards to no sockets",
        "a running engine whose socket this user may open",
        f"`{command(endpoint)} ls -l {endpoint.path}`; start the engine, add the user to the group that owns "
        "the socket, or write the socket's path behind the host",
    )


_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[SshEndpoint], ProviderError]], ...] = (
    (_CHANGED, _changed),
    (_UNKNOWN, _unknown),
    (_KEY, _refused_key),
    (_CLOSED, _forbidden),
    (_SOCKET, _no_socket),
)
