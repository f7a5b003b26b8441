"""What an action may take: places beside others of its sort, and time. Pure."""

from __future__ import annotations

from reconciler.actions import (
    Action,
    BuildImage,
    CreateInstance,
    LoadProxy,
    PullImage,
    RemoveInstance,
    RetireInstance,
    RunHook,
    SwitchRoute,
)


def bound(action: Action) -> tuple[str, int]:
    """Which bound an action counts against, and how many may run at once."""
    if isinstance(action, BuildImage):
        return "build", 2
    if isinstance(action, PullImage):
        return "pull", 3
    if isinstance(action, (LoadProxy, SwitchRoute)):
        return "route", 8
    return "instance", 4


def deadline(action: Action) -> float:
    """Seconds after which an action counts as failed."""
    if isinstance(action, BuildImage):
        return 3600.0
    if isinstance(action, PullImage):
        return 1800.0
    if isinstance(action, (RetireInstance, RemoveInstance)):
        return 60.0 + action.grace + (action.pre_stop.timeout if action.pre_stop else 0.0)
    return 120.0 if isinstance(action, CreateInstance | RunHook) else 60.0
