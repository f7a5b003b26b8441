"""An environment's ``allow`` that names exactly what a service asks for."""

from __future__ import annotations

from typing import Any

from specs.allow import EVERY, Allowed, needs
from specs.service import Service


def allow_what_it_asks(service_name: str, service: Service) -> Allowed:
    """The smallest ``allow`` under which the service may run."""
    granted: dict[str, Any] = {}
    for need in needs(service_name, service):
        if need.word in ("host_mounts", "privileged"):
            granted[need.word] = (*granted.get(need.word, ()), need.value)
        else:
            granted.setdefault(need.word, {})[need.value] = (EVERY,)
    return Allowed(**granted)
