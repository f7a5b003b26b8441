"""Checks by HTTP, and what forges say of commits and reviews: asked of real servers on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession

from answering import Answering
from reconciler.cli.forge_reader import ForgeReader, Provider, open_forge_session, reader_here
from reconciler.cli.forge_reviews import reviews_of
from reconciler.cli.forge_statuses import commit_status
from reconciler.cli.http_check import check_http
from scripted_server import serving
from specs.gate_check import Check

COMMIT, HEAD, OLDER = "a" * 40, "b" * 40, "c" * 40
TOKEN = "canary-7f3a"
REPO = "/repos/team/shop"


@pytest.fixture(name="server")
async def _server() -> AsyncIterator[Answering]:
    async with Answering() as server:
        yield server


@pytest.fixture(name="session")
async def _session() -> AsyncIterator[ClientSession]:
    async with open_forge_session() as session:
        yield session


def check(url: str, **words: object) -> Check:
    return Check.model_validate({"name": "smoke", "http": url, **words})


def reader(server: Answering, provider: Provider = "github") -> ForgeReader:
    return ForgeReader(provider, server.url, "team/shop", lambda: TOKEN)


async def test_a_page_is_as_written(server: Answering, session: ClientSession) -> None:
    server.answers |= {"/healthz": (200, "all is ready"), "/down": (503, "secret text")}
    assert await check_http(session, check(f"{server.url}/healthz")) == (True, "status 200")
    assert await check_http(session, check(f"{server.url}/down")) == (False, "status 503")
    assert await check_http(session, check(f"{server.url}/down", status=503)) == (True, "status 503")
    for text, expected in (
        ("ready", (True, "status 200, with the text")),
        ("well", (False, "status 200, without the text")),
    ):
        assert await check_http(session, check(f"{server.url}/healthz", contains=text)) == expected
    assert all(
        "Authorization" not in asked.headers and "Cookie" not in asked.headers for asked in server.asked
    )


async def test_a_redirect_leads_nowhere_else(server: Answering, session: ClientSession) -> None:
    server.answers |= {"/there": (200, ""), "/in": (302, ""), "/out": (302, ""), "/round": (302, "")}
    server.headers |= {
        "/in": {"Location": "/there"},
        "/out": {"Location": server.url.replace("127.0.0.1", "localhost") + "/there"},
        "/round": {"Location": "/round"},
    }
    assert await check_http(session, check(f"{server.url}/in")) == (True, "status 200")
    assert await check_http(session, check(f"{server.url}/in", status=302)) == (True, "status 302")
    before = len(server.asked)
    passed, seen = await check_http(session, check(f"{server.url}/out"))
    assert (passed, seen) == (False, "status 302, a redirect to another address, which is not followed")
    assert len(server.asked) == before + 1
    assert await check_http(session, check(f"{server.url}/round")) == (False, "more than 5 redirects")


async def test_an_answer_is_bounded_in_time_and_size(session: ClientSession) -> None:
    async def endless(head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 -\r\nConnection: close\r\n\r\n")
        while b"/fast" in head:
            writer.write(b"x" * 65536)
            await writer.drain()
        await asyncio.Event().wait()
        return False

    async with serving(endless) as port:
        fast = check(f"http://127.0.0.1:{port}/fast", contains="y", timeout="20s")
        assert await check_http(session, fast) == (False, "status 200, without the text")
        slow = check(f"http://127.0.0.1:{port}/slow", contains="y", timeout="200ms")
        assert await check_http(session, slow) == (False, "no answer within 0.2 s")
    refused = await check_http(session, check(f"http://127.0.0.1:{port}/"))
    assert refused == (False, "no answer (ClientConnectorError)")
    nowhere = await check_http(session, check("https://nowhere.invalid/"))
    assert nowhere == (None, "its host name cannot be resolved from here")


def statuses(*members: tuple[str, str]) -> tuple[int, Any]:
    return 200, {"statuses": [{"context": name, "state": state} for name, state in members]}


async def test_a_status_of_github_or_gitea_is_that_of_the_commit(
    server: Answering, session: ClientSession
) -> None:
    path, runs = f"{REPO}/commits/{COMMIT}/status", f"{REPO}/commits/{COMMIT}/check-runs"
    server.answers[runs] = (200, {"check_runs": []})
    for provider in ("github", "gitea"):
        server.answers[path] = statuses(*[("ci/lint", "failure")] * 150, ("ci/test", "success"))
        asked = reader(server, provider)
        assert await commit_status(asked, session, COMMIT, "ci/test") == (
            True,
            "success, at commit aaaaaaaaaa",
        )
        none = (False, "commit aaaaaaaaaa has no status ci/none")
        assert await commit_status(asked, session, COMMIT, "ci/none") == none
        server.answers[path] = statuses(("ci/test", "pending"))
        pending = (False, "pending, at commit aaaaaaaaaa")
        assert await commit_status(asked, session, COMMIT, "ci/test") == pending


async def test_a_check_run_of_github_counts_as_a_status_does(
    server: Answering, session: ClientSession
) -> None:
    path, runs = f"{REPO}/commits/{COMMIT}/status", f"{REPO}/commits/{COMMIT}/check-runs"
    github = reader(server)
    for run, expected in (
        ({"status": "completed", "conclusion": "success"}, (True, "success, at commit aaaaaaaaaa")),
        ({"status": "completed", "conclusion": "skipped"}, (False, "skipped, at commit aaaaaaaaaa")),
        ({"status": "in_progress", "conclusion": None}, (False, "in_progress, at commit aaaaaaaaaa")),
    ):
        server.answers |= {path: statuses(), runs: (200, {"check_runs": [{"name": "ci/test", **run}]})}
        assert await commit_status(github, session, COMMIT, "ci/test") == expected
    server.answers[path] = statuses(("ci/test", "failure"))
    server.answers[runs] = (200, {"check_runs": [{"name": "ci/test", "conclusion": "success"}]})
    assert (await commit_status(github, session, COMMIT, "ci/test"))[0] is False, "both are asked"
    assert server.asked[-1].query["check_name"] == "ci/test"
    assert all(asked.headers["Authorization"] == f"Bearer {TOKEN}" for asked in server.asked)


async def test_a_status_of_gitlab_is_found_behind_a_hundred(
    server: Answering, session: ClientSession
) -> None:
    path = f"/projects/team%2Fshop/repository/commits/{COMMIT}/statuses"
    others = [{"name": "ci/test", "status": "success"}] * 100
    server.answers[path] = (
        200,
        [*others, {"name": "ci/test", "status": "failed"}, {"name": "x", "status": "y"}],
    )
    found = await commit_status(reader(server, "gitlab"), session, COMMIT, "ci/test")
    assert found == (False, "failed, success, at commit aaaaaaaaaa")
    assert server.asked[-1].query["page"] == "2"
    assert server.asked[-1].headers["PRIVATE-TOKEN"] == TOKEN


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 500])
async def test_a_forge_that_does_not_answer_says_nothing(
    server: Answering, session: ClientSession, status: int
) -> None:
    server.answers[f"{REPO}/commits/{COMMIT}/status"] = (status, TOKEN)
    server.headers[f"{REPO}/commits/{COMMIT}/status"] = {"Location": "/elsewhere"}
    found = await commit_status(reader(server), session, COMMIT, "ci/test")
    assert found == (None, f"the forge answered {status}")
    assert len(server.asked) == 1


@pytest.mark.parametrize("text", ["", "[1]", "{", "null", '{"statuses": 7}', "[" * 100_000])
async def test_an_answer_of_nonsense_says_nothing(
    server: Answering, session: ClientSession, text: str
) -> None:
    server.answers[f"{REPO}/commits/{COMMIT}/status"] = (200, text)
    passed, seen = await commit_status(reader(server), session, COMMIT, "ci/test")
    assert passed is None
    assert seen.startswith(("no answer of the forge", "the forge's answer is no list"))


def review(login: str, state: str = "APPROVED", commit: str = HEAD) -> dict[str, Any]:
    return {"user": {"login": login}, "state": state, "commit_id": commit}


def pull(**words: Any) -> dict[str, Any]:
    merged = {"merged_at": "2026-11-30T00:00:00Z", "merge_commit_sha": COMMIT, "head": {"sha": HEAD}}
    return {"number": 7, "user": {"login": "carol"}, **merged, **words}


async def approvers(
    server: Answering, session: ClientSession, pulls: list[Any], reviews: list[Any], head: str | None = HEAD
) -> list[str]:
    server.answers[f"{REPO}/commits/{COMMIT}/pulls"] = (200, pulls)
    server.answers[f"{REPO}/pulls/7/reviews"] = (200, reviews)
    found = await reviews_of(reader(server), session, COMMIT, head)
    assert found.unknown == ""
    assert {approval.where for approval in found.given} <= {"#7"}
    return [approval.who for approval in found.given]


async def test_reviews_of_github_count_for_what_was_merged(server: Answering, session: ClientSession) -> None:
    alice = [review("alice")]
    assert await approvers(server, session, [pull()], alice) == ["alice"]
    assert await approvers(server, session, [pull()], alice, head=None) == ["alice"], "squashed"
    for text, reviews in (
        ("by the author", [review("Carol")]),
        ("before the last push", [review("alice", commit=OLDER)]),
        ("taken back", [review("alice"), review("alice", "CHANGES_REQUESTED")]),
        ("dismissed", [review("alice", "DISMISSED")]),
        ("a comment", [review("alice", "COMMENTED")]),
    ):
        assert await approvers(server, session, [pull()], reviews) == [], text
    changed_mind = [review("alice", "CHANGES_REQUESTED"), review("alice"), review("alice", "COMMENTED")]
    assert await approvers(server, session, [pull()], changed_mind) == ["alice"]
    many = [review("alice", "COMMENTED")] * 250 + [review("bob"), review("alice")]
    assert await approvers(server, session, [pull()], many) == ["alice", "bob"]


async def test_reviews_of_another_pull_request_count_for_nothing(
    server: Answering, session: ClientSession
) -> None:
    alice = [review("alice")]
    for text, other in (
        ("not merged", pull(merged_at=None)),
        ("merged as another commit", pull(merge_commit_sha=OLDER)),
        ("of another branch than git merged", pull(head={"sha": OLDER})),
        ("of nobody", pull(user=None)),
    ):
        reviews = [*alice, review("bob", commit=OLDER)]
        assert await approvers(server, session, [other], reviews) == [], text
    assert await approvers(server, session, [], alice) == []
    assert await approvers(server, session, [pull(merge_commit_sha=OLDER), pull()], alice) == ["alice"]


async def test_reviews_of_gitlab_and_gitea(server: Answering, session: ClientSession) -> None:
    root = "/projects/team%2Fshop"
    merged = {
        "iid": 3,
        "state": "merged",
        "merge_commit_sha": COMMIT,
        "sha": HEAD,
        "author": {"username": "carol"},
    }
    users = [{"user": {"username": name}} for name in ("carol", "alice")]
    server.answers |= {
        f"{root}/repository/commits/{COMMIT}/merge_requests": (200, [merged]),
        f"{root}/merge_requests/3/approvals": (200, {"approved_by": users}),
        f"{REPO}/commits/{COMMIT}/pull": (200, pull()),
        f"{REPO}/pulls/7/reviews": (200, [review("alice"), {**review("bob"), "dismissed": True}]),
    }
    for provider, where in (("gitlab", "!3"), ("gitea", "#7")):
        found = await reviews_of(reader(server, provider), session, COMMIT, HEAD)
        assert [(approval.who, approval.where) for approval in found.given] == [("alice", where)]


async def test_reviews_that_cannot_be_asked_for_are_unknown(
    server: Answering, session: ClientSession
) -> None:
    found = await reviews_of(None, session, COMMIT, HEAD)
    assert (found.given, found.unknown != "") == ((), True)
    assert (await reviews_of(reader(server), session, COMMIT, HEAD)).unknown == "the forge answered 404"

    def no_token() -> str:
        raise OSError(TOKEN)

    empty = ForgeReader("github", server.url, "team/shop", no_token)
    assert (await reviews_of(empty, session, COMMIT, HEAD)).unknown == "there is no token (OSError)"


def test_a_token_goes_to_the_forge_of_the_job_alone() -> None:
    github = {"GITHUB_API_URL": "https://ghe.example.com/api/v3", "GITHUB_REPOSITORY": "team/shop"}
    gitlab = {"CI_API_V4_URL": "https://git.example.com/api/v4", "CI_PROJECT_PATH": "team/sub/shop"}

    def found(variables: dict[str, str], remote: str | None = None) -> tuple[str, str, str] | None:
        here = reader_here(variables, remote)
        return here and (here.provider, here.api, here.root)

    assert found(github) is None
    assert found({**github, "GITHUB_TOKEN": TOKEN}) == ("github", github["GITHUB_API_URL"], REPO)
    gitea = {**github, "GITHUB_TOKEN": TOKEN, "GITEA_ACTIONS": "true"}
    assert found(gitea) == ("gitea", github["GITHUB_API_URL"], REPO)
    assert found({**gitlab, "GITLAB_TOKEN": TOKEN}) == (
        "gitlab",
        gitlab["CI_API_V4_URL"],
        "/projects/team%2Fsub%2Fshop",
    )
    token = {"GITHUB_TOKEN": TOKEN}
    assert found(token, "github.com/team/shop") == ("github", "https://api.github.com", REPO)
    assert found(token, "evil.example.com/team/shop") is None
    assert found(token, "gitlab.com/team/shop") is None
    assert found({**github, "GITHUB_TOKEN": "two words"}) is None
    assert found({**github, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": "http://ghe.example.com"}) is None
