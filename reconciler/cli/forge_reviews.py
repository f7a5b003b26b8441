"""Who approved the pull request that a forge merged with a commit.

An approval counts for the last commit of the pull request alone, where the forge says for which it was given;
never that of the author.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.cli.forge_reader import ForgeReader, Unanswered
from reconciler.desired import Json
from reconciler.gates import Approval, Approvals

if TYPE_CHECKING:
    from aiohttp import ClientSession

_APPROVED: Final = "APPROVED"
_DECISIONS: Final = (_APPROVED, "CHANGES_REQUESTED", "REQUEST_CHANGES", "DISMISSED")
"""States of a review that replace the one before; a comment does not."""
_MERGED_AS: Final = {
    "github": ("merge_commit_sha",),
    "gitea": ("merge_commit_sha",),
    "gitlab": ("merge_commit_sha", "squash_commit_sha", "sha"),
}


@dataclass(frozen=True, slots=True)
class _Merged:
    """A pull request that was merged, and its last commit."""

    number: int
    author: str
    head: str


async def reviews_of(
    reader: ForgeReader | None, session: ClientSession, commit: str, head: str | None
) -> Approvals:
    """Approvals of what was merged as ``commit``. ``head``: the last commit of the merged branch; None where
    ``commit`` is no merge. Where the forge cannot be asked, they are unknown."""
    if reader is None:
        return Approvals(unknown="there is no token with which the forge could be asked for reviews")
    try:
        found = list(_of_commit(await _pulls(reader, session, commit), commit, head, reader))
        if not found:
            return Approvals()
        merged = found[0]
        logins = await _approvers(reader, session, merged)
    except Unanswered as error:
        return Approvals(unknown=str(error))
    where = f"{'!' if reader.provider == 'gitlab' else '#'}{merged.number}"
    others = sorted({who for who in logins if who.casefold() != merged.author.casefold()})
    return Approvals(tuple(Approval(who, "review", where) for who in others))


async def _pulls(reader: ForgeReader, session: ClientSession, commit: str) -> list[Json]:
    if reader.provider == "gitlab":
        return await reader.read_all(session, f"{reader.root}/repository/commits/{commit}/merge_requests")
    if reader.provider == "gitea":
        return [await reader.read(session, f"{reader.root}/commits/{commit}/pull")]
    return await reader.read_all(session, f"{reader.root}/commits/{commit}/pulls")


def _of_commit(
    pulls: Iterable[Json], commit: str, head: str | None, reader: ForgeReader
) -> Iterator[_Merged]:
    """Those that became the commit; of a merge, by the branch that git says was merged."""
    for pull in pulls:
        if not isinstance(pull, Mapping) or not _is_merged(pull):
            continue
        if commit not in [pull.get(key) for key in _MERGED_AS[reader.provider]]:
            continue
        is_gitlab = reader.provider == "gitlab"
        last = pull.get("sha") if is_gitlab else _text(pull.get("head"), "sha")
        author = _text(pull.get("author"), "username") if is_gitlab else _text(pull.get("user"), "login")
        number = pull.get("iid" if is_gitlab else "number")
        if isinstance(number, int) and isinstance(last, str) and author and head in (None, last):
            yield _Merged(number, author, last)


def _is_merged(pull: Mapping[str, Json]) -> bool:
    return pull.get("state") == "merged" or bool(pull.get("merged_at"))


async def _approvers(reader: ForgeReader, session: ClientSession, merged: _Merged) -> set[str]:
    if reader.provider == "gitlab":
        path = f"{reader.root}/merge_requests/{merged.number}/approvals"
        answer = await reader.read(session, path)
        listed = answer.get("approved_by") if isinstance(answer, Mapping) else None
        users = [it.get("user") for it in _members(listed) if isinstance(it, Mapping)]
        return {name for user in users if (name := _text(user, "username"))}
    reviews = await reader.read_all(session, f"{reader.root}/pulls/{merged.number}/reviews")
    return _last_words(reviews, merged.head)


def _last_words(reviews: Iterable[Json], head: str) -> set[str]:
    """Who approved last of all, and what was merged; reviews come oldest first."""
    decided: dict[str, bool] = {}
    for review in reviews:
        if not isinstance(review, Mapping) or review.get("state") not in _DECISIONS:
            continue
        counts = review.get("state") == _APPROVED and review.get("commit_id") == head
        decided[_text(review.get("user"), "login")] = counts and not review.get("dismissed")
    return {login for login, approved in decided.items() if approved and login}


def _members(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _text(value: Json, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""
