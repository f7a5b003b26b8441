"""What git knows of a changed pin: who brought it, who signed that, how its commit is related to the others.

Blocking but for ``with_reviews``: ask off the event loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.forge_reviews import reviews_of
from reconciler.gate_order import Hotfix
from reconciler.gates import Approval, Approvals
from reconciler.pin_gates import PinFacts, Ran
from reconciler.repository import Kinship, Repository
from specs.check_release import release_path
from specs.load import SpecFile, load
from specs.promotion import Gates
from specs.release import ReleasedService, RemovedService
from specs.yaml_tree import MAX_FILE

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from providers.git.repository import GitRepository
    from providers.git.signatures import Signer
    from reconciler.cli.forge_reader import ForgeReader
    from specs.run_signatures import Signatures

_LOOK_BACK: Final = 500
"""Commits of one Release that are looked at for the one that brought an entry."""
_NO_KEYS: Final = "no keys are named that signatures could be verified with"
_CUT_OFF: Final = "the clone does not reach back to the commit that brought it"


Entry = ReleasedService | RemovedService
"""A pin, or what takes a service away."""


@dataclass(frozen=True, slots=True)
class PinQuestion:
    """A changed entry of a Release. ``tip``: the tracked commit that has it; ``policy``: the policy ref's;
    ``old``: the entry that is followed now."""

    repository: GitRepository
    tip: str
    policy: str
    path: str
    environment_name: str
    service_name: str
    source: str
    """The environment that is followed."""
    old: ReleasedService | None
    new: Entry
    ran: tuple[Ran, ...] = ()
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Bringers:
    """The commits that brought an entry: the one on the tracked line, and the one that wrote it where that
    line only merged it. ``head``: the last commit of the merged branch; None where nothing was merged."""

    line: str
    writer: str
    head: str | None = None

    @property
    def commits(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((self.line, self.writer)))

    @property
    def is_reviewable(self) -> bool:
        """An entry that only the merge itself has was reviewed by nobody."""
        return self.head is None or self.writer != self.line


def facts_of_pin(
    question: PinQuestion, gates: Gates, signatures: Signatures | None
) -> tuple[PinFacts, Bringers | None]:
    """All but reviews, which a forge knows (``with_reviews``), and who brought it. Raises ProviderError where
    git cannot be asked."""
    brought = bringers(question)
    asks = gates.approvals > 0
    facts = PinFacts(
        service_name=question.service_name,
        source=question.source,
        brought_by=brought.line if brought else None,
        approvals=signed_by(question.repository, brought, gates, signatures) if asks else Approvals(),
        ran=question.ran,
        is_job=question.is_job,
    )
    if isinstance(question.new, ReleasedService):
        facts = _with_history(facts, question, question.new.commit)
    return facts, brought


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


async def with_reviews(
    facts: PinFacts,
    brought: Bringers | None,
    gates: Gates,
    reader: ForgeReader | None,
    session: ClientSession,
) -> PinFacts:
    """The same with who approved at the forge, where the gates ask for that."""
    if not gates.reviewers or not gates.approvals or brought is None or not brought.is_reviewable:
        return facts
    reviews = await reviews_of(reader, session, brought.line, brought.head)
    unknown = "; ".join(text for text in (facts.approvals.unknown, reviews.unknown) if text)
    return replace(facts, approvals=Approvals((*facts.approvals.given, *reviews.given), unknown))


def bringers(question: PinQuestion) -> Bringers | None:
    """The commits that brought the entry as it is at the tip; None where the clone is cut off before them, or
    the tip does not have it. Raises ProviderError."""
    git = question.repository.git
    path = release_path(question.path, question.environment_name)
    line = ("log", "--first-parent", "--format=%H", f"--max-count={_LOOK_BACK}", question.tip, "--", path)
    line_commits = git.read(*line).text.split()
    found = _oldest(question, line_commits, path)
    if found is None:
        return None
    parents = _parents(question.repository, found)
    if not parents and question.repository.is_shallow:
        return None
    if len(parents) < 2:
        return Bringers(found, found)
    head = parents[1]
    if entry_at(question, head, path) != question.new:
        return Bringers(found, found, head)
    merged = ("rev-list", f"--max-count={_LOOK_BACK}", found, f"^{parents[0]}", "--", path)
    others = [commit for commit in git.read(*merged).text.split() if commit != found]
    return Bringers(found, _writer(question, others, path) or head, head)


def _oldest(question: PinQuestion, commits: Sequence[str], path: str) -> str | None:
    """Of commits, newest first, the last of those in a row that have the entry."""
    found: str | None = None
    for commit in commits:
        if entry_at(question, commit, path) != question.new:
            return found
        found = commit
    return None if len(commits) == _LOOK_BACK else found


def _writer(question: PinQuestion, commits: Sequence[str], path: str) -> str | None:
    """Of commits of a merged branch, the one that has the entry while none of its parents has."""
    for commit in reversed(commits):
        if entry_at(question, commit, path) == question.new and all(
            entry_at(question, parent, path) != question.new
            for parent in _parents(question.repository, commit)
        ):
            return commit
    return None


def _parents(repository: GitRepository, commit: str) -> list[str]:
    return repository.git.read("rev-list", "--parents", "--max-count=1", commit).text.split()[1:]


def entry_at(question: PinQuestion, commit: str, path: str) -> Entry | None:
    """The entry as a commit has it; None without one that can be read."""
    git = question.repository.git
    size = git.ask("cat-file", "-s", f"{commit}:{path}")
    if size.status or not size.text.isdigit() or int(size.text) > MAX_FILE:
        return None
    answer = git.ask("cat-file", "blob", f"{commit}:{path}")
    if answer.status:
        return None
    specs, _ = load([SpecFile(path, answer.stdout)], path=question.path)
    name, service_name = question.environment_name, question.service_name
    return specs.released(name).get(service_name) or specs.removed(name).get(service_name)


def signed_by(
    repository: GitRepository, brought: Bringers | None, gates: Gates, signatures: Signatures | None
) -> Approvals:
    """Who signed the commits that brought an entry, by the keys of the Run file. Raises ProviderError."""
    if brought is None:
        return Approvals(unknown=_CUT_OFF)
    if signatures is None:
        return Approvals(unknown="" if gates.reviewers and not gates.approvers else _NO_KEYS)
    from providers.git.signatures import Keys, open_verifier

    files = (signatures.allowed_signers, signatures.gpg_keys)
    keys = Keys(*(Path(file) if file else None for file in files))
    with open_verifier(repository.git, keys) as verifier:
        signers = {commit: verifier.signer(commit) for commit in brought.commits}
    given = [
        Approval(_called(signer, gates), "signature", commit) for commit, signer in signers.items() if signer
    ]
    return Approvals(tuple(given))


def _called(signer: Signer, gates: Gates) -> str:
    """Of the names of a signer the one that the gates list: who has several is counted once."""
    listed = {name.casefold() for name in gates.approvers}
    return next((name for name in signer.names if name.casefold() in listed), signer.names[0])


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
