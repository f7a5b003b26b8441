"""Where a proxy stands: its folder, its ports and its doors. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from specs.proxy import PLACE

DEFAULT_HTTP = 80
DEFAULT_HTTPS = 443
PROBE_HEADER = "X-Reconciler-Probe"
"""Names the address that a request to the door is passed on to."""


@dataclass(frozen=True, slots=True)
class Place:
    """What of a proxy's configuration follows from its container; the defaults are those of ours."""

    folder: str = PLACE
    """The shared volume, as the proxy sees it."""
    http: int = DEFAULT_HTTP
    https: int = DEFAULT_HTTPS
    address: str = ""
    """The address that it listens on; empty is all."""
    door: str = "127.0.0.1:2019"
    """Where commands in the container ask: configuration, counts, probes. Reading alone."""
    patience: str = "5s"
    """How long another instance is looked for when one cannot be dialled."""
    resolver: str = ""
    """The name server that knows the instances; empty is the container's own."""

    @property
    def admin(self) -> str:
        """The admin socket, as a configuration has it."""
        return f"{self.folder}/{{env.HOSTNAME}}.sock"

    @property
    def probe(self) -> str:
        """The socket of the door, as a configuration has it."""
        return f"{self.folder}/{{env.HOSTNAME}}-door.sock"


def admin_name(short_id: str) -> str:
    """The file of a container's admin socket."""
    return f"{short_id}.sock"


def door_name(short_id: str) -> str:
    """The file of the socket of a container's door."""
    return f"{short_id}-door.sock"
