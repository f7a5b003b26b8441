"""The order of a rollout: what is written, or what is safe (design, section 7)."""

from __future__ import annotations

from typing import Literal

from specs.service import Mount, Service

Order = Literal["start-first", "stop-first"]


def publishes(service: Service) -> bool:
    """Whether it takes a fixed port of the host."""
    return any(port.published is not None for port in service.ports.values())


def is_writable(mount: Mount) -> bool:
    """Whether two instances at once would be two writers of one place."""
    return mount.type in ("volume", "bind") and not mount.read_only


def order_of(service: Service) -> Order:
    """Start-first; stop-first with a published port, the host's network, a static address, a writable
    volume or host mount, or strategy recreate."""
    if service.rollout.order:
        return service.rollout.order
    if service.rollout.strategy == "recreate":
        return "stop-first"
    writes = any(is_writable(mount) for mount in service.volumes.values())
    alone = service.network_mode == "host" or any(it.is_static for it in service.networks.values())
    return "stop-first" if publishes(service) or writes or alone else "start-first"


def max_unavailable_of(service: Service) -> int:
    """How many instances may be missing during a rollout: none for start-first, one for stop-first, all for
    recreate."""
    if service.rollout.max_unavailable is not None:
        return service.rollout.max_unavailable
    if service.rollout.strategy == "recreate":
        return service.deploy.replicas
    return 0 if order_of(service) == "start-first" else 1
