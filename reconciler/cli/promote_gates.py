"""The facts that a promotion is judged by, and the judgement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.forge_reader import ForgeReader
from reconciler.cli.gate_checks import CheckTools, ask_checks
from reconciler.cli.gate_subject import CheckedService
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
from specs.promotion import Gates
from specs.promotion import Promotion as Rules

if TYPE_CHECKING:
    from providers.git.repository import GitRepository


def without_commands(rules: Rules) -> Rules:
    """The same but for checks that run in a container of the image, which must lie in the registry first."""
    checks = tuple(check for check in rules.gates.checks if check.command is None)
    return rules.model_copy(update={"gates": rules.gates.model_copy(update={"checks": checks})})


async def judge_promotion(
    options: Options,
    promotion: Promotion,
    repository: GitRepository,
    clients: Clients,
    reader: Callable[[str | None], ForgeReader | None],
    rules: Rules,
) -> tuple[GateResult, ...]:
    """Every gate of these rules. Raises ProviderError."""
    candidates = await asyncio.to_thread(_candidates, promotion, repository)
    facts = Facts(
        candidates=candidates,
        source=promotion.offer.name,
        read_at=promotion.offer.read_at if promotion.offer.is_record else None,
        is_automatic=options.is_automatic,
        again=options.again,
        drop=frozenset(change.service_name for change in promotion.changes if change.drops_hotfix),
    )
    if rules.gates.checks:
        # The remote as "host/path": a URL names no forge.
        origin = await asyncio.to_thread(repository.origin)
        tools = CheckTools(promotion.owner, clients.runtime, clients.login, reader(origin.remote))
        facts = replace(facts, checks=await ask_checks(rules.gates, _checked(promotion), tools))
    return judge(rules, facts, time.time())


def passed_checks(gates: Gates, results: tuple[GateResult, ...]) -> tuple[str, ...]:
    """The names of the checks of which every result has passed: they are written down as evidence."""
    passed: dict[str, bool] = {}
    for result in results:
        passed[result.name] = passed.get(result.name, True) and result.passed is True
    return tuple(check.name for check in gates.checks if passed.get(f"check {check.name}"))


def _checked(promotion: Promotion) -> tuple[CheckedService, ...]:
    """The services that checks are asked of, with the image as the target's engine can pull it."""
    found: list[CheckedService] = []
    for change in promotion.changes:
        service = promotion.after.desired.services.get(change.service_name)
        if change.after is not None and service is not None and service.image.locked is not None:
            image = service.image.ref.with_digest(service.image.locked)
            found.append(CheckedService(change.service_name, change.after.commit, image))
    return tuple(found)


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
