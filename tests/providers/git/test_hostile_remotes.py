"""Remotes that answer what no remote should: one typed error, and the last good clone stays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from git_http import Answering, Behaviour, GitHttp
from git_repository import WrittenRepository
from providers.git.access import Access
from providers.git.cache import fetch_repository
from providers.git.ref import ref_paths
from providers.git.remote import list_tips
from providers.git.repository import GitRepository
from reconciler.provider import ProviderError, Refused

CANARY = "c4nary-login"


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    repository = WrittenRepository(tmp_path / "served" / "shop.git")
    repository.commit({"a": "1"})
    return repository


@pytest.fixture
def server(written: WrittenRepository) -> Iterator[GitHttp]:
    with GitHttp(written.path.parent) as running:
        yield running


@pytest.fixture
def clone(server: GitHttp, tmp_path: Path) -> GitRepository:
    return fetch_repository(f"{server.address}/shop.git", tmp_path / "cache", access=_login())


def _login() -> Access:
    return Access(token=CANARY, account="app")


def _page(request: BaseHTTPRequestHandler) -> Answering:
    return 200, {"Content-Type": "text/html"}, b"<html>\x1b[31mlog in\x07</html>"


def _nonsense(request: BaseHTTPRequestHandler) -> Answering:
    return 200, {"Content-Type": "application/x-git-upload-pack-advertisement"}, b"fffe" + b"\0" * 70_000


def _failing(request: BaseHTTPRequestHandler) -> Answering:
    return 500, {}, b"\x1b]0;title\x07"


def _refusing(request: BaseHTTPRequestHandler) -> Answering:
    return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b""


def _dribbling(request: BaseHTTPRequestHandler) -> Answering:
    request.send_response(200)
    request.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
    request.end_headers()
    with suppress(OSError):
        for _ in range(600):
            request.wfile.write(b"0")
            time.sleep(0.05)
    return 200, {}, b""


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (_nonsense, "GIT004"),
        (_failing, "GIT004"),
        (_refusing, "GIT013"),
        (_dribbling, "GIT001"),
    ],
)
def test_what_is_no_answer_is_one_error(
    server: GitHttp, clone: GitRepository, tmp_path: Path, behaviour: Behaviour, code: str
) -> None:
    url, good = f"{server.address}/shop.git", clone.resolve("HEAD")
    server.behaviour, began = behaviour, time.monotonic()
    for ask in (
        lambda: list_tips(url, tmp_path / "cache", _login(), timeout=1.0),
        lambda: fetch_repository(url, tmp_path / "cache", access=_login(), timeout=1.0),
    ):
        with pytest.raises(ProviderError) as raised:
            ask()
        assert raised.value.code == code
        assert raised.value.message.replace("\n", "").isprintable()
        assert CANARY not in repr(raised.value)
    assert time.monotonic() - began < 20
    assert clone.resolve("HEAD") == good


def test_a_page_is_not_a_repository_that_lost_its_branches(
    server: GitHttp, clone: GitRepository, tmp_path: Path
) -> None:
    url, good = f"{server.address}/shop.git", clone.resolve("HEAD")
    tips = list_tips(url, tmp_path / "cache", _login())
    server.behaviour = _page
    for listed, code in (
        (list_tips(url, tmp_path / "cache", _login()), "GIT016"),
        (None, "GIT016"),
        (tips, "GIT004"),
    ):
        with pytest.raises(ProviderError) as raised:
            fetch_repository(url, tmp_path / "cache", access=_login(), listed=listed)
        assert raised.value.code == code
        assert clone.resolve("HEAD") == good


def test_a_redirect_to_another_host_is_not_followed(
    server: GitHttp, clone: GitRepository, tmp_path: Path
) -> None:
    with GitHttp(server.root) as other:
        server.behaviour = lambda request: (302, {"Location": f"{other.address}{request.path}"}, b"")
        with pytest.raises(ProviderError):
            list_tips(f"{server.address}/shop.git", tmp_path / "cache", _login())
        assert (other.asked, other.given) == ([], [])


def test_a_pack_that_is_cut_off_is_not_taken(
    server: GitHttp, written: WrittenRepository, clone: GitRepository, tmp_path: Path
) -> None:
    good, url = clone.resolve("main"), f"{server.address}/shop.git"
    newer = written.commit({"a": "2"})
    server.cut = 60
    with pytest.raises(ProviderError):
        fetch_repository(url, tmp_path / "cache", access=_login())
    assert clone.resolve("main") == good
    assert list(clone.path.rglob("tmp_*")) == []
    server.cut = None
    assert fetch_repository(url, tmp_path / "cache", access=_login()).resolve("main") == newer


def test_names_of_refs_mean_what_they_are(
    server: GitHttp, written: WrittenRepository, clone: GitRepository, tmp_path: Path
) -> None:
    first = clone.resolve("main")
    second = written.commit({"a": "2"})
    for ref in (f"refs/heads/{first}", "refs/heads/--upload-pack=x", "refs/tags/main"):
        written.git("update-ref", ref, second)
    again = fetch_repository(f"{server.address}/shop.git", tmp_path / "cache", access=_login())
    assert again.resolve(first) == first, "an id is never a branch's name"
    assert again.resolve("HEAD") == second
    with pytest.raises(Refused) as raised:
        again.resolve("main")
    assert raised.value.code == "GIT009"
    with pytest.raises(Refused):
        ref_paths("--upload-pack=x")


def test_the_default_branch_is_renamed_and_lost(
    server: GitHttp, written: WrittenRepository, clone: GitRepository, tmp_path: Path
) -> None:
    url, cache = f"{server.address}/shop.git", tmp_path / "cache"
    assert clone.default_branch() == "main"
    commit = clone.resolve("HEAD")
    before = list_tips(url, cache, _login())
    written.git("branch", "-m", "main", "trunk")
    tips = list_tips(url, cache, _login())
    assert tips != before
    again = fetch_repository(url, cache, access=_login(), listed=tips)
    assert (again.default_branch(), again.resolve("HEAD")) == ("trunk", commit)
    written.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    tips = list_tips(url, cache, _login())
    assert "HEAD" not in tips
    assert fetch_repository(url, cache, access=_login(), listed=tips).resolve("trunk") == commit


def test_control_codes_of_authors_and_messages_stay_in_the_commit(
    server: GitHttp, written: WrittenRepository, clone: GitRepository, tmp_path: Path
) -> None:
    nasty = "\x1b[2J\x07\u202e"
    name, email = f"user.name=a{nasty}", "user.email=a@example.com"
    written.git("-c", name, "-c", email, "tag", "-a", "v1.0.0", "-m", f"{nasty}\n\n{nasty}")
    head = written.commit({"a": "3"}, message=f"{nasty}\rtree {'0' * 40}")
    again = fetch_repository(f"{server.address}/shop.git", tmp_path / "cache", access=_login())
    assert again.resolve("main") == head
    assert again.tags()["v1.0.0"].commit == clone.resolve("v1.0.0")
