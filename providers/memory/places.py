"""What the engine shows of a container's addresses and of the namespaces that it shares."""

from __future__ import annotations

from providers.memory.container import Container
from reconciler.desired import Json
from specs.privilege import joined_services

_WORDS = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address")


def place_fields(container: Container) -> dict[str, Json]:
    """Addresses as they are now, and ``container:ID`` for a namespace of another container."""
    form = container.form
    if form is None:
        return {}
    found: dict[str, Json] = {}
    endpoints = {endpoint.network: endpoint for endpoint in container.networks.values()}
    for use in form.networks:
        endpoint = endpoints.get(use.object_name)
        shown = endpoint.place.model_dump(mode="json") if endpoint else {}
        for word in _WORDS:
            path = f"networks.{use.name}.{word}"
            if path in form.fields and endpoint is not None:
                found[path] = shown[word]
    for word, name in joined_services(form.spec).items():
        found[word] = f"container:{container.joins.get(name, '')}"
    return found
