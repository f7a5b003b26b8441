"""What is posted to a forge: into our own comment and no other, once, whatever the forge answers."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forge_stand_in import BOT, TOKEN, ForgeStandIn
from outputs import COMMIT, action, diff, drift, drifted, envelope, plan, problem
from reconciler.cli import post as verb
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.forge_calls import ForgeCalls
from reconciler.cli.forge_github import Github
from reconciler.cli.forge_gitlab import Gitlab
from reconciler.cli.forge_site import read_site
from reconciler.cli.options import Options
from reconciler.cli.posted_files import read_files
from reconciler.cli.postman import open_session
from reconciler.desired import Json
from reconciler.fault import ProviderError
from reconciler.render_comment import Topic
from reconciler.render_markdown import MAX_BYTES

MARKER = Topic("plan", "shop", "dev").marker
PLAN = plan([action("create", "web")])


@pytest.fixture(name="forge", params=["github", "gitlab"])
def _forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeStandIn]:
    for name in ("GITHUB_ACTIONS", "GITLAB_CI", "GITHUB_EVENT_PATH", "CI_MERGE_REQUEST_IID"):
        monkeypatch.delenv(name, raising=False)
    with ForgeStandIn(kind=request.param) as forge:
        token = "GITHUB_TOKEN" if forge.kind == "github" else "GITLAB_TOKEN"
        for name, value in {**forge.variables(), token: TOKEN}.items():
            monkeypatch.setenv(name, value)
        yield forge


class Poster:
    """Posts outputs as the verb does; sleeps are written down instead of slept."""

    def __init__(self, folder: Path, forge: ForgeStandIn) -> None:
        self.folder, self.forge, self.slept = folder, forge, list[float]()

    def file(self, value: dict[str, Json], called: str = "env0") -> str:
        (self.folder / f"{called}.json").write_text(json.dumps(value))
        return str(self.folder / f"{called}.json")

    def post(
        self, what: str, value: dict[str, Json], number: int | None = 12, called: str = "env0"
    ) -> list[str]:
        """The results, one for each thing."""
        options = Options("post", what=what, files=(self.file(value, called),), number=number)
        return [done.result for done in asyncio.run(self._post(options))]

    async def _post(self, options: Options) -> list[verb.Done]:
        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        async with open_session() as session:
            calls = ForgeCalls(read_site(os.environ, None), session)
            forge = Github(calls) if self.forge.kind == "github" else Gitlab(calls)
            files = read_files(options.files, verb.VERBS[options.what])
            return await verb.post(options, files, forge, sleep)


@pytest.fixture(name="poster")
def _poster(forge: ForgeStandIn, tmp_path: Path) -> Poster:
    return Poster(tmp_path, forge)


def test_a_comment_is_made_once_and_then_changed(poster: Poster, forge: ForgeStandIn) -> None:
    assert poster.post("comment", PLAN) == ["created"]
    assert poster.post("comment", PLAN) == ["unchanged"]
    assert poster.post("comment", plan([action("remove", "web")])) == ["updated"]
    assert len(forge.comments) == 1
    assert forge.comments[0]["body"].startswith(f"{MARKER}\n### Plan for shop/dev")
    assert "remove" in forge.comments[0]["body"]
    assert [method for method, _ in forge.written] == ["POST", "PATCH" if forge.kind == "github" else "PUT"]
    assert forge.tokens == {f"Bearer {TOKEN}" if forge.kind == "github" else TOKEN}


def test_only_our_own_comment_is_changed_on_whatever_page_it_is(poster: Poster, forge: ForgeStandIn) -> None:
    for number in range(230):
        forge.add_comment("mallory" if number % 2 else "ann", f"{MARKER}\nours, believe me {number}")
    forge.add_comment(forge.me, "of us, and about something else")
    forge.add_comment(forge.me, Topic("plan", "shop", "prod").marker + "\nof us, of another environment")
    ours = forge.add_comment(forge.me, f"{MARKER}\r\nof us")
    for number in range(80):
        forge.add_comment("ann", f"more {number}")
    before = [dict(comment) for comment in forge.comments if comment is not ours]
    assert poster.post("comment", PLAN) == ["updated"]
    assert [comment for comment in forge.comments if comment is not ours] == before
    assert "create" in ours["body"]


def test_several_environments_have_a_comment_each(poster: Poster, forge: ForgeStandIn) -> None:
    part = {k: v for k, v in PLAN.items() if k not in ("schema", "tool", "at")}
    parts = [{**part, "owner": {"project": "shop", "environment": name}} for name in ("dev", "prod")]
    both = {**envelope("plan", owner=None), "environments": list[Json](parts)}
    assert poster.post("comment", both) == ["created", "created"]
    assert poster.post("comment", both) == ["unchanged", "unchanged"]


def test_a_failure_and_what_follows_it_share_a_comment(poster: Poster, forge: ForgeStandIn) -> None:
    failed = envelope("plan", exit=1, owner=None, problems=[problem()])
    assert poster.post("comment", failed) == ["created"]
    mended = {**PLAN, "owner": {"project": "shop", "environment": "env0"}}
    assert poster.post("comment", mended) == ["updated"]
    assert poster.post("comment", failed) == ["updated"]
    assert len(forge.comments) == 1


def test_what_was_done_and_not_answered_is_not_done_twice(poster: Poster, forge: ForgeStandIn) -> None:
    forge.bad = [("POST", -1, {})]
    assert poster.post("comment", PLAN) == ["unchanged"]
    assert len(forge.comments) == 1
    assert poster.slept == [2.0]


def test_a_forge_that_says_later_is_asked_again_when_it_says(poster: Poster, forge: ForgeStandIn) -> None:
    forge.bad = [("GET", 429, {"Retry-After": "7"}), ("GET", 403, {"Retry-After": "5"}), ("POST", 503, {})]
    assert poster.post("comment", PLAN) == ["created"]
    assert poster.slept == [7.0, 5.0, 2.0]
    forge.bad = [("GET", 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"})]
    with pytest.raises(ProviderError) as told:
        poster.post("comment", PLAN)
    assert told.value.code == "FORGE004"
    assert len(forge.comments) == 1


def test_a_refusal_is_told_without_the_token(poster: Poster, forge: ForgeStandIn) -> None:
    forge.bad = [("POST", 422, {})]
    with pytest.raises(ProviderError, match=r"answered 422: no, .masked.") as told:
        poster.post("comment", PLAN)
    assert (told.value.code, poster.slept) == ("FORGE003", [])
    assert TOKEN not in str(told.value)


def test_no_redirect_is_followed(poster: Poster, forge: ForgeStandIn) -> None:
    with ForgeStandIn() as other:
        forge.bad = [("POST", 307, {"Location": f"{other.url}/x"})]
        with pytest.raises(ProviderError, match="it answers elsewhere"):
            poster.post("comment", PLAN)
        assert other.calls == []


def test_an_issue_is_open_while_there_is_drift(poster: Poster, forge: ForgeStandIn) -> None:
    body = Topic("drift", "shop", "dev").marker
    forge.add_issue("mallory", "Drift in shop/dev", body)
    if forge.kind == "github":
        forge.add_issue(BOT, "a pull request", body, pull_request={})
    clean, bad = drift(drifted("web")), drift(drifted("web", diff("restart", "always", "no", "live")))
    assert poster.post("issue", clean) == ["nothing"]
    assert poster.post("issue", bad) == ["created"]
    assert poster.post("issue", bad) == ["unchanged"]
    assert poster.post("issue", drift(drifted("web", result="cannot_tell"))) == ["nothing: cannot tell"]
    assert poster.post("issue", envelope("drift", exit=1, problems=[problem()])) == ["nothing: cannot tell"]
    assert poster.post("issue", drift(drifted("web", diff("user", "1", "2", "live")))) == ["updated"]
    ours = forge.issues[-1]
    assert (ours["title"], ours["state"]) == ("Drift in shop/dev", "open")
    assert "user: applied" in ours["body"]
    assert poster.post("issue", clean) == ["closed"]
    assert ours["state"] == "closed"
    assert {issue["state"] for issue in forge.issues[:-1]} == {"open"}


REQUEST = {"title": "Promote", "body": "all of it", "branch": "promote/prod", "base": "main"}


def promotion(request: Any = REQUEST) -> dict[str, Json]:
    told = {"from": "dev", "to": "prod", "result": "written", "branch": "promote/prod"}
    lists: dict[str, Any] = {"services": [], "gates": [], "copies": []}
    return envelope("promote", **told, **lists, pull_request=request)


def test_a_promotion_is_proposed_once(poster: Poster, forge: ForgeStandIn) -> None:
    assert poster.post("pull-request", promotion(None)) == []
    assert poster.post("pull-request", promotion()) == ["created"]
    assert poster.post("pull-request", promotion()) == ["unchanged"]
    assert poster.post("pull-request", promotion({**REQUEST, "title": "Promote 2"})) == ["updated"]
    assert len(forge.pulls) == 1
    with pytest.raises(Stop):
        poster.post("pull-request", envelope("promote", exit=4, problems=[problem()]))
    with pytest.raises(Stop):
        poster.post("pull-request", promotion({**REQUEST, "body": "x" * (MAX_BYTES + 1)}))


@pytest.mark.parametrize("forge", ["github"], indirect=True)
def test_the_number_is_that_of_the_event(
    poster: Poster, forge: ForgeStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def event(**value: Any) -> None:
        (tmp_path / "event.json").write_text(json.dumps({"repository": {"id": 1}, **value}))

    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    run = {
        "head_sha": COMMIT,
        "head_branch": "x&state=closed",
        "head_repository": {"owner": {"login": "ann"}},
        "pull_requests": [],
    }
    pull = {"number": 12, "head": {"sha": COMMIT}, "base": {"repo": {"id": 1}}}
    event(pull_request={"number": 12})
    assert poster.post("comment", PLAN, number=None) == ["created"]
    event(workflow_run={**run, "pull_requests": [pull, {**pull, "base": {"repo": {"id": 2}}, "number": 99}]})
    assert poster.post("comment", PLAN, number=None) == ["unchanged"]
    # A fork's: the event lists none, so it is looked for by where its commits come from.
    event(workflow_run=run)
    assert poster.post("comment", PLAN, number=None) == ["nothing: it is closed, or has newer commits"]
    newer, same = {"number": 11, "head": {"sha": "0" * 40}}, {"number": 12, "head": {"sha": COMMIT}}
    forge.pulls = [{**found, "label": "ann:x&state=closed"} for found in (newer, same)]
    assert poster.post("comment", PLAN, number=None) == ["unchanged"]
    with pytest.raises(Stop) as told:
        poster.post("comment", {**PLAN, "commit": "1" * 40}, number=None)
    assert told.value.problems[0].code == "FORGE006"
    for value in ({}, {"pull_request": {"number": "12"}}, {"workflow_run": {"head_sha": COMMIT}}):
        event(**value)
        with pytest.raises(Stop) as told:
            poster.post("comment", PLAN, number=None)
        assert told.value.problems[0].code == "FORGE007"
    assert len(forge.comments) == 1


def test_a_file_of_another_job_is_taken_for_hostile(poster: Poster, forge: ForgeStandIn) -> None:
    folder = poster.folder
    (folder / "secret").write_text(json.dumps(PLAN))
    (folder / "link.json").symlink_to(folder / "secret")
    deep = "[" * 100_000
    bad = {
        "deep.json": f'{{"schema": "reconciler/plan/v1", "a": {deep}',
        "nan.json": json.dumps({**PLAN, "x": float("nan")}),
        "other.json": json.dumps(envelope("apply")),
        "owner.json": json.dumps({**PLAN, "owner": {"project": "a\n## b", "environment": "dev"}}),
        "latin.json": "\udcff",
        "list.json": "[]",
    }
    for name, text in bad.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    for name in (*bad, "link.json", "absent.json", "."):
        with pytest.raises(Stop) as told:
            read_files([str(folder / name)], ("plan",))
        assert told.value.problems[0].code == "FORGE005", name
    assert forge.calls == []


def test_nothing_is_sent_without_a_token_or_to_a_wrong_place(
    poster: Poster, forge: ForgeStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {
        "github": ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"),
        "gitlab": ("CI_API_V4_URL", "CI_PROJECT_ID", "GITLAB_TOKEN"),
    }[forge.kind]
    for name, value, code in (
        (names[0], "http://example.com", "FORGE001"),
        (names[0], "https://me:word@example.com", "FORGE001"),
        (names[1], "../../user", "FORGE001"),
        (names[2], "", "FORGE002"),
        (names[2], "a\r\nX: y", "FORGE002"),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            with pytest.raises(Stop) as told:
                poster.post("comment", PLAN)
        assert told.value.problems[0].code == code, name
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITLAB_CI", raising=False)
    with pytest.raises(Stop):
        poster.post("comment", PLAN)
    assert forge.calls == []


def test_a_dry_run_prints_what_would_be_posted(poster: Poster, forge: ForgeStandIn) -> None:
    def dry(what: str, value: dict[str, Json]) -> Report:
        return verb.run(Options("post", what=what, files=(poster.file(value),), dry_run=True))

    assert dry("comment", PLAN).text.startswith(MARKER)
    assert dry("pull-request", promotion()).text == "Promote\n\nall of it\n"
    assert forge.calls == []


def test_a_plan_of_all_that_failed_takes_the_place_of_the_first(poster: Poster, forge: ForgeStandIn) -> None:
    """The file is called like its verb: nobody knows of which environment it would have been."""
    failed = envelope("plan", exit=1, owner=None, problems=[problem()])
    other = {**PLAN, "owner": {"project": "shop", "environment": "prod"}}
    for value in (PLAN, other, failed):
        assert poster.post("comment", value, called="plan") == ["updated" if value is failed else "created"]
    assert forge.comments[0]["body"].startswith("<!-- reconciler:plan:/ -->")
    assert poster.post("comment", other, called="plan") == ["unchanged"]
    assert poster.post("comment", PLAN, called="plan") == ["updated"]
    assert forge.comments[0]["body"].startswith(MARKER)
    assert len(forge.comments) == 2
