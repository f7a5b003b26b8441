"""Caddy as ``Proxies``: what is asked of proxies, whichever way leads into them."""

from __future__ import annotations

import asyncio
import json
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.caddy.certificates import loaded_pairs
from providers.caddy.compare import NOTHING, differences, marked, masked, without_mark
from providers.caddy.config import desired_config
from providers.caddy.far import Far
from providers.caddy.faults import OLD, OTHER, UNCLEAR, UNTURNED
from providers.caddy.flows import flows_of, sum_of
from providers.caddy.near import Near
from providers.caddy.place import Place
from providers.caddy.probes import answer_of, asked_of
from providers.caddy.routes import Node
from providers.caddy.tables import Table, files_of, folder_name
from providers.caddy.way import Look, Way
from reconciler.ownership import Owner
from reconciler.provider import (
    Answer,
    Insides,
    ProbeRequest,
    ProviderError,
    Proxies,
    ProxyQuestion,
    ProxyWorld,
    RunningProxy,
)
from reconciler.secrets import digest_secret
from reconciler.traffic import DesiredProxy, Flow, LiveProxy
from specs.proxied import OLDEST

_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class _Seen:
    """One proxy's part of a look."""

    live: LiveProxy
    flows: Mapping[str, Flow] | None
    way: Way | None = None


class CaddyProxies:
    """Implements ``reconciler.proxies.Proxies``; ``place`` is where the proxies stand."""

    def __init__(self, insides: Insides, place: Place | None = None) -> None:
        self._insides = insides
        self._place = place or Place()
        self._new_enough: set[str] = set()
        """Ids of containers whose Caddy was found new enough."""
        self._digests: dict[tuple[Owner, str, str], str] = {}
        """Of PEM texts; each costs 20 ms."""

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        """Look at all proxies at once, then ask instances through them."""
        if not question.running:
            return ProxyWorld(flows={})
        looks = asyncio.gather(*(self._see(question, running) for running in question.running))
        seen, tables = await asyncio.gather(looks, self._tables(question))
        proxies = tuple(it.live for it in seen)
        ways = [it.way for it in seen if it.way is not None and it.live.diffs != NOTHING]
        # After the counts: a probe would count as a request.
        answers = await self._probes(question, ways)
        uncounted = next((it.live for it in seen if it.flows is None), None)
        flows = sum_of(it.flows for it in seen) if uncounted is None else None
        if isinstance(tables, str):
            return ProxyWorld(proxies, flows=flows, answers=answers, problem=tables)
        slots = {name: table.slots for name, table in tables.items()}
        ports = {name: table.ports for name, table in tables.items()}
        # One proxy that cannot be asked, since it was just started, hides no table.
        problem = _uncounted(uncounted) if uncounted else ""
        return ProxyWorld(proxies, slots, flows, answers, problem, ports)

    async def _see(self, question: ProxyQuestion, running: RunningProxy) -> _Seen:
        try:
            way = await self._way(question.owner, running)
            look = await way.look()
            diffs, follows = await self._compare(question.owner, running, question.proxy, look)
            live = LiveProxy(running.handle, running.service_name, diffs, follows)
            return _Seen(live, flows_of(look.counts), way)
        except ProviderError as error:
            problem = f"{error.seen}  [{error.code}]"
            return _Seen(LiveProxy(running.handle, running.service_name, problem=problem), None)

    async def _compare(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy | None, look: Look
    ) -> tuple[tuple[str, ...], bool]:
        """What differs, and whether what is there is all what it was last given."""
        if proxy is None:
            return (), False
        if look.config is None:
            return NOTHING, False
        if not isinstance(look.config, dict):
            raise UNCLEAR.passing(running.handle.id[:12], "a configuration that is no object", "Caddy's")
        bare, is_ours = without_mark(look.config)
        pairs = loaded_pairs(proxy, proxy.certificates)
        live = await asyncio.to_thread(masked, bare, pairs, lambda name, it: self._digest(owner, name, it))
        desired = desired_config(running.service_name, proxy, proxy.certificates, self._place)
        found = differences(desired, live)
        return found or (() if is_ours else ("apps.@id",)), is_ours and bool(found)

    def _digest(self, owner: Owner, name: str, value: str) -> str:
        key = (owner, name, value)
        if key not in self._digests:
            if len(self._digests) > 200:
                self._digests.clear()
            self._digests[key] = digest_secret(owner, name, value)
        return self._digests[key]

    async def _tables(self, question: ProxyQuestion) -> Mapping[str, Table] | str:
        """The tables, through the first proxy that gives them; else why not."""
        reason = "no proxy can be asked"
        for running in question.running:
            try:
                return await (await self._way(question.owner, running)).tables()
            except ProviderError as error:
                reason = f"{error.seen}  [{error.code}]"
        return reason

    async def _probes(self, question: ProxyQuestion, ways: Sequence[Way]) -> Mapping[str, Answer] | None:
        """What the instances answered; None where no proxy is there to ask through."""
        if not question.probes:
            return {}
        if not ways or question.proxy is None:
            return None
        found: dict[str, Answer] = {}
        asked = [asked_of(it, question.proxy) for it in question.probes]
        try:
            said = await ways[0].probe(asked)
        except ProviderError as error:
            said = [f"error {error.seen}"] * len(asked)
        for request, words in zip(question.probes, said, strict=True):
            found[request.instance_id] = _answer(request, words)
        return found

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        """Give a proxy what it is to do, and read it back."""
        await self._check_version(owner, running)
        way = await self._way(owner, running)
        config = desired_config(running.service_name, proxy, secrets, self._place)
        await way.load(json.dumps(marked(config)).encode(), secrets)
        found = await _loaded(way)
        if different := differences(config, found):
            where = f"{running.service_name} {running.handle.id[:12]}"
            raise OTHER.passing(where, f"it differs at {', '.join(different[:5])}", "what was loaded")

    async def _check_version(self, owner: Owner, running: RunningProxy) -> None:
        if running.handle.id in self._new_enough:
            return
        code, said = await self._insides.run_inside(owner, running.handle, ("caddy", "version"))
        words = said.decode("utf-8", "replace")
        found = _VERSION.search(words)
        where = f"{running.service_name} {running.handle.id[:12]}"
        if code != 0 or found is None:
            raise UNCLEAR.passing(where, words or f"exit code {code}", "the version of Caddy")
        if tuple(map(int, found.groups())) < OLDEST:
            raise OLD.final(where, f"Caddy {found[0]}", "Caddy 2.11.2 or newer")
        self._new_enough.add(running.handle.id)

    async def switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: Sequence[str],
        ports: Mapping[str, int],
    ) -> None:
        """Replace the table of a service, and read it back."""
        files = files_of(service_name, slots, ports)
        way = await self._way(owner, running)
        found = await way.turn(service_name, folder_name(files, randomness.token_hex(4)), files)
        if found != Table(tuple(slots), {slot: ports[slot] for slot in slots}):
            raise UNTURNED.passing(f"route of {service_name}", "another table", "the table that was written")

    async def _way(self, owner: Owner, running: RunningProxy) -> Way:
        folder = await self._insides.folder_of(owner, running.volume)
        if folder is None:
            return Far(self._insides, owner, running.handle, self._place)
        return Near(folder, running.handle.id[:12])


async def _loaded(way: Way) -> Node:
    """What a proxy has loaded. Its door may give way to its successor just now."""
    for pause in (0.1, 0.3, 0.0):
        look = await way.look()
        if isinstance(look.config, dict):
            return without_mark(look.config)[0]
        await asyncio.sleep(pause)
    return {}


def _uncounted(live: LiveProxy) -> str:
    return f"{live.service_name}: {live.problem or 'what is in flight cannot be read'}"


def _answer(request: ProbeRequest, words: str) -> Answer:
    return Answer(answer_of(words, listens=request.ready.http is None))


if TYPE_CHECKING:
    _: type[Proxies] = CaddyProxies
