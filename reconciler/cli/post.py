"""Verb ``post``: what other verbs printed, as a comment, an issue or a pull request at a forge."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.forge import Forge, Posted, Proposal
from reconciler.cli.forge_calls import ForgeCalls, persist
from reconciler.cli.forge_github import Github
from reconciler.cli.forge_gitlab import Gitlab
from reconciler.cli.forge_site import read_site
from reconciler.cli.forms import topic
from reconciler.cli.options import Options
from reconciler.cli.post_event import Event, read_event
from reconciler.cli.posted_files import PostedFile, read_files
from reconciler.cli.postman import open_session
from reconciler.desired import Json
from reconciler.outputs.drift import DriftOutput
from reconciler.outputs.promote import PromoteOutput
from reconciler.render import escape
from reconciler.render_comment import Topic, read_topic, render_comment
from reconciler.render_json import JsonObject
from reconciler.render_markdown import MAX_BYTES, size

Sleep = Callable[[float], Awaitable[object]]
VERBS = {"comment": ("plan", "drift", "validate"), "issue": ("drift",), "pull-request": ("promote",)}
"""What can be posted as what."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one thing."""

    about: str
    result: str
    posted: Posted | None = None

    def json(self) -> JsonObject:
        """An entry of ``posted``."""
        number = self.posted.number if self.posted else None
        link = self.posted.link if self.posted else ""
        return {"about": self.about, "result": self.result, "number": number, "link": link or None}

    def text(self) -> str:
        """One line."""
        link = f" {escape(self.posted.link)}" if self.posted and self.posted.link else ""
        return f"{escape(self.about)}: {self.result}{link}\n"


@dataclass(frozen=True, slots=True)
class Letter:
    """A text and what it is about."""

    topic: Topic
    body: str
    is_due: bool | None = True
    """Of an issue: True it is to be open, False it is to be closed, None nobody can tell."""


def run(options: Options) -> Report:
    """Post the files. Raises Stop, ProviderError."""
    files = read_files(options.files, VERBS[options.what])
    if options.dry_run:
        return Report(DONE, "\n".join(_shown(options.what, files)), {"posted": []}, mode="offline")
    done = asyncio.run(_post(options, files))
    shown: list[Json] = [one.json() for one in done]
    return Report(DONE, "".join(one.text() for one in done), {"posted": shown}, mode="offline")


async def _post(options: Options, files: Sequence[PostedFile]) -> list[Done]:
    async with open_session() as session:
        calls = ForgeCalls(read_site(os.environ, options.forge), session)
        forge: Forge = Github(calls) if calls.site.kind == "github" else Gitlab(calls)
        return await post(options, files, forge, asyncio.sleep)


async def post(options: Options, files: Sequence[PostedFile], forge: Forge, sleep: Sleep) -> list[Done]:
    """Post them by this forge. Raises Stop, ProviderError."""
    if options.what == "pull-request":
        proposals = [proposal for file in files if (proposal := _proposal(file)) is not None]
        return [await persist(partial(_propose, forge, p), sleep) for p in proposals]
    letters = _letters(files)
    if options.what == "issue":
        author = await persist(forge.author, sleep)
        return [await persist(partial(_post_issue, forge, author, w), sleep) for w in letters]
    event = read_event(os.environ, options.number)
    _check_commit(event, files)
    number = await persist(partial(_number, forge, event), sleep)
    if number is None:
        return [Done("pull request", "nothing: it is closed, or has newer commits")]
    author = await persist(forge.author, sleep)
    return [await persist(partial(_post_comment, forge, author, number, w), sleep) for w in letters]


def _letters(files: Sequence[PostedFile]) -> list[Letter]:
    found = []
    for file in files:
        for output in file.outputs:
            about = topic(output, file.environment)
            told = output.result if isinstance(output, DriftOutput) else "cannot_tell"
            is_due = {"drifted": True, "clean": False}.get(told)
            found.append(Letter(about, render_comment(output, about), is_due))
    return found


def _check_commit(event: Event, files: Sequence[PostedFile]) -> None:
    """What another commit would change is not to be read as what this one does. Raises Stop."""
    for output in (output for file in files for output in file.outputs):
        if event.commit is not None and output.commit not in (None, event.commit):
            seen = "it is about another commit than the newest of the pull request"
            raise Stop(ERROR, (failure("FORGE006", "post", seen, "a plan of that commit"),))


async def _number(forge: Forge, event: Event) -> int | None:
    if event.number is not None or event.head is None:
        return event.number
    found = await forge.numbers_of(event.head)
    return found[0] if len(found) == 1 else None


async def _post_comment(forge: Forge, author: str, number: int, letter: Letter) -> Done:
    """Into our own comment, if there is one: ours by its author and by its marker."""
    about, ours = _about(letter.topic), []
    async for comment in forge.comments(number):
        if comment.author == author and _is_about(comment, letter.topic):
            ours.append(comment)
    exact = [comment for comment in ours if read_topic(comment.body) == letter.topic]
    for found in (*exact, *ours):
        if _is_same(found.body, letter.body):
            return Done(about, "unchanged", found)
        return Done(about, "updated", await forge.change_comment(number, found.number, letter.body))
    return Done(about, "created", await forge.comment(number, letter.body))


async def _post_issue(forge: Forge, author: str, letter: Letter) -> Done:
    """Open while something differs, closed when nothing does; left alone where nobody can tell."""
    about = _about(letter.topic)
    if letter.is_due is None:
        return Done(about, "nothing: cannot tell")
    found = None
    async for issue in forge.issues(author):
        if issue.author == author and _is_about(issue, letter.topic):
            found = issue
    if not letter.is_due:
        return (
            Done(about, "nothing")
            if found is None
            else Done(about, "closed", await forge.close_issue(found.number))
        )
    if found is None:
        title = f"Drift in {letter.topic.project}/{letter.topic.environment}"
        return Done(about, "created", await forge.open_issue(title, letter.body))
    if _is_same(found.body, letter.body):
        return Done(about, "unchanged", found)
    return Done(about, "updated", await forge.change_issue(found.number, letter.body))


async def _propose(forge: Forge, proposal: Proposal) -> Done:
    found = await forge.proposed(proposal)
    if found is None:
        return Done(proposal.branch, "created", await forge.propose(proposal))
    if _is_same(found.body, proposal.body) and found.title == proposal.title:
        return Done(proposal.branch, "unchanged", found)
    return Done(proposal.branch, "updated", await forge.change_proposal(found.number, proposal))


def _proposal(file: PostedFile) -> Proposal | None:
    """The pull request that ``promote`` asks for; None where it asks for none. Raises Stop."""
    (output,) = file.outputs
    if not isinstance(output, PromoteOutput):
        _refuse("promote failed: there is nothing to propose")
    wanted = output.pull_request
    if wanted is None:
        return None
    if size(wanted.body) > MAX_BYTES:
        _refuse("the text of the pull request is too long")
    return Proposal(wanted.title, wanted.body, wanted.branch, wanted.base)


def _shown(what: str, files: Sequence[PostedFile]) -> list[str]:
    if what != "pull-request":
        return [letter.body for letter in _letters(files)]
    return [f"{p.title}\n\n{p.body}\n" for file in files if (p := _proposal(file)) is not None]


def _is_about(posted: Posted, topic: Topic) -> bool:
    found = read_topic(posted.body)
    return found is not None and found.is_of(topic)


def _is_same(one: str, another: str) -> bool:
    return one.replace("\r\n", "\n").strip() == another.strip()


def _about(topic: Topic) -> str:
    return f"{topic.verb} of {topic.project or '?'}/{topic.environment or '?'}"


def _refuse(seen: str) -> NoReturn:
    raise Stop(ERROR, (failure("FORGE005", "post", seen, "the output of promote"),))
