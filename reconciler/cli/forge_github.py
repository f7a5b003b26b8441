"""GitHub's REST API, which Gitea and Forgejo speak too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlencode

from reconciler.cli.forge import Head, Posted, Proposal, map_of, name_of, number_of, text_of
from reconciler.cli.forge_calls import ForgeCalls, JsonMap
from reconciler.desired import Json

_BOT: Final = "github-actions[bot]"
"""Who a job's own token is, which may not ask that itself."""
_UNSAID: Final = frozenset((403, 404))


@dataclass(frozen=True, slots=True)
class Github:
    """One project there."""

    calls: ForgeCalls

    async def author(self) -> str:
        answer = await self.calls.ask("GET", "/user", takes=_UNSAID)
        return name_of(answer.content, "login") if answer.status < 300 else _BOT

    async def comments(self, number: int) -> AsyncIterator[Posted]:
        async for entry in self.calls.pages(f"{self._path}/issues/{number}/comments"):
            yield _github(entry, "id")

    async def comment(self, number: int, body: str) -> Posted:
        return await self._write("POST", f"issues/{number}/comments", "id", body=body)

    async def change_comment(self, number: int, comment: int, body: str) -> Posted:
        return await self._write("PATCH", f"issues/comments/{comment}", "id", body=body)

    async def issues(self, author: str) -> AsyncIterator[Posted]:
        query = urlencode({"state": "open", "creator": author})
        async for entry in self.calls.pages(f"{self._path}/issues?{query}"):
            if "pull_request" not in entry:
                yield _github(entry, "number")

    async def open_issue(self, title: str, body: str) -> Posted:
        return await self._write("POST", "issues", "number", title=title, body=body)

    async def change_issue(self, issue: int, body: str) -> Posted:
        return await self._write("PATCH", f"issues/{issue}", "number", body=body)

    async def close_issue(self, issue: int) -> Posted:
        return await self._write(
            "PATCH", f"issues/{issue}", "number", state="closed", state_reason="completed"
        )

    async def proposed(self, proposal: Proposal) -> Posted | None:
        account = self.calls.site.project.partition("/")[0]
        query = urlencode({"state": "open", "head": f"{account}:{proposal.branch}", "base": proposal.base})
        async for entry in self.calls.pages(f"{self._path}/pulls?{query}"):
            return _github(entry, "number")
        return None

    async def propose(self, proposal: Proposal) -> Posted:
        said = {"title": proposal.title, "body": proposal.body}
        return await self._write("POST", "pulls", "number", head=proposal.branch, base=proposal.base, **said)

    async def change_proposal(self, number: int, proposal: Proposal) -> Posted:
        said = {"title": proposal.title, "body": proposal.body}
        return await self._write("PATCH", f"pulls/{number}", "number", **said)

    async def numbers_of(self, head: Head) -> list[int]:
        # The event of a fork's run names no pull request.
        query = urlencode({"state": "open", "head": f"{head.account}:{head.branch}"})
        found = [entry async for entry in self.calls.pages(f"{self._path}/pulls?{query}")]
        return [number_of(e, "number") for e in found if text_of(map_of(e.get("head")), "sha") == head.commit]

    @property
    def _path(self) -> str:
        return f"/repos/{self.calls.site.project}"

    async def _write(self, method: Literal["POST", "PATCH"], path: str, key: str, **body: Json) -> Posted:
        return _github(map_of((await self.calls.ask(method, f"{self._path}/{path}", body)).content), key)


def _github(entry: JsonMap, key: str) -> Posted:
    author = text_of(map_of(entry.get("user")), "login")
    said = (text_of(entry, "title"), text_of(entry, "body"), text_of(entry, "html_url"))
    return Posted(number_of(entry, key), author, *said)
