"""Which requests to an engine only read, for ``reconciler readonly``: a closed list; nothing else passes.

What is let through is written anew from what was understood, so that no two readers of one request can
understand it differently: no byte of the asker's reaches the engine. The standard library alone: it starts
with every connection. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

MAX_HEAD: Final = 16 << 10
"""Bytes of a request's head; a longer one is refused."""
LONGEST: Final = 31 * 86_400.0
"""Seconds that a look at events may span."""

_LINE: Final = re.compile(rb"(GET|HEAD) (/[A-Za-z0-9._/:@-]*)(?:\?([A-Za-z0-9._~%+=&:,-]*))? HTTP/1\.1")
_HEADER: Final = re.compile(rb"([A-Za-z0-9-]{1,64}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
_HARMLESS: Final = {"host", "user-agent", "accept", "accept-encoding", "connection", "traceparent"}
"""Headers that change nothing; every other one is refused, since some announce a body or another protocol."""
_VERSION: Final = re.compile(r"/v1\.[0-9]{1,3}(?=/)")
_ID: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}"
_IMAGE: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_:@-]|\.(?!\.)|/(?![/.])){0,511}"
_PATHS: Final = (
    (re.compile(r"/_ping"), ()),
    (re.compile(r"/version"), ()),
    (re.compile(r"/info"), ()),
    (re.compile(r"/containers/json"), ("all", "filters")),
    (re.compile(rf"/containers/{_ID}/json"), ()),
    (re.compile(r"/images/json"), ("all", "filters")),
    (re.compile(rf"/images/{_IMAGE}/json"), ()),
    (re.compile(r"/networks"), ("filters",)),
    (re.compile(rf"/networks/{_ID}"), ()),
    (re.compile(r"/volumes"), ("filters",)),
    (re.compile(rf"/volumes/{_ID}"), ()),
    (re.compile(r"/events"), ("since", "until", "filters")),
)
"""Every path that is let through, with the names that its query may have."""
_MOMENT: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Passed:
    """A request that only reads, as it is sent to the engine."""

    method: str
    target: str
    holds: Literal["one container", "events", "other"] = "other"
    """What its answer is: what may hold secrets is looked through."""


class NotLetThrough(Exception):
    """The request is refused; the message says why, in words that hold nothing of it but a plain path."""


def judge(head: bytes, now: float) -> Passed:
    """The request that a head is, without the empty line that ends it. ``now`` in seconds since 1970, as the
    engine's clock has it. Raises NotLetThrough."""
    first, *lines = head.split(b"\r\n")
    if b"\n" in head.replace(b"\r\n", b"") or b"\r" in head.replace(b"\r\n", b""):
        raise NotLetThrough("the request has a line end of its own kind")
    found = _LINE.fullmatch(first)
    if found is None:
        raise NotLetThrough(f"{_shown(first)} is not let through")
    for line in lines:
        _check_header(line)
    if sum(line[:5].lower() == b"host:" for line in lines) > 1:
        raise NotLetThrough("the request has two hosts")
    method, path = found[1].decode(), found[2].decode()
    version = _VERSION.match(path)
    prefix = version[0] if version else ""
    bare = path[len(prefix) :]
    names = next((names for pattern, names in _PATHS if pattern.fullmatch(bare)), None)
    if names is None:
        raise NotLetThrough(f"{method} {_plain(bare)} is not let through")
    query = _query((found[3] or b"").decode(), names, bare)
    if bare == "/events":
        _check_bounds(query, now)
    target = f"{prefix}{bare}{'?' if query else ''}{urlencode(query)}"
    if bare.startswith("/containers/") and bare != "/containers/json":
        return Passed(method, target, "one container")
    return Passed(method, target, "events" if bare == "/events" else "other")


def _check_header(line: bytes) -> None:
    found = _HEADER.fullmatch(line)
    name = found[1].decode().lower() if found else ""
    if name not in _HARMLESS:
        raise NotLetThrough(f"a request with {f'the header {name}' if name else 'a header of another form'}")
    if name == "connection" and found and (found[2] or b"").lower() not in (b"keep-alive", b"close"):
        raise NotLetThrough("a request for another protocol")


def _query(text: str, names: tuple[str, ...], path: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8
        )
    except ValueError:
        raise NotLetThrough("the query cannot be read") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise NotLetThrough("the query says something twice")
    if set(query) - set(names):
        raise NotLetThrough(f"{path} is not let through with such a query")
    return query


def _check_bounds(query: dict[str, str], now: float) -> None:
    """Events of the past alone: a stream that goes on would never end."""
    since, until = query.get("since", ""), query.get("until", "")
    if not _MOMENT.fullmatch(since) or not _MOMENT.fullmatch(until):
        raise NotLetThrough("/events is let through from one time in seconds to another")
    if not float(since) <= float(until) <= now or float(until) - float(since) > LONGEST:
        raise NotLetThrough("/events is let through for at most 31 days that are over")


def _shown(first: bytes) -> str:
    """Method and path of a request line, where they are plain words."""
    found = re.match(rb"([A-Z]{1,16}) (/[A-Za-z0-9._/:@-]{0,100})(?=[ ?])", first)
    return f"{found[1].decode()} {found[2].decode()}" if found else "such a request"


def _plain(path: str) -> str:
    return path[:100]
