"""The files of a table: names, contents, and what contents say. Pure.

``routes/<service>/current`` is a symbolic link to a folder beside it, which holds the slots ``0`` to ``99``
and ``state``. A folder is complete before the link is turned to it, and never changed afterwards.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.caddy.faults import NO_TABLE
from reconciler.traffic import SLOTS

ROUTES = "routes"
CURRENT = "current"
STATE = "state"
SERVES = "serves"
EMPTY = "empty"
NOWHERE = "255.255.255.255"
"""What the slots of an empty table hold, for a request that saw the table before it: an address that cannot
be dialled. Nothing at all would be this host itself."""
MOST = 64
"""Bytes of a file that are read; what is longer is none of ours."""
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_SHORT_ID = re.compile(r"[0-9a-f]{12}")
_SERVICE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_FOLDER = re.compile(r"t-[0-9a-f]{16}-[0-9a-f]{8}")


PORT = "port"
NO_PORT = "9"
"""The port of discard, for slots that lead nowhere."""


@dataclass(frozen=True, slots=True)
class Table:
    """What a folder says: the short id of each slot, and the port of each id."""

    slots: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)


def port_file(slot: int | str) -> str:
    """The file beside a slot that holds the port."""
    return f"{slot}.{PORT}"


def files_of(service_name: str, slots: Sequence[str], ports: Mapping[str, int]) -> dict[str, str]:
    """The files of a table by name; no slots is an empty table. Raises Refused for what is no table."""
    is_table = len(slots) in (0, SLOTS) and all(_SHORT_ID.fullmatch(slot) and slot in ports for slot in slots)
    if not is_table or not _SERVICE.fullmatch(service_name):
        seen = f"{len(slots)} slots for {service_name!r}"
        raise NO_TABLE.final(service_name, seen, f"none or {SLOTS} short ids for a service")
    found = {str(index): slot for index, slot in enumerate(slots or [NOWHERE] * SLOTS)}
    found |= {port_file(index): str(ports.get(slot, NO_PORT)) for index, slot in found.items()}
    return {**found, STATE: SERVES if slots else EMPTY}


def folder_name(files: Mapping[str, str], token: str) -> str:
    """The name of a table's folder. ``token``: eight digits that no other folder has."""
    content = "\n".join(files[name] for name in sorted(files))
    return f"t-{hashlib.sha256(content.encode()).hexdigest()[:16]}-{token}"


def is_folder(name: str) -> bool:
    """Whether a link's text names a folder that we made beside it, and nothing elsewhere."""
    return _FOLDER.fullmatch(name) is not None


def is_service(name: str) -> bool:
    """Whether a folder below ``routes`` can be a service's."""
    return _SERVICE.fullmatch(name) is not None


def table_of(files: Mapping[str, str]) -> Table:
    """What the files of a folder say, as Caddy reads them: empty unless the state says that it serves, and a
    slot that holds anything but a short id, or has no port or another than its id has elsewhere, leads
    nowhere."""
    if files.get(STATE) != SERVES:
        return Table()
    ports: dict[str, int] = {}
    slots: list[str] = []
    for index in range(SLOTS):
        slot, port = files.get(str(index), ""), files.get(port_file(index), "")
        is_slot = bool(_SHORT_ID.fullmatch(slot) and _PORT.fullmatch(port))
        slots.append(slot if is_slot and ports.setdefault(slot, int(port)) == int(port) else "")
    return Table(tuple(slots), ports)


def content_of(raw: bytes) -> str:
    """What Caddy takes from a file: without one line end at its end. Empty for what is none of ours."""
    if len(raw) >= MOST or not raw.isascii():
        return ""
    return raw.decode().removesuffix("\n").removesuffix("\r")
