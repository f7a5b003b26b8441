"""What drives the proxies of an engine, imported when the first of them is asked: most commands have none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.ownership import Owner
from reconciler.provider import Insides, Proxies, ProxyQuestion, ProxyWorld, RunningProxy, Runtime
from reconciler.traffic import DesiredProxy


@dataclass
class LateProxies:
    """Implements ``reconciler.proxies.Proxies``."""

    insides: Insides

    @cached_property
    def _proxies(self) -> Proxies:
        from providers.caddy.proxies import CaddyProxies

        return CaddyProxies(self.insides)

    async def observe(self, question: ProxyQuestion) -> ProxyWorld:
        """Look at all proxies at once."""
        return await self._proxies.observe(question)

    async def load(
        self, owner: Owner, running: RunningProxy, proxy: DesiredProxy, secrets: Mapping[str, str]
    ) -> None:
        """Give a proxy what it is to do."""
        await self._proxies.load(owner, running, proxy, secrets)

    async def switch(
        self,
        owner: Owner,
        running: RunningProxy,
        service_name: str,
        slots: Sequence[str],
        ports: Mapping[str, int],
    ) -> None:
        """Replace the table of a service."""
        await self._proxies.switch(owner, running, service_name, slots, ports)


def proxies_of(runtime: Runtime) -> Proxies | None:
    """What drives the proxies of a runtime; None where it cannot be reached into."""
    return LateProxies(runtime) if isinstance(runtime, Insides) else None


if TYPE_CHECKING:
    _: type[Proxies] = LateProxies
