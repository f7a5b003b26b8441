"""A connection that is begun while a command still reads its specs.

A login takes as long as the reading does. Only what the person's own environment names is connected to ahead;
a line to the same endpoint then takes the connection over, and one that nobody takes ends with the process.
"""

from __future__ import annotations

from providers.docker.endpoint import SshEndpoint, read_endpoint
from providers.docker.ssh_child import SshChild, make_folder
from providers.docker.ssh_rules import SshRules, start_ssh
from reconciler.fault import ProviderError

_BEGUN: dict[SshEndpoint, SshChild] = {}


def begin(text: str) -> None:
    """Begin, if this is an ssh endpoint; what is wrong with it is told when it is used."""
    try:
        endpoint = read_endpoint(text)
        if isinstance(endpoint, SshEndpoint) and endpoint not in _BEGUN:
            _BEGUN[endpoint] = start_ssh(endpoint, SshRules(), make_folder())
    except (ProviderError, OSError):
        return


def take(endpoint: SshEndpoint) -> SshChild | None:
    """What was begun for this endpoint; from now on it is the caller's."""
    return _BEGUN.pop(endpoint, None)


def end() -> None:
    """End what nobody took."""
    while _BEGUN:
        _BEGUN.popitem()[1].remove()
