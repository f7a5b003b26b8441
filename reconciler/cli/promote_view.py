"""What a promotion would do where it goes: one look at it, and the plan with the new pins."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.cli.envelope import failure
from reconciler.cli.promote_plan import Promotion
from reconciler.clients import Clients
from reconciler.copying import Copied
from reconciler.decision import Block
from reconciler.desired import Desired, LocalRegistry
from reconciler.forecast import forecast
from reconciler.gate_result import GateResult
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.render_action import interruption
from reconciler.render_plan import render_plan, view_plan
from reconciler.render_promote import PromotionView
from specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Target:
    """The environment that takes, as it is, and what it would do. ``blocks``: what would be in the way, and
    was not before."""

    desired: Desired
    observed: Observed
    text: str
    interrupts: Mapping[str, float]
    blocks: tuple[Block, ...]

    @property
    def silent_registries(self) -> Mapping[str, LocalRegistry]:
        """By host, the local registries that it needs and that do not run yet: they hold nothing."""
        running = self.observed.registry_running
        wanted = self.desired.registries.items()
        return {f"localhost:{registry.port}": registry for name, registry in wanted if name not in running}

    def problems(self, promotion: Promotion) -> tuple[Problem, ...]:
        """The blocks as problems."""
        return tuple(failure(b.code, str(b.subject), b.reason, remedy=b.remedy) for b in self.blocks)


async def look_at_target(promotion: Promotion, clients: Clients) -> Target:
    """One look, and both plans. Raises ProviderError."""
    observed = await look(promotion.after.desired, clients)
    desired = await asyncio.to_thread(promotion.after.meet, observed)
    before = await asyncio.to_thread(promotion.before.meet, observed)
    decided, now = plan(desired, observed, observed.at), plan(before, observed, observed.at)
    following = forecast(desired, observed, observed.at)
    known = {(block.subject, block.code) for block in now.blocks}
    names = {change.service_name for change in promotion.changes}
    blocks = tuple(
        block
        for step in (decided, *following[:1])
        for block in step.blocks
        if (block.subject, block.code) not in known or block.subject.name in names
    )
    interrupts = {
        action.subject.name: seconds
        for step in following
        for action in step.actions
        if (seconds := interruption(action)) is not None and action.subject.name in names
    }
    text = render_plan(view_plan(desired, observed, decided, following))
    return Target(desired, observed, text, interrupts, tuple(dict.fromkeys(blocks)))


def view_promotion(
    promotion: Promotion,
    target: Target,
    gates: Sequence[GateResult],
    copies: Sequence[Copied],
    commits: Mapping[str, Sequence[tuple[str, str]]],
) -> PromotionView:
    """What is shown of it."""
    return PromotionView(
        source_name=promotion.offer.name,
        before=promotion.before.desired,
        after=replace(promotion.after.desired, excluded=frozenset()),
        observed=target.observed,
        changes=promotion.changes,
        commits=commits,
        gates=tuple(gates),
        copies=tuple(copies),
        plan=target.text,
        interrupts=target.interrupts,
    )
