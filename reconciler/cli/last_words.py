"""What failed instances wrote last: the reason, as far as they know it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from reconciler.cli.apply import hide
from reconciler.keeper_report import Rest
from reconciler.provider import ProviderError, Runtime
from reconciler.render import escape
from reconciler.view import group

_LINES: Final = 8


async def read_held_words(rest: Rest, runtime: Runtime, secrets: Collection[str]) -> Sequence[str]:
    """The last lines of the newest held instance of each held service, free of secrets; nothing where they
    cannot be read: the hold is told without them."""
    views = group(rest.observed)
    words: list[str] = []
    for service_name in sorted({block.subject.name for block in rest.plan.blocks if block.held}):
        held = views.of(service_name).held
        if held:
            try:
                lines = await runtime.logs(held[-1].handle, _LINES)
            except ProviderError:
                continue
            words += [f"{service_name}: {escape(hide(line, secrets), 300)}" for line in lines]
    return words
