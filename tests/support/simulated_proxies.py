"""One process's view of the proxies of a simulation: it passes through the same window as the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from providers.memory import MemoryProxies
from reconciler.ownership import Owner
from reconciler.provider import ProxyQuestion, ProxyWorld, RunningProxy
from reconciler.traffic import DesiredProxy
from simulated_window import Window


class ProxiesWindow:
    """The proxies of the world, asked and turned by one process."""

    def __init__(self, window: Window, proxies: MemoryProxies) -> None:
        self.window, self.proxies = window, proxies

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        await self.window.open.wait()
        world = await self.proxies.observe(question)
        await self.window.open.wait()
        return world

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        await self.window.enter("load_proxy")
        await self.proxies.load(owner, running, proxy, secrets)
        await self.window.open.wait()

    async def switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: Sequence[str],
        ports: Mapping[str, int],
    ) -> None:
        await self.window.enter("switch_route")
        await self.proxies.switch(owner, running, service_name, slots, ports)
        await self.window.open.wait()
