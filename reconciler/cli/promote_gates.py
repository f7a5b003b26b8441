"""The facts that a promotion is judged by, and the judgement."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.cli.options import Options
from reconciler.cli.promote_plan import Promotion
from reconciler.clients import Clients
from reconciler.gate_result import GateResult
from reconciler.gates import Candidate, Facts, judge, refusal_of
from reconciler.pin import standing
from reconciler.promotion import Change

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
    )
    return judge(promotion.after.effective.environment.promotion, facts, now)


def _candidates(promotion: Promotion, repository: GitRepository) -> tuple[Candidate, ...]:
    taken = [change for change in promotion.changes if change.after is not None]
    return tuple(_candidate(promotion, repository, change) for change in taken)


def _candidate(promotion: Promotion, repository: GitRepository, change: Change) -> Candidate:
    service, proof = promotion.after.desired.services[change.service_name], change.proof
    kinship = None
    if change.before is not None and change.after is not None:
        kinship = repository.lineage(change.after.commit, [change.before.commit])[change.before.commit]
    return Candidate(
        service_name=change.service_name,
        healthy_since=proof.healthy_since if proof else None,
        ready=proof.ready if proof else 0,
        is_job=service.form.spec.is_job,
        kinship=kinship,
        refusal=refusal_of(change.before, standing(service)),
    )
