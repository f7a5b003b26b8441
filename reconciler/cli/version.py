"""The version of this installation."""

from __future__ import annotations


def tool_version() -> str:
    """The distribution's version; ``0+source`` when it runs from a source tree that was never installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gitops-reconciler")
    except PackageNotFoundError:
        return "0+source"
