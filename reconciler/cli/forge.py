"""What a forge is asked for: comments, issues and pull requests, in the words of either forge."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NoReturn, Protocol

from reconciler.cli.forge_calls import JsonMap
from reconciler.desired import Json
from reconciler.fault import Refused


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment, an issue or a pull request as the forge has it."""

    number: int
    """The comment's id, or what people call the issue or pull request by."""
    author: str
    title: str
    body: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request to open: what to take from ``branch`` into ``base``."""

    title: str
    body: str
    branch: str
    base: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the commits of a pull request come from, as the forge's event says."""

    account: str
    branch: str
    commit: str


class Forge(Protocol):
    """Every call raises Later where the same again can help, else Refused."""

    async def author(self) -> str:
        """Who we are."""
        ...

    def comments(self, number: int) -> AsyncIterator[Posted]:
        """All comments on a pull request, the oldest first."""
        ...

    async def comment(self, number: int, body: str) -> Posted: ...

    async def change_comment(self, number: int, comment: int, body: str) -> Posted: ...

    def issues(self, author: str) -> AsyncIterator[Posted]:
        """The open issues of this author."""
        ...

    async def open_issue(self, title: str, body: str) -> Posted: ...

    async def change_issue(self, issue: int, body: str) -> Posted: ...

    async def close_issue(self, issue: int) -> Posted: ...

    async def proposed(self, proposal: Proposal) -> Posted | None:
        """The open pull request from this branch into that one."""
        ...

    async def propose(self, proposal: Proposal) -> Posted: ...

    async def change_proposal(self, number: int, proposal: Proposal) -> Posted: ...

    async def numbers_of(self, head: Head) -> list[int]:
        """The open pull requests whose newest commit is this one."""
        ...


def map_of(value: Json) -> JsonMap:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(entry: JsonMap, name: str) -> str:
    """The text of a member, empty where it is none."""
    found = entry.get(name)
    return found if isinstance(found, str) else ""


def name_of(value: Json, name: str) -> str:
    """The text of a member that has to be there. Raises Refused."""
    return text_of(map_of(value), name) or _absent(name)


def number_of(entry: JsonMap, name: str) -> int:
    """The number of a member. Raises Refused where it is none."""
    found = entry.get(name)
    return found if isinstance(found, int) else _absent(name)


def _absent(name: str) -> NoReturn:
    seen = f"its answer has no {name}"
    raise Refused("FORGE003", "the forge", seen, "a forge's API", "correct the address")
