"""The near way into a proxy: its sockets and files on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.caddy.admin import Answer, Request, ask, parsed
from providers.caddy.compare import hide
from providers.caddy.door import CONFIG, COUNTS, LISTENS
from providers.caddy.faults import UNCLEAR, UNWANTED, UNWRITTEN
from providers.caddy.folder import read_tables, write_table
from providers.caddy.place import PROBE_HEADER, admin_name, door_name
from providers.caddy.tables import Table
from providers.caddy.way import AT_ONCE, Asked, Look
from reconciler.desired import Json
from reconciler.provider import ProviderError

_LOADING = 60.0
_SLACK = 0.5
"""Seconds that the proxy itself may take for a probe."""


@dataclass(frozen=True, slots=True)
class Near:
    """The way to one proxy through the shared folder, as this machine has it."""

    folder: str
    short_id: str

    async def look(self) -> Look:
        """Configuration and counts."""
        config, counts = await asyncio.gather(self._read(CONFIG), self._read(COUNTS))
        return Look(config, counts)

    async def _read(self, target: str) -> Json:
        answer = await ask(self.folder, admin_name(self.short_id), Request(target))
        if answer.status != 200:
            raise UNCLEAR.passing(self.short_id, f"status {answer.status} for {target}", "status 200")
        return parsed(self.short_id, answer.body)

    async def tables(self) -> Mapping[str, Table]:
        """The tables that there are."""
        try:
            return await asyncio.to_thread(read_tables, self.folder)
        except OSError as error:
            raise UNCLEAR.passing("routes", error.strerror or str(error), "readable tables") from None

    async def probe(self, asked: Sequence[Asked]) -> Sequence[str]:
        """What each instance answered."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def in_turn(it: Asked) -> str:
            async with turns:
                return await self._probe(it)

        return await asyncio.gather(*map(in_turn, asked))

    async def _probe(self, it: Asked) -> str:
        headers = {"Host": it.host, PROBE_HEADER: it.dial} | ({} if it.path else {LISTENS: "1"})
        request = Request(it.path or "/", headers=headers, deadline=it.timeout + _SLACK)
        try:
            answer = await ask(self.folder, door_name(self.short_id), request)
        except ProviderError as error:
            return f"error {error.seen}"
        return answer.body.decode("utf-8", "replace")

    async def load(self, config: bytes, hidden: Mapping[str, str]) -> None:
        """Give it a configuration."""
        request = Request("/load", "POST", body=config, deadline=_LOADING)
        answer = await ask(self.folder, admin_name(self.short_id), request)
        if answer.status >= 400:
            raise refusal(self.short_id, _words(answer), hidden, is_final=answer.status < 500)

    async def turn(self, service_name: str, folder: str, files: Mapping[str, str]) -> Table:
        """Write a table and turn the service to it."""
        try:
            return await asyncio.to_thread(write_table, self.folder, service_name, folder, files)
        except OSError as error:
            seen = error.strerror or str(error)
            raise UNWRITTEN.passing(f"route of {service_name}", seen, "a table of files") from None


def _words(answer: Answer) -> str:
    try:
        found = parsed("", answer.body)
    except ProviderError:
        found = None
    said = found.get("error") if isinstance(found, dict) else None
    return said if isinstance(said, str) else answer.body.decode("utf-8", "replace")


def refusal(where: str, words: str, hidden: Mapping[str, str], *, is_final: bool) -> ProviderError:
    """The error for a configuration that was not taken."""
    make = UNWANTED.final if is_final else UNWANTED.passing
    return make(where, hide(words, hidden), "a configuration that Caddy takes")
