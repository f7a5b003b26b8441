"""A container's place in a network, both ways: names and addresses. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from providers.docker.tree import Node, branch, text, texts
from reconciler.desired import Fields, Json, NetworkUse
from reconciler.ownership import Owner
from specs.privilege import Attachment

NOWHERE = Attachment()


def endpoint_payload(aliases: tuple[str, ...], place: Attachment = NOWHERE) -> dict[str, Json]:
    """An endpoint's settings: the names under which it is reached, and its own addresses."""
    body: dict[str, Json] = {"Aliases": list(aliases)}
    addresses: dict[str, Json] = {}
    if place.ipv4_address is not None:
        addresses["IPv4Address"] = place.ipv4_address
    if place.ipv6_address is not None:
        addresses["IPv6Address"] = place.ipv6_address
    if place.link_local_ips:
        addresses["LinkLocalIPs"] = list(place.link_local_ips)
    if addresses:
        body["IPAMConfig"] = addresses
    if place.mac_address is not None:
        body["MacAddress"] = place.mac_address
    return body


def use_payload(use: NetworkUse) -> dict[str, Json]:
    """The endpoint of one network that a service joins."""
    return endpoint_payload(use.aliases, use.place)


def place_of(endpoint: Json) -> Attachment:
    """The addresses that an inspected endpoint was given, to give them again."""
    addresses = branch(branch({"": endpoint}, ""), "IPAMConfig")
    return Attachment(
        ipv4_address=text(addresses, "IPv4Address") or None,
        ipv6_address=text(addresses, "IPv6Address") or None,
        link_local_ips=tuple(texts(addresses, "LinkLocalIPs")),
    )


def live_places(owner: Owner, container: Node, applied: Fields) -> dict[str, Json]:
    """The addresses that were applied, as they are now. One whose network the container has left is not in
    the answer: that difference is told of the network."""
    endpoints = branch(container, "NetworkSettings", "Networks")
    found: dict[str, Json] = {}
    for path, value in applied.items():
        name, _, word = path.removeprefix("networks.").rpartition(".")
        if not path.startswith("networks.") or not name:
            continue
        seen = [_address(endpoints[key], word) for key in _candidates(owner, name, endpoints)]
        known = [address for address in seen if address != ""]
        if known:
            found[path] = value if value in known else known[0]
    return found


def _candidates(owner: Owner, name: str, endpoints: Mapping[str, Json]) -> list[str]:
    """The endpoint of a network of ours; else all of external ones, whose object name is not in a label."""
    own = f"{owner.prefix}{name}_"
    ours = [key for key in endpoints if key.startswith(own) and "_" not in key.removeprefix(own)]
    return ours or [key for key in endpoints if not key.startswith(owner.prefix)]


def _address(endpoint: Json, word: str) -> Json:
    """None where there is none; an empty text where it cannot be seen: a stopped container shows no MAC."""
    node = branch({"": endpoint}, "")
    addresses = branch(node, "IPAMConfig")
    match word:
        case "ipv4_address":
            return text(addresses, "IPv4Address") or None
        case "ipv6_address":
            return text(addresses, "IPv6Address") or None
        case "link_local_ips":
            return list[Json](texts(addresses, "LinkLocalIPs")) or None
        case "mac_address":
            return text(node, "MacAddress")
        case _:
            return ""
