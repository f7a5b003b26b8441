"""What is in flight, from Caddy's counts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from reconciler.desired import Json
from reconciler.traffic import Flow

_ADDRESS = re.compile(r"([0-9a-f]{12})(\.?):[0-9]{1,5}")


def flows_of(counts: Json) -> dict[str, Flow] | None:
    """Short id of an instance -> what is in flight to it; a dot behind the id marks streams. None for what
    are no counts."""
    if not isinstance(counts, list):
        return None
    found: dict[str, Flow] = {}
    for row in counts:
        address, number = (row.get("address"), row.get("num_requests")) if isinstance(row, dict) else ("", 0)
        if not isinstance(address, str) or not isinstance(number, int):
            return None
        match = _ADDRESS.fullmatch(address)
        if match and number > 0:
            add = Flow(streams=number) if match[2] else Flow(requests=number)
            found[match[1]] = _plus(found.get(match[1], Flow()), add)
    return found


def sum_of(flows: Iterable[Mapping[str, Flow] | None]) -> dict[str, Flow]:
    """What is in flight through all proxies together."""
    found: dict[str, Flow] = {}
    for some in flows:
        for short_id, flow in (some or {}).items():
            found[short_id] = _plus(found.get(short_id, Flow()), flow)
    return found


def _plus(one: Flow, other: Flow) -> Flow:
    return Flow(one.requests + other.requests, one.streams + other.streams)
