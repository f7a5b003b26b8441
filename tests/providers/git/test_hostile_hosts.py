"""A URL leads to the machine that it names, and to none that gives out credentials to whoever asks."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from git_repository import WrittenRepository
from providers.git.cache import fetch_repository, pinned
from providers.git.host import check_host, resolve_host
from providers.git.ref import ref_paths
from providers.git.repository import GitRepository
from providers.git.url import normal_url, parse_url
from reconciler.provider import ProviderError, Refused


@pytest.mark.parametrize(
    "host",
    [
        "2852039166",
        "0xa9fea9fe",
        "0xa9.0xfe.0xa9.0xfe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "127.1",
        "0",
        "0.0.0.0",
        "999.1.1.1",
        "169.254.169.254",
        "224.0.0.1",
        "240.0.0.1",
        "[fe80::1]",
        "[ff02::1]",
        "[::]",
        "[::ffff:169.254.169.254]",
        "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[2002:a9fe:a9fe::]",
    ],
)
def test_addresses_of_no_machine_and_look_alikes_are_refused(host: str) -> None:
    with pytest.raises(Refused) as caught:
        check_host(host)
    assert caught.value.code == "GIT012"
    if ":" not in host.strip("[]") or "." not in host:
        for url in (f"https://{host}/x", f"ssh://git@{host}/x", f"git@{host}:x"):
            with pytest.raises(Refused):
                parse_url(url)


@pytest.mark.parametrize(
    "host", ["git.example.com", "10.0.0.5", "127.0.0.1", "[fd00::5]", "[::1]", "a1", "0a.b"]
)
def test_names_and_addresses_of_machines_are_allowed(host: str) -> None:
    check_host(host)
    assert parse_url(f"https://{host}/x").host == host


def test_a_name_is_resolved_once_and_kept_to(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["203.0.113.7"]

    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, 443)) for answer in answers]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = parse_url("https://git.example.com:8443/x")
    assert pinned(url) == ["-c", "http.curloptResolve=git.example.com:8443:203.0.113.7"]
    for bad in ("169.254.169.254", "fe80::1%2", "::ffff:169.254.169.254", "0.0.0.0"):
        answers[:] = ["203.0.113.7", bad]
        with pytest.raises(Refused) as caught:
            resolve_host("git.example.com", 443)
        assert "git.example.com" in str(caught.value)
        with pytest.raises(Refused):
            pinned(parse_url("git@git.example.com:x"))


def test_git_keeps_to_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        port = server.getsockname()[1]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        (tmp_path / "cache").mkdir()
        with pytest.raises(ProviderError):
            fetch_repository(f"https://nowhere.invalid:{port}/x", tmp_path / "cache", timeout=2)
        connection, _ = server.accept()
        connection.close()
    assert list((tmp_path / "cache").iterdir()) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(https|ssh)://[^/]{0,20}@?[^/]{0,20}/.{0,20}", fullmatch=True))
def test_any_url_is_read_or_refused(text: str) -> None:
    normal_url(text)
    refused: list[str] = []
    try:
        url = parse_url(text)
    except Refused as error:
        refused.append(str(error))
    if refused:
        assert refused[0].isprintable()
        return
    assert not url.text.startswith("-")
    assert url.protocol in {"https", "ssh"}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_ref_is_a_full_path_or_refused(text: str) -> None:
    refused: list[str] = []
    try:
        paths = ref_paths(text)
    except Refused as error:
        refused.append(str(error))
    if refused:
        assert refused[0].isprintable()
        return
    assert all(path.startswith("refs/") or text == "HEAD" for path in paths)
    assert not any(".." in path or path.startswith("-") for path in paths)


def test_what_a_repository_carries_never_runs(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "repository")
    proof, trap = tmp_path / "proof", tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    trap.chmod(0o755)
    written.commit({".gitattributes": "* filter=trap diff=trap\n", "specs/a.yaml": "a: 1\n"})
    for name in ("post-checkout", "pre-commit", "post-index-change", "fsmonitor-watchman"):
        hook = written.path / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_bytes(trap.read_bytes())
        hook.chmod(0o755)
    for setting in (
        "core.fsmonitor",
        "diff.external",
        "diff.trap.command",
        "diff.trap.textconv",
        "core.pager",
    ):
        written.git("config", setting, str(trap))
    repository = GitRepository(written.path)
    (written.path / "specs/a.yaml").write_text("a: 2\n")
    repository.uncommitted(["."])
    tree = repository.tree(repository.resolve("HEAD"))
    tree.read(tree.files("."))
    tree.special_paths(tree.files("."))
    assert not proof.exists()
