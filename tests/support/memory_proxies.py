"""Proxies in memory: they do what they are told, and every instance answers well through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.ownership import Owner
from reconciler.provider import Answer, ProxyQuestion, ProxyWorld, RunningProxy
from reconciler.traffic import DesiredProxy, Flow, LiveProxy


@dataclass
class MemoryProxies:
    """What all proxies of one runtime were told. ``flows``: what is in flight, by short id."""

    loaded: dict[str, DesiredProxy] = field(default_factory=dict)
    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        answers = {probe.instance_id: Answer() for probe in question.probes}
        proxies = tuple(self._seen(running, question.proxy) for running in question.running)
        return ProxyWorld(proxies, dict(self.tables), dict(self.flows), answers)

    def _seen(self, running: RunningProxy, desired: DesiredProxy | None) -> LiveProxy:
        loaded = self.loaded.get(running.handle.id)
        diffs = () if loaded == desired else ("",) if loaded is None else ("routes",)
        return LiveProxy(running.handle, running.service_name, diffs, follows=True)

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        self.loaded[running.handle.id] = proxy

    async def switch(
        self, owner: Owner, running: RunningProxy, service_name: str, slots: Sequence[str]
    ) -> None:
        self.tables[service_name] = tuple(slots)
