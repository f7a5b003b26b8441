"""The Docker Engine. A part of it can be imported without the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.docker.runtime import DockerRuntime, open_runtime

__all__ = ["DockerRuntime", "open_runtime"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(name)
    from providers.docker import runtime

    return getattr(runtime, name)
