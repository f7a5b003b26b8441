"""What failed instances left, as lines for who pushed."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.keeper_report import Rest
from reconciler.last_words import read_evidence
from reconciler.provider import Runtime
from reconciler.render_apply import render_evidence
from reconciler.render_logs import Mask


async def read_held_words(rest: Rest, runtime: Runtime, secrets: Collection[str]) -> Sequence[str]:
    """The evidence of each held service, free of secrets: of all that this process knows."""
    mask = Mask(secrets)
    found = await read_evidence(rest.desired, rest.observed, rest.plan, runtime, lambda _: mask)
    lines = [
        (name, line.strip().removeprefix("| ")) for name, it in found.items() for line in render_evidence(it)
    ]
    return [f"{name}: {line}" for name, line in lines]
