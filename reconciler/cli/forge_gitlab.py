"""GitLab's REST API, whose pull requests are merge requests and whose comments are notes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode

from reconciler.cli.forge import Head, Posted, Proposal, map_of, name_of, number_of, text_of
from reconciler.cli.forge_calls import ForgeCalls, JsonMap
from reconciler.desired import Json


@dataclass(frozen=True, slots=True)
class Gitlab:
    """One project there."""

    calls: ForgeCalls

    async def author(self) -> str:
        return name_of((await self.calls.ask("GET", "/user")).content, "username")

    async def comments(self, number: int) -> AsyncIterator[Posted]:
        async for entry in self.calls.pages(f"{self._path}/merge_requests/{number}/notes?sort=asc"):
            if entry.get("system") is not True:
                yield _gitlab(entry, "id", "body")

    async def comment(self, number: int, body: str) -> Posted:
        return await self._write("POST", f"merge_requests/{number}/notes", "id", "body", body=body)

    async def change_comment(self, number: int, comment: int, body: str) -> Posted:
        return await self._write("PUT", f"merge_requests/{number}/notes/{comment}", "id", "body", body=body)

    async def issues(self, author: str) -> AsyncIterator[Posted]:
        query = urlencode({"state": "opened", "author_username": author})
        async for entry in self.calls.pages(f"{self._path}/issues?{query}"):
            yield _gitlab(entry, "iid", "description")

    async def open_issue(self, title: str, body: str) -> Posted:
        return await self._write("POST", "issues", "iid", "description", title=title, description=body)

    async def change_issue(self, issue: int, body: str) -> Posted:
        return await self._write("PUT", f"issues/{issue}", "iid", "description", description=body)

    async def close_issue(self, issue: int) -> Posted:
        return await self._write("PUT", f"issues/{issue}", "iid", "description", state_event="close")

    async def proposed(self, proposal: Proposal) -> Posted | None:
        wanted = {"source_branch": proposal.branch, "target_branch": proposal.base}
        query = urlencode({"state": "opened", **wanted})
        async for entry in self.calls.pages(f"{self._path}/merge_requests?{query}"):
            return _gitlab(entry, "iid", "description")
        return None

    async def propose(self, proposal: Proposal) -> Posted:
        said = {"title": proposal.title, "description": proposal.body}
        said |= {"source_branch": proposal.branch, "target_branch": proposal.base}
        return await self._write("POST", "merge_requests", "iid", "description", **said)

    async def change_proposal(self, number: int, proposal: Proposal) -> Posted:
        said = {"title": proposal.title, "description": proposal.body}
        return await self._write("PUT", f"merge_requests/{number}", "iid", "description", **said)

    async def numbers_of(self, head: Head) -> list[int]:
        query = urlencode({"state": "opened", "source_branch": head.branch})
        found = [entry async for entry in self.calls.pages(f"{self._path}/merge_requests?{query}")]
        return [number_of(entry, "iid") for entry in found if text_of(entry, "sha") == head.commit]

    @property
    def _path(self) -> str:
        return f"/projects/{quote(self.calls.site.project, safe='')}"

    async def _write(
        self, method: Literal["POST", "PUT"], path: str, key: str, text: str, **body: Json
    ) -> Posted:
        answer = await self.calls.ask(method, f"{self._path}/{path}", body)
        return _gitlab(map_of(answer.content), key, text)


def _gitlab(entry: JsonMap, key: str, text: str) -> Posted:
    author = text_of(map_of(entry.get("author")), "username")
    said = (text_of(entry, "title"), text_of(entry, text), text_of(entry, "web_url"))
    return Posted(number_of(entry, key), author, *said)
