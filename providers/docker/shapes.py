"""How the engine spells what a spec says: both ways for words that differ in more than their name. Pure.

A reading gets what stands in the inspect and the applied fields, and gives live fields in the normal form of
specs, with the applied spelling wherever it means the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from providers.docker.tree import branch, nodes, text, text_map, texts, whole
from reconciler.desired import Fields, Json
from specs.container_types import read_host_address
from specs.model import parse_size
from specs.service import Service

Read = Callable[[Json, Fields], Fields]


def items(values: Iterable[str]) -> Json:
    """A list, or nothing when it is empty."""
    return list(values) or None


def flag(path: str) -> Read:
    """True or false; absent is false."""
    return lambda live, applied: {path: live is True}


def number(path: str) -> Read:
    """A number; the engine's zero is none."""
    return lambda live, applied: {
        path: live if isinstance(live, int) and (live or applied.get(path) == 0) else None
    }


def words(path: str) -> Read:
    """A text; an empty one is none."""
    return lambda live, applied: {path: live if isinstance(live, str) and live else None}


def in_order(path: str) -> Read:
    """A list of texts."""
    return lambda live, applied: {path: items(texts({"": live}, ""))}


def any_order(path: str) -> Read:
    """A list of texts whose order means nothing."""
    return lambda live, applied: {path: items(sorted(texts({"": live}, "")))}


def members(path: str) -> Read:
    """A map of texts, each member a field; what was applied and is gone is there as None."""
    return lambda live, applied: with_gone(path, dict(text_map({"": live}, "")), applied)


def with_gone(path: str, live: Fields, applied: Fields) -> Fields:
    """Members as fields below a path, those that were applied and are gone as None."""
    found: dict[str, Json] = {f"{path}.{name}": value for name, value in live.items()}
    return {**{name: None for name in applied if name.startswith(f"{path}.")}, **found}


def capabilities(live: Json, applied: Fields) -> Fields:
    """Capabilities without their prefix."""
    return {"cap_drop": items(sorted(name.upper().removeprefix("CAP_") for name in texts({"": live}, "")))}


def cpuset(live: Json, applied: Fields) -> Fields:
    """The CPUs; ``0-1`` and ``0,1`` are the same."""
    declared = applied.get("cpuset")
    if isinstance(live, str) and isinstance(declared, str) and cpus_of(live) == cpus_of(declared):
        return {"cpuset": declared}
    return {"cpuset": live or None}


def cpus_of(written: str) -> frozenset[int]:
    """``0-2,5`` -> its numbers; none when it cannot be read."""
    found: set[int] = set()
    for part in written.split(","):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return frozenset()
        found |= set(range(int(first), int(last or first) + 1))
    return frozenset(found)


def ulimits_payload(service: Service) -> Json:
    """Ulimits as the engine takes them."""
    rows: list[Json] = [
        {"Name": name, "Soft": limit.soft, "Hard": limit.hard}
        for name, limit in sorted(service.ulimits.items())
    ]
    return rows or None


def ulimits(live: Json, applied: Fields) -> Fields:
    """One field for each limit. The engine adds its own defaults when it starts a container."""
    found: dict[str, Json] = {
        text(row, "Name"): {"soft": whole(row, "Soft"), "hard": whole(row, "Hard")}
        for row in nodes({"": live}, "")
    }
    return with_gone("ulimits", found, applied)


def hosts_payload(service: Service) -> Json:
    """``name:address`` for each address."""
    return items(f"{name}:{address}" for name, found in service.extra_hosts.items() for address in found)


def hosts(live: Json, applied: Fields) -> Fields:
    """One field for each name."""
    found: dict[str, list[Json]] = {}
    for row in texts({"": live}, ""):
        name, _, address = row.partition("=") if "=" in row else row.partition(":")
        found.setdefault(name, []).append(_address(address))
    empty = {
        path: value for path, value in applied.items() if path.startswith("extra_hosts.") and value == []
    }
    return {**with_gone("extra_hosts", dict(found), applied), **empty}


def _address(written: str) -> str:
    try:
        return read_host_address(written)
    except ValueError:
        return written


def tmpfs_payload(service: Service) -> Json:
    """Options of mount by path. The engine adds noexec, nosuid and nodev."""
    found: dict[str, Json] = {}
    for path, memory in service.tmpfs.items():
        options = {
            "size": memory.size,
            "mode": None if memory.mode is None else f"{memory.mode:o}",
            "uid": memory.uid,
            "gid": memory.gid,
        }
        said = [f"{name}={value}" for name, value in options.items() if value is not None]
        found[path] = ",".join(said + (["exec"] if memory.exec else []))
    return found or None


def tmpfs(live: Json, applied: Fields) -> Fields:
    """One field for each path."""
    found = {path: _memory(options) for path, options in text_map({"": live}, "").items()}
    return with_gone("tmpfs", found, applied)


def _memory(options: str) -> Json:
    said: dict[str, Json] = {}
    for option in filter(None, options.split(",")):
        name, equals, value = option.partition("=")
        try:
            said[name] = _READ[name](value) if equals else True
        except (KeyError, ValueError):
            said[name] = value
    return said


_READ: dict[str, Callable[[str], Json]] = {
    "size": parse_size,
    "mode": lambda value: int(value, 8),
    "uid": str,
    "gid": str,
}
"""Options of a tmpfs as the normal form of specs says them."""


def logging_payload(service: Service) -> Json:
    """Driver and options; an empty driver is the engine's own."""
    driver, options = service.logging.driver, dict(service.logging.options)
    return {"Type": driver or "", "Config": dict(options)} if driver or options else None


def logging(live: Json, applied: Fields) -> Fields:
    """The driver, and one field for each option. The engine adds options of its own configuration."""
    found = with_gone("logging.options", dict(text_map({"": live}, "", "Config")), applied)
    return {"logging.driver": text(branch({"": live}, ""), "Type") or None, **found}
