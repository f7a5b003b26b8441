"""Compose's short and long port forms -> a map keyed ``[address:]published->target/protocol``."""

from __future__ import annotations

import ipaddress
import re

from specs.node import Entry, Map, Node, Scalar, Sequence, is_null
from specs.problem import Place, Report
from specs.scalar import quoted, read_text, seen_as
from specs.suggest import did_you_mean, shown

_SHORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<published>[0-9]+(?:-[0-9]+)?):)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>tcp|udp|sctp))?"
)
_MAX_RANGE = 100
_EXPECTED = "a port such as 8080:80, 127.0.0.1:8080:80/udp or 8000-8002:8000-8002"
_LONG = ("target", "published", "host_ip", "protocol")


def port_key(target: int, published: int | None, host_ip: str | None, protocol: str) -> str:
    """The key of a port in the normal form, for example ``127.0.0.1:8080->80/tcp`` or ``80/tcp``."""
    if published is None:
        return f"{target}/{protocol}"
    return f"{host_ip + ':' if host_ip else ''}{published}->{target}/{protocol}"


def normalise_ports(node: Node, report: Report) -> Node:
    """A list of ports -> the normal form; a map passes."""
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        for key, port in _read(item, report):
            if key in entries:
                first = entries[key].key_place.line
                report.add(
                    "SPEC020", item.place, f"port {key} is there twice", remedy=f"first at line {first}"
                )
            else:
                entries[key] = Entry(item.place, port)
    return Map(entries, node.place)


def _read(item: Node, report: Report) -> list[tuple[str, Map]]:
    if isinstance(item, Map):
        port = _read_long(item, report)
        return [port] if port else []
    text = read_text(item, report, _EXPECTED)
    if text is None or not isinstance(item, Scalar):
        return []
    match = _SHORT.fullmatch(text) if len(text) <= 100 else None
    targets = _numbers(match["target"]) if match else ()
    published = _numbers(match["published"]) if match and match["published"] else ()
    ip = match["ip"].strip("[]") if match and match["ip"] else None
    fits = targets and (not published or len(published) == len(targets))
    if not match or not fits or (ip and (not published or not is_address(ip))):
        report.add("SPEC018", item.place, "a port that cannot be read", expected=_EXPECTED)
        return []
    protocol = match["protocol"] or "tcp"
    return [
        _port(item, target, published[index] if published else None, ip, protocol)
        for index, target in enumerate(targets)
    ]


def is_address(text: str) -> bool:
    """Whether the text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    """``8000-8002`` -> its numbers; nothing when it is no small range of ports."""
    low, dash, high = text.partition("-")
    if len(low) > 5 or len(high) > 5:
        return ()
    first, last = int(low), int(high or low)
    in_order = 1 <= first <= last <= 65535 and last - first < _MAX_RANGE and (not dash or first < last)
    return tuple(range(first, last + 1)) if in_order else ()


def _port(like: Scalar, target: int, published: int | None, ip: str | None, protocol: str) -> tuple[str, Map]:
    place = like.place
    entries = {"target": Entry(place, Scalar(str(target), place, True))}
    if published is not None:
        entries["published"] = Entry(place, Scalar(str(published), place, True))
    if ip:
        entries["host_ip"] = Entry(place, quoted(ip, like))
    entries["protocol"] = Entry(place, quoted(protocol, like))
    return port_key(target, published, ip, protocol), Map(entries, place)


def _read_long(item: Map, report: Report) -> tuple[str, Map] | None:
    """The long form: numbers may be quoted, as Compose asks for ``published``."""
    entries: dict[str, Entry] = {}
    for name, (place, node) in item.entries.items():
        if name not in _LONG:
            _report_unknown(name, place, report)
        elif (
            name in ("target", "published")
            and isinstance(node, Scalar)
            and re.fullmatch("[1-9][0-9]{0,4}", node.text)
        ):
            entries[name] = Entry(place, Scalar(node.text, node.place, True))
        elif name in ("target", "published"):
            report.add("SPEC014", node.place, f"{name}: {seen_as(node)}", expected="one port number")
            return None
        else:
            entries[name] = Entry(place, node)
    if "target" not in entries:
        report.add("SPEC013", item.place, '"target" is missing', expected="the port in the container")
        return None
    port = Map(entries, item.place)
    return key_of(port), port


def key_of(port: Map) -> str:
    """The key that a port of the normal form has."""
    target, published = _text(port, "target"), _text(port, "published")
    return port_key(
        int(target) if target and target.isdecimal() else 0,
        int(published) if published and published.isdecimal() else None,
        _text(port, "host_ip"),
        _text(port, "protocol") or "tcp",
    )


def _text(port: Map, name: str) -> str | None:
    node = port.get(name)
    return node.text if isinstance(node, Scalar) and not is_null(node) else None


def _report_unknown(name: str, place: Place, report: Report) -> None:
    if name in ("mode", "name", "app_protocol"):
        report.add(
            "SPEC017",
            place,
            f"field {shown(name)} of a port is not supported by this version",
            remedy="remove it",
        )
    else:
        report.add("SPEC012", place, f"unknown field {shown(name)}", remedy=did_you_mean(name, _LONG))
