"""What a webhook is about, by provider; and that nothing which merely looks like one does harm."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli.loop_payload import Delivery, Moved, read_delivery
from reconciler.cli.loop_tracked import is_newer, is_tracked
from reconciler.cli.loop_webhook import is_same_repository
from specs.environment import Environment
from specs.run_repository import RunRepository

A, B, NONE = "a" * 40, "b" * 40, "0" * 40
URL = "https://git.example.com/team/shop.git"
GITHUB = {"ref": "refs/heads/main", "before": A, "after": B, "repository": {"clone_url": URL}}
GITLAB = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "before": A,
    "after": B,
    "checkout_sha": B,
    "project": {"git_http_url": URL, "git_ssh_url": "git@git.example.com:team/shop.git"},
}
CLOUD = {
    "push": {
        "changes": [
            {
                "old": {"type": "branch", "name": "main", "target": {"hash": A}},
                "new": {"type": "branch", "name": "main", "target": {"hash": B}},
            }
        ]
    },
    "repository": {"links": {"html": {"href": "https://git.example.com/team/shop"}}},
}
SERVER = {
    "changes": [{"ref": {"id": "refs/heads/main", "type": "BRANCH"}, "fromHash": A, "toHash": B}],
    "repository": {"links": {"clone": [{"name": "http", "href": URL}, {"name": "ssh", "href": 7}]}},
}
PUSHES: list[tuple[str, str, dict[str, Any]]] = [
    ("x-github-event", "push", GITHUB),
    ("x-gitea-event", "push", GITHUB),
    ("x-forgejo-event", "push", GITHUB),
    ("x-gitlab-event", "Push Hook", GITLAB),
    ("x-gitlab-event", "System Hook", GITLAB),
    ("x-event-key", "repo:push", CLOUD),
    ("x-event-key", "repo:refs_changed", SERVER),
]


def read(header: str, event: str, body: object) -> Delivery:
    return read_delivery({header: event}, json.dumps(body).encode())


@pytest.mark.parametrize(("header", "event", "body"), PUSHES)
def test_a_push_says_what_moved_and_where(header: str, event: str, body: dict[str, Any]) -> None:
    found = read(header, event, body)
    assert found.moved == (Moved("refs/heads/main", A, B),)
    assert is_same_repository(URL, found.urls)
    assert not is_same_repository("https://git.example.com/team/shop-2.git", found.urls)


def test_a_branch_that_goes_and_one_that_comes_have_one_side() -> None:
    gone = read("x-github-event", "push", {**GITHUB, "after": NONE})
    assert gone.moved == (Moved("refs/heads/main", A, None),)
    come = {"old": None, "new": {"type": "tag", "name": "v1", "target": {"hash": B}}}
    found = read("x-event-key", "repo:push", {**CLOUD, "push": {"changes": [come]}})
    assert found.moved == (Moved("refs/tags/v1", None, B),)


def test_a_form_holds_the_same() -> None:
    body = urlencode({"payload": json.dumps(GITHUB)}).encode()
    form = {"content-type": "application/x-www-form-urlencoded; charset=utf-8", "x-github-event": "push"}
    assert read_delivery(form, body) == read("x-github-event", "push", GITHUB)
    assert read_delivery(form, json.dumps(GITHUB).encode()).kind == "push"
    with pytest.raises(ValueError, match="payload"):
        read_delivery(form, b"other=1")


def test_our_own_says_as_much_as_it_likes() -> None:
    assert read_delivery({}, b"") == Delivery("push")
    assert read_delivery({}, b"{}") == Delivery("push")
    found = read_delivery({}, json.dumps({"ref": "main", "after": B, "repository": URL}).encode())
    assert found == Delivery("push", (Moved("refs/heads/main", None, B),), (URL,))


@pytest.mark.parametrize(
    ("header", "event", "kind"),
    [
        ("x-github-event", "ping", "ping"),
        ("x-event-key", "diagnostics:ping", "ping"),
        ("x-github-event", "issues", "other"),
        ("x-gitlab-event", "Merge Request Hook", "other"),
        ("x-event-key", "pullrequest:created", "other"),
    ],
)
def test_other_events_are_no_news(header: str, event: str, kind: str) -> None:
    assert read(header, event, {"zen": "x"}).kind == kind


def changed(body: dict[str, Any]) -> list[Any]:
    """The payload without each of its members, at any depth, and with other things in their place."""
    found: list[Any] = []
    for key, value in body.items():
        odd: list[Any] = [None, 7, "", [], {}, [None], {"a": 1}]
        found += [{**body, key: other} for other in odd if other != value]
        found.append({k: v for k, v in body.items() if k != key})
        if isinstance(value, dict):
            found += [{**body, key: inner} for inner in changed(value)]
        if isinstance(value, list):
            found += [{**body, key: [inner]} for inner in changed(value[0])]
    return found


@pytest.mark.parametrize(("header", "event", "body"), PUSHES)
def test_what_is_missing_or_of_another_kind_is_an_error_or_no_matter(
    header: str, event: str, body: dict[str, Any]
) -> None:
    for other in [*changed(body), [], None, 1, "x", [body]]:
        try:
            found = read(header, event, other)
        except ValueError:
            continue
        assert found.kind in ("push", "other")
        assert all(one.ref.startswith("refs/") for one in found.moved)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([*PUSHES, ("content-type", "x", {})]), st.binary(max_size=200))
def test_bytes_are_never_more_than_an_error(provider: tuple[str, str, dict[str, Any]], body: bytes) -> None:
    try:
        read_delivery({provider[0]: provider[1]}, body)
    except ValueError:
        return


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff", b'{"ref":NaN}', b'{"a":1e999}']
)
def test_what_is_deep_or_endless_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (any of them)
        read_delivery({"x-github-event": "push"}, body)


@pytest.mark.parametrize(
    ("ours", "theirs", "is_same"),
    [
        (URL, "ssh://git@git.example.com:2222/team/shop.git", True),
        (URL, "git@git.example.com:team/shop", True),
        (URL, "HTTPS://GIT.EXAMPLE.COM/team/shop/", True),
        (URL, "https://git.example.com/team/shop.git.evil.example.com", False),
        (URL, "https://evil.example.com/?https://git.example.com/team/shop.git", False),
        (URL, "https://git.example.com/team/.*", False),
        (URL, "https://git.example.com/team/shop/../shop.git", False),
        ("https://git.example.com/team/shop-api", "https://git.example.com/team/shop", False),
    ],
)
def test_a_repository_is_compared_whole(ours: str, theirs: str, is_same: bool) -> None:
    assert is_same_repository(ours, (theirs,)) is is_same


def test_what_can_matter_is_what_is_read() -> None:
    entry = RunRepository(name="shop", url=URL, ref="main", environments=("dev", "prod"))
    environments = {
        "dev": Environment(project="shop"),
        "prod": Environment.model_validate({"project": "shop", "tracks": {"tags": "v*"}}),
        "other": Environment(project="shop", tracks="other"),
    }
    tips = {"HEAD": A, "refs/heads/main": A, "refs/heads/topic": B}

    def tracked(ref: str, entry: RunRepository = entry) -> bool:
        return is_tracked(entry, environments, tips, ref)

    assert [tracked(r) for r in ("refs/heads/main", "refs/tags/v1", "refs/tags/x")] == [True, True, False]
    assert not tracked("refs/heads/other"), "that environment is not kept here"
    assert tracked("refs/heads/other", entry.model_copy(update={"environments": ()}))
    default = entry.model_copy(update={"ref": None})
    assert tracked("refs/heads/main", default), "the default branch, whatever its name"
    assert not tracked("refs/heads/topic", default)
    assert is_tracked(entry, None, None, "refs/heads/topic"), "in doubt it can"


def test_a_remote_that_does_not_show_its_news_yet_is_seen() -> None:
    assert not is_newer({"refs/heads/main": A}, [("refs/heads/main", A)])
    assert is_newer({"refs/heads/main": B}, [("refs/heads/main", A)])
    assert is_newer({"refs/heads/main": A}, [("refs/heads/main", None)])
