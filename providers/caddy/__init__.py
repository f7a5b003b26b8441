"""The proxies of an environment, driven through Caddy's admin socket and the files of its tables. A part of it
can be imported without the whole."""

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
