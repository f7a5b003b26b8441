"""The proxies of an environment, by Caddy's admin socket and the files of their tables. A part can be
imported without the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.caddy.proxies import CaddyProxies

__all__ = ["CaddyProxies"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(name)
    from providers.caddy import proxies

    return getattr(proxies, name)
