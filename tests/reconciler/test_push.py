"""git push straight to a loop over HTTP: by the real git, over an engine in memory."""

from __future__ import annotations

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from providers.memory import Behaviour
from push_site import TOKEN, PushSite, push_site
from specs.reference import ImageRef


@pytest.fixture(name="site")
async def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PushSite]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with push_site(tmp_path) as site:
        yield site


async def test_a_push_is_judged_taken_and_shown_to_its_end(
    site: PushSite, capfd: pytest.CaptureFixture[str]
) -> None:
    # what is wrong is refused with its place, by a child, and nothing moves
    site.clone.commit(
        {"specs/dev.yaml": site.environment(), "specs/web.yaml": site.service("1", replicsa="2")}
    )
    status, said = await site.push()
    assert status != 0
    assert "specs/web.yaml:4:" in said
    assert "SPEC012" in said
    assert not any((site.bare / "refs/heads").iterdir())

    # what is only asked for is planned on what lives, and refused
    site.commit("1")
    status, said = await site.push("--push-option=plan-only")
    assert status != 0
    assert "create" in said
    assert "PUSH006" in said
    assert not any((site.bare / "refs/heads").iterdir())
    assert site.world.engine.made == []

    status, said = await site.push("--push-option=wait")
    assert status == 0, said
    assert "shop/dev at" in said, "the plan"
    assert "create" in said
    assert "settled after" in said
    assert "dev: settled" in said
    assert said.index("settled after") < said.index("remote: ok")
    first = site.running()
    assert len(first) == 1

    # the plan of the next one is about what lives now; then a push that nobody waits for
    site.commit("2")
    status, said = await site.push("--push-option=plan-only")
    assert "environment.VERSION" in said, said
    assert site.running() == first
    status, said = await site.push("--push-option=no-wait")
    assert (status, "settled" in said) == (0, False), said
    await site.until(lambda: site.running() != first and len(site.running()) == 1)
    out = capfd.readouterr()
    assert TOKEN not in out.out + out.err + said


async def test_rules(site: PushSite) -> None:
    commit = site.commit("1")
    assert (await site.push("--push-option=no-wait"))[0] == 0
    site.clone.git("tag", "v1")
    assert (await site.push("v1"))[0] == 0
    site.clone.git("switch", "-q", "-c", "release/1")
    released = site.commit("1.1")
    status, said = await site.push("release/1")
    assert status == 0
    assert "no environment that you see follows it" in said

    site.clone.git("switch", "-q", "main")
    newer = site.commit("2")
    assert (await site.push("--push-option=no-wait"))[0] == 0
    for words, code in (
        (("main:other",), "PUSH001"),
        (("main:refs/notes/x",), "PUSH001"),
        ((":main",), "PUSH002"),
        (("--force", f"{commit}:main"), "PUSH003"),
        (("--force", "main:refs/tags/v1"), "PUSH003"),
        (("--push-option=bogus", "main:release/2"), "push option bogus"),
    ):
        status, said = await site.push(*words)
        assert (status != 0, code in said) == (True, True), (words, said)
    many = [f"main:refs/heads/release/x{number}" for number in range(51)]
    status, said = await site.push(*many)
    assert (status != 0, "50 refs" in said or "413" in said) == (True, True), said
    refs = site.clone.git("--git-dir", str(site.bare), "for-each-ref", "--format=%(refname) %(objectname)")
    assert refs.splitlines() == [
        f"refs/heads/main {newer}",
        f"refs/heads/release/1 {released}",
        f"refs/tags/v1 {commit}",
    ]
    assert not list((site.bare / "objects").glob("*incoming*")), "no quarantine stays"


async def test_who_is_let_in(site: PushSite) -> None:
    site.commit("1")
    answers = []
    for user, token, name in (
        ("ann", "wrong-token-of-ann-0123", "shop"),
        ("ann", "wrong-token-of-ann-0123", "none"),
        ("ann", TOKEN, "none"),
        ("ann", "", "shop"),
    ):
        status, said = await site.push(to=site.url(user, token, name))
        assert status != 0
        answers.append(said.replace(f"/{name}.git", "/NAME.git"))
    assert len(set(answers)) == 1, "one answer for all"
    assert (await site.push("--push-option=no-wait", to=site.url("anybody")))[0] == 0
    status, said = await site.git("ls-remote", site.url())
    assert (status, "refs/heads/main" in said) == (0, True)
    assert (await site.git("-c", "protocol.version=2", "fetch", "-q", site.url(), "main"))[0] == 0
    assert (await ask(site, "GET", "/git/shop.git/HEAD"))[0] == 404, "no dumb protocol"
    assert (await ask(site, "GET", "/git/shop.git/info/refs?service=git-upload-archive"))[0] == 403
    assert (await ask(site, "POST", "/git/shop.git/git-receive-pack", token="no"))[0] == 401
    statuses = [(await ask(site, "GET", "/git/shop.git/HEAD", token=f"guess-{n}"))[0] for n in range(12)]
    assert statuses[-1] == 429
    assert (await ask(site, "GET", "/git/shop.git/HEAD"))[0] == 429, "also who guesses right"
    forwarded = "X-Forwarded-For: 192.0.2.1, 198.51.100.7\r\n"
    assert (await ask(site, "GET", "/git/shop.git/HEAD", extra=forwarded))[0] == 404, "another address"


async def test_bodies(site: PushSite) -> None:
    target = "/git/shop.git/git-receive-pack"
    kind = "Content-Type: application/x-git-receive-pack-request\r\n"
    assert (await ask(site, "POST", target, body=b"0000"))[0] == 415
    assert (await ask(site, "POST", target, extra=f"{kind}Content-Length: 9999999999\r\n"))[0] == 413
    assert (await ask(site, "POST", target, body=b"zzzz" * 10, extra=kind))[0] == 400
    line = b"00670000000000000000000000000000000000000000 " + b"1" * 40 + b" refs/heads/x"
    line = b"%04x" % (len(line)) + line[4:]
    assert (await ask(site, "POST", target, body=line * 51 + b"0000", extra=kind))[0] == 413
    packed = f"{kind}Content-Encoding: gzip\r\n"
    assert (await ask(site, "POST", target, body=b"no gzip", extra=packed))[0] == 400
    assert (await ask(site, "POST", target, body=gzip.compress(b"0000"), extra=packed))[0] == 200
    expect = f"{kind}Expect: 100-continue\r\nContent-Length: 4\r\n"
    status, head = await ask(site, "POST", target, extra=expect)
    assert status == 100
    status, head = await ask(site, "POST", target, extra=expect, token="no")
    assert (status, "WWW-Authenticate" in head) == (401, True)


async def test_the_first_of_two_pushers_is_told_of_the_second(site: PushSite) -> None:
    site.commit("0")
    assert (await site.push())[0] == 0
    site.world.engine.behave(ImageRef.parse(site.image).digest, Behaviour(healthy_after=None))
    first = site.commit("1", healthcheck="{test: [CMD, 'true'], interval: 1s}")
    pushing = site.start(f"{first}:main")
    await site.until(lambda: len(site.running()) == 2)
    second = site.commit("2")
    status, said = await site.push("--push-option=no-wait")
    assert status == 0, said
    status, said = await pushing
    assert status == 0
    assert f"a newer commit, {second[:10]}, superseded this one" in said
    assert "remote: superseded" in said


async def test_hanging_up_harms_nothing(site: PushSite) -> None:
    site.commit("1")
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    kind = "application/x-git-receive-pack-request"
    head = f"{request_line(site, 'POST', '/git/shop.git/git-receive-pack', TOKEN)}Content-Type: {kind}\r\n"
    writer.write(f"{head}Content-Length: 100000\r\n\r\n".encode() + b"00a0")
    await writer.drain()
    writer.close()  # while it sends: nothing is taken

    child = await asyncio.create_subprocess_exec(
        *("git", "push", site.url(), "main"), cwd=site.clone.path, env=site.variables
    )
    await site.until(lambda: site.loop.keepers and any((site.bare / "refs/heads").iterdir()))
    child.kill()
    await child.wait()
    await site.until(lambda: len(site.running()) == 1)
    keeper = next(iter(site.loop.keepers.values()))
    await site.until(lambda: keeper.rest is not None and keeper.rest.result == "settled")
    await site.until(lambda: not children(site), 10.0)


def children(site: PushSite) -> list[str]:
    """Processes of git's that serve this site."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if str(site.bare) in words and "receive-pack" in words:
            found.append(" ".join(words))
    return found


def request_line(site: PushSite, verb: str, target: str, token: str) -> str:
    login = base64.b64encode(f"ann:{token}".encode()).decode()
    return f"{verb} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n"


async def ask(
    site: PushSite, verb: str, target: str, *, token: str = TOKEN, body: bytes = b"", extra: str = ""
) -> tuple[int, str]:
    """One request; its status and head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    length = "" if "Content-Length" in extra else f"Content-Length: {len(body)}\r\n"
    writer.write(f"{request_line(site, verb, target, token)}{extra}{length}\r\n".encode() + body)
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    writer.close()
    return int(head.split()[1]), head.decode()
