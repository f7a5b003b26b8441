"""What git and the forge know of a changed pin: who brought it, who approved that, how its commit is related.

Blocking: ask off the event loop.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.approvals import reviewed_by, signed_by
from reconciler.cli.bringers import PinQuestion, bringers
from reconciler.cli.forge_reader import ForgeReader
from reconciler.gate_order import Hotfix
from reconciler.gates import Approvals
from reconciler.pin_gates import NOT_ASKED, PinFacts
from reconciler.repository import Kinship, Repository
from specs.promotion import Gates
from specs.release import ReleasedService
from specs.run_signatures import Signatures


def facts_of_pin(
    question: PinQuestion, gates: Gates, signatures: Signatures | None, reader: ForgeReader | None = None
) -> PinFacts:
    """All that these gates ask for. Raises ProviderError where git cannot be asked."""
    brought = bringers(question)
    repository, asks = question.repository, gates.approvals > 0
    facts = PinFacts(
        service_name=question.service_name,
        source=question.source,
        brought_by=brought.line if brought else None,
        signed=signed_by(repository, brought, gates, signatures) if asks else Approvals(),
        reviewed=reviewed_by(brought, reader) if asks and gates.reviewers else NOT_ASKED,
        ran=question.ran,
        is_job=question.is_job,
    )
    if isinstance(question.new, ReleasedService):
        facts = _with_history(facts, question, question.new.commit)
    return facts


def _with_history(facts: PinFacts, question: PinQuestion, commit: str) -> PinFacts:
    """The same with how the pinned commit is related to the others."""
    kinship = None
    if question.old is not None:
        kinship = question.repository.lineage(commit, [question.old.commit])[question.old.commit]
    return replace(
        facts,
        is_reachable=question.repository.is_in_history(question.policy, commit),
        kinship=kinship,
        hotfix=hotfix_after(question.repository, question.old, commit, kinship),
    )


def hotfix_after(
    repository: Repository, old: ReleasedService | None, commit: str, kinship: Kinship | None
) -> Hotfix:
    """What becomes of the hotfix that is pinned now under another commit. Raises ProviderError."""
    if old is None or old.evidence.hotfix is None:
        return "none"
    if kinship in (Kinship.SAME, Kinship.ANCESTOR):
        return "kept"
    if kinship is Kinship.CANNOT_TELL:
        return "cannot_tell"
    return "kept" if repository.has_patches(commit, old.commit) else "lost"


def given_up(repository: Repository, old: ReleasedService | None, commit: str) -> str | None:
    """The commit of the hotfix that is pinned now, where another one does not contain it. Raises
    ProviderError."""
    if old is None:
        return None
    becomes = hotfix_after(repository, old, commit, repository.lineage(commit, [old.commit])[old.commit])
    return old.commit if becomes in ("lost", "cannot_tell") else None
