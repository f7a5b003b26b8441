"""The facts that a promotion is judged by, and the judgement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.cli.options import Options
from reconciler.cli.pin_facts import hotfix_after
from reconciler.cli.promote_plan import Promotion
from reconciler.clients import Clients
from reconciler.gate_order import Hotfix
from reconciler.gate_result import GateResult
from reconciler.gates import Candidate, Facts, judge, refusal_of
from reconciler.pin import standing
from reconciler.promotion import Change, is_rebuilt, is_same
from reconciler.repository import Kinship

if TYPE_CHECKING:
    from providers.git.repository import GitRepository


async def judge_promotion(
    options: Options, promotion: Promotion, repository: GitRepository, clients: Clients, now: float
) -> tuple[GateResult, ...]:
    """Every gate of the environment that takes. Raises ProviderError."""
    candidates = await asyncio.to_thread(_candidates, promotion, repository)
    facts = Facts(
        candidates=candidates,
        source=promotion.offer.name,
        read_at=promotion.offer.read_at if promotion.offer.is_record else None,
        is_automatic=options.is_automatic,
        again=options.again,
        drop=frozenset(change.service_name for change in promotion.changes if change.drops_hotfix),
    )
    return judge(promotion.after.effective.environment.promotion, facts, now)


def _candidates(promotion: Promotion, repository: GitRepository) -> tuple[Candidate, ...]:
    taken = [change for change in promotion.changes if change.after is not None]
    return tuple(_candidate(promotion, repository, change) for change in taken)


def _candidate(promotion: Promotion, repository: GitRepository, change: Change) -> Candidate:
    service, proof = promotion.after.desired.services[change.service_name], change.proof
    kinship, hotfix = _descent(promotion, repository, change)
    return Candidate(
        service_name=change.service_name,
        healthy_since=proof.healthy_since if proof else None,
        ready=proof.ready if proof else 0,
        is_job=service.form.spec.is_job,
        kinship=kinship,
        hotfix=hotfix,
        refusal=refusal_of(change.before, standing(service)),
        is_hotfix=change.is_hotfix,
    )


def _descent(
    promotion: Promotion, repository: GitRepository, change: Change
) -> tuple[Kinship | None, Hotfix]:
    """How what is pinned now is related to what is taken, and what becomes of a hotfix."""
    old, new = change.before, change.after
    if old is None or new is None:
        return None, "none"
    kinship = repository.lineage(new.commit, [old.commit])[old.commit]
    hotfix = hotfix_after(repository, old, new.commit, kinship)
    both = change.service_name, promotion.before.desired, promotion.after.desired
    if hotfix != "none" and (is_same(*both) or is_rebuilt(*both)):
        return kinship, "kept"  # the same inputs and form, whatever their commits
    return kinship, hotfix
