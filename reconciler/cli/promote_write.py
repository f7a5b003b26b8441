"""Writing a promotion into git: on the branch that is tracked, or on one of its own for review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.branch_tip import unwritable
from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.promote_plan import Promotion
from reconciler.promotion import Change, Pinning
from reconciler.render import short_commit
from reconciler.render_promote import PromotionView, PullRequest, request_of
from specs.load import SpecFile, load
from specs.problem import Problem

if TYPE_CHECKING:
    from providers.git.branch import Branch


@dataclass(frozen=True, slots=True)
class Written:
    """Where the commit is; without one, why there is none. ``is_old``: it was there before."""

    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    followed: bool = False
    request: PullRequest | None = None
    problem: Problem | None = None
    is_old: bool = False


def push_commit(branch: Branch, tip: str, promotion: Promotion, reason: str | None) -> Written | None:
    """On the branch itself. None where somebody else was faster. Raises Stop where a file of somebody's would
    be overwritten, ProviderError."""
    path = promotion.path
    if branch.remote is None and branch.is_changed(path, tip):
        remedy = "commit or restore it"
        problem = failure("CLI058", path, "it is changed and not committed", "the file as committed", remedy)
        raise Stop(REFUSED, (problem,), promotion.owner, tip)
    commit = branch.write(tip, path, promotion.text, message_of(promotion, reason))
    pushed = branch.push(commit, tip)
    if pushed.result == "moved":
        return None
    if pushed.result == "refused":
        return Written(problem=unwritable(f"branch {branch.name}", f"the remote refuses it: {pushed.reason}"))
    return Written(commit, branch.name, branch.remote, branch.follow(commit, tip, path))


def push_review(
    branch: Branch, tip: str, promotion: Promotion, view: PromotionView, name: str, reason: str | None
) -> Written | None:
    """On a branch of its own, one a target: what it proposed before is replaced by a commit after it, never
    by force. None where somebody else was faster. Raises ProviderError."""
    review, subject = branch.beside(name), message_of(promotion, reason)
    request = request_of(subject.splitlines()[0], view, name, branch.name)
    old = review.find()
    if old is not None and _is_proposed(review.text_after(old, tip, promotion.path), promotion):
        return Written(old, name, branch.remote, followed=True, request=request, is_old=True)
    commit = branch.write(tip, promotion.path, promotion.text, subject, also=old)
    pushed = review.push(commit, old or "")
    if pushed.result == "moved":
        return None
    if pushed.result == "refused":
        return Written(problem=unwritable(f"branch {name}", f"the remote refuses it: {pushed.reason}"))
    return Written(commit, name, branch.remote, followed=True, request=request)


def _is_proposed(text: str | None, promotion: Promotion) -> bool:
    """Whether the branch for review says the same already: the same versions, whenever looked at."""
    if text is None:
        return False
    written, _ = load([SpecFile(promotion.path, text.encode())], path=promotion.source.path)
    name, wanted = promotion.owner.environment, promotion.pins
    there = Pinning(written.released(name), written.removed(name))
    return _versions(there) == _versions(wanted)


def _versions(pins: Pinning) -> dict[str, object]:
    services = {name: (it.commit, it.path, it.images) for name, it in pins.services.items()}
    return {**services, **{name: it.serial for name, it in pins.removed.items()}}


def review_name(environment_name: str) -> str:
    """The branch for review of an environment's promotions."""
    return f"promote/{environment_name}"


def message_of(promotion: Promotion, reason: str | None) -> str:
    """The commit's message."""
    name, source = promotion.owner.environment, promotion.offer.name
    each = [_line(change) for change in promotion.changes]
    title = f"Promote {source} to {name}: {each[0]}"
    if promotion.offer.is_past:
        title = f"Hotfix in {name}, past {source}: {each[0]}"
    if len(each) > 1:
        title = f"Promote {source} to {name}: {len(each)} services"
    body = [*([reason] if reason else []), *(["\n".join(each)] if len(each) > 1 else [])]
    return "\n\n".join([title, *body]) + "\n"


def _line(change: Change) -> str:
    if change.after is None:
        return f"{change.service_name} goes"
    return f"{change.service_name} at {short_commit(change.after.commit)}"
