"""Compose's short and long ports -> maps keyed ``address:published:target/protocol``, ranges written out."""

from __future__ import annotations

import re

from reconciler.compose.tree import ComposeError, Tree, mapping, text_of

_SHORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:.]+\]|[0-9]+(?:\.[0-9]+){3}|(?=:)):)?(?:(?P<published>[0-9]*(?:-[0-9]+)?):)?"
    r"(?P<target>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[a-z]+))?"
)
_MAX_RANGE = 1000


def read_ports(value: object, where: str) -> Tree:
    """Ports by their key. Raises ComposeError for what is no port."""
    found: Tree = {}
    for item in value if isinstance(value, list) else []:
        ports = [_long(item)] if isinstance(item, dict) else _short(text_of(item), where)
        for port in ports:
            found[port_key(port)] = port
    return found


def port_key(port: Tree) -> str:
    """Two ports of one key are the same port."""
    return f"{port.get('host_ip', '')}:{port.get('published', '')}:{port['target']}/{port['protocol']}"


def _long(item: object) -> Tree:
    words = mapping(item)
    port: Tree = {"target": _number(words.get("target")), "protocol": text_of(words.get("protocol") or "tcp")}
    for word in ("published", "host_ip", "mode", "name", "app_protocol"):
        if words.get(word) not in (None, ""):
            port[word] = text_of(words[word])
    return port


def _number(value: object) -> int:
    text = text_of(value)
    return int(text) if text.isdecimal() else 0


def _short(text: str, where: str) -> list[Tree]:
    match = _SHORT.fullmatch(text.strip()) if len(text) <= 100 else None
    if not match:
        raise ComposeError(f"{where}: a port that cannot be read")
    targets, published = _range(match["target"]), _range(match["published"] or "")
    if published and len(targets) > 1 and len(published) != len(targets):
        raise ComposeError(f"{where}: two ranges of ports that differ in length")
    found: list[Tree] = []
    for index, target in enumerate(targets):
        port: Tree = {"target": target, "protocol": match["protocol"] or "tcp", "mode": "ingress"}
        if len(published) > 1 and len(targets) == 1:
            port["published"] = f"{published[0]}-{published[-1]}"
        elif published:
            port["published"] = str(published[index])
        if match["ip"]:
            port["host_ip"] = match["ip"].strip("[]")
        found.append(port)
    return found


def _range(text: str) -> list[int]:
    if not text:
        return []
    low, _, high = text.partition("-")
    first, last = int(low or 0), int(high or low or 0)
    return list(range(first, min(last, first + _MAX_RANGE) + 1))
