"""The networks and volumes that a service names."""

from __future__ import annotations

from collections.abc import Iterable

from specs.service import Service


def networks_of(service: Service) -> Iterable[str]:
    """Those that it joins; without a word the environment's default one."""
    if service.network_mode is not None:
        return ()
    return service.networks or ("default",)


def volumes_of(service: Service) -> list[str]:
    """The data volumes that it mounts."""
    return [mount.source for mount in service.volumes.values() if mount.type == "volume" and mount.source]
