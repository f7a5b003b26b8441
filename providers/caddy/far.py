"""The far way into a proxy: commands in its container, over whatever way leads to the engine."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from providers.caddy.admin import parsed
from providers.caddy.door import LISTENS
from providers.caddy.faults import NO_TOOLS, SILENT, UNCLEAR, UNWRITTEN
from providers.caddy.near import refusal
from providers.caddy.place import Place, admin_name
from providers.caddy.scripts import LOAD, LOOK, PROBE, TABLES, TURN
from providers.caddy.tables import STATE, Table, is_folder, is_service, port_file, table_of
from providers.caddy.way import AT_ONCE, Asked, Look
from reconciler.desired import Json
from reconciler.handle import Handle
from reconciler.ownership import Owner
from reconciler.provider import Insides
from reconciler.traffic import SLOTS

_ANSWER = 15.0
_LOADING = 60.0
_SLACK = 5.0
_COUNTS = "reverse_proxy/upstreams"
_REFUSED = "HTTP 400"
_MISSING = ("not found", "can't execute")


@dataclass(frozen=True, slots=True)
class Far:
    """The way to one proxy through commands in its container."""

    insides: Insides
    owner: Owner
    handle: Handle
    place: Place = Place()

    @property
    def _short_id(self) -> str:
        return self.handle.id[:12]

    @property
    def _socket(self) -> str:
        return f"{self.place.folder}/{admin_name(self._short_id)}"

    async def _run(
        self, script: str, words: Sequence[str], stdin: bytes = b"", deadline: float = _ANSWER
    ) -> tuple[int, str]:
        command = ("sh", "-c", script, "sh", *words)
        code, written = await self.insides.run_inside(self.owner, self.handle, command, stdin, deadline)
        return code, written.decode("utf-8", "replace")

    async def _lines(
        self, script: str, words: Sequence[str], deadline: float = _ANSWER
    ) -> Iterator[list[str]]:
        """The lines that a script wrote, each as its first word and the rest. Raises ProviderError."""
        code, written = await self._run(script, words, deadline=deadline)
        if code != 0:
            raise NO_TOOLS.passing(self._short_id, f"exit code {code}: {written}", "a shell and wget")
        return (line.split(" ", 1) for line in written.split("\n") if " " in line or line == "closed")

    async def look(self) -> Look:
        """Configuration and counts. Where the admin socket is there and no door, nothing is loaded."""
        said: dict[str, str] = {}
        for line in await self._lines(LOOK, (self._socket, self.place.door)):
            said.setdefault(line[0], line[-1])
        if "closed" in said:
            raise SILENT.passing(self._short_id, "no admin socket yet", "a socket that answers")
        if any(words in said.get("error", "") for words in _MISSING):
            raise NO_TOOLS.passing(self._short_id, said["error"], "a shell and wget")
        found: dict[str, Json] = {
            name: parsed(self._short_id, said[name]) for name in ("config/", _COUNTS) if name in said
        }
        return Look(found.get("config/"), found.get(_COUNTS))

    async def tables(self) -> Mapping[str, Table]:
        """The tables that there are."""
        found: dict[str, Table] = {}
        for kind, rest in await self._lines(TABLES, (self.place.folder,)):
            name, folder, state, *slots = rest.split(" ")
            if kind != "table" or not is_service(name) or len(slots) != 2 * SLOTS:
                raise UNCLEAR.passing("routes", "a line that is no table", "tables")
            files = {STATE: state, **{str(index): slot for index, slot in enumerate(slots[::2])}}
            files |= {port_file(index): port for index, port in enumerate(slots[1::2])}
            found[name] = table_of(files) if is_folder(folder) else Table()
        return found

    async def probe(self, asked: Sequence[Asked]) -> Sequence[str]:
        """What each instance answered."""
        found: list[str] = []
        for start in range(0, len(asked), AT_ONCE):
            found += await self._probe_some(asked[start : start + AT_ONCE])
        return found

    async def _probe_some(self, asked: Sequence[Asked]) -> list[str]:
        words = [word for it in asked for word in _probe_words(it)]
        deadline = max((it.timeout for it in asked), default=0.0) + _SLACK
        found = [""] * len(asked)
        for kind, rest in await self._lines(PROBE, (self.place.door, *words), deadline):
            index, _, said = rest.partition(" ")
            if kind == "probe" and index.isdecimal() and int(index) < len(found):
                found[int(index)] = said.strip()
        return [said or "error no answer in time" for said in found]

    async def load(self, config: bytes, hidden: Mapping[str, str]) -> None:
        """Give it a configuration."""
        code, written = await self._run(LOAD, (self._socket,), config, _LOADING)
        if code != 0:
            raise refusal(self._short_id, _complaint(written), hidden, is_final=_REFUSED in written)

    async def turn(self, service_name: str, folder: str, files: Mapping[str, str]) -> Table:
        """Write a table and turn the service to it."""
        words = [word for pair in files.items() for word in pair]
        code, written = await self._run(TURN, (self.place.folder, service_name, folder, *words))
        if code != 0:
            seen = written.strip() or f"exit code {code}"
            raise UNWRITTEN.passing(f"route of {service_name}", seen, "a table of files")
        return (await self.tables()).get(service_name, Table())


def _probe_words(it: Asked) -> tuple[str, ...]:
    more = "Accept: */*" if it.path else f"{LISTENS}: 1"
    return it.host, it.dial, more, it.path or "/", str(max(1, math.ceil(it.timeout)))


def _complaint(written: str) -> str:
    """What Caddy's command complains of: the error that the other end gave, else what it says last."""
    last = ""
    for line in written.splitlines():
        with suppress(ValueError):
            found = json.loads(line)
            line = str(found.get("msg", "")) if isinstance(found, dict) else line
        last = line or last
    with suppress(ValueError):
        found = json.loads(last[last.index("{") :])
        return str(found["error"]) if isinstance(found, dict) and "error" in found else last
    return last
