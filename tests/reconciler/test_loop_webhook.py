"""Webhooks of a whole loop: who is heard, what it costs, and what becomes of a run."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from memory_loop import LoopSite, event, looping, sign
from reconciler.cli import loop_runs, loop_webhook
from reconciler.cli.loop_webhook import MAX_BODY
from reconciler.journal import Journal
from reconciler.ownership import Owner

DEV = Owner("shop", "dev")
HOOK = "/v1/webhook/shop"


@pytest.fixture(name="site")
async def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopSite]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    site = LoopSite(tmp_path)
    site.repository("shop")
    async with looping(site, site.config("shop")) as it:
        await it.until(lambda: it.is_settled("shop"))
        yield it


async def test_a_run_is_known_by_its_id_and_says_how_the_commit_fared(site: LoopSite) -> None:
    commit = site.commit("shop", "2")
    status, answer = await site.push("shop", event(after=commit), "?wait=true")
    assert status == 200
    assert (answer["state"], answer["environments"], answer["commits"]) == (
        "settled",
        {"dev": "settled"},
        {"dev": commit},
    )
    assert await site.get(f"/v1/runs/{answer['run']}") == (200, answer)
    assert (await site.get("/v1/runs/" + "0" * 32))[0] == 404
    known = [entry for entry in Journal.of(DEV).newest() if answer["run"] in str(entry.get("trigger"))]
    assert [(entry["commit"], entry["result"]) for entry in known] == [(commit, "settled")]

    site.commit("shop", "3", spec="imgae: x")
    status, answer = await site.push("shop", event())
    assert (status, answer["state"], answer["tracked"]) == (202, "pending", True)
    await site.until(lambda: site.loop.served.runs.get(answer["run"]).done.is_set())  # type: ignore[union-attr]
    told = (await site.get(answer["url"]))[1]
    assert (told["state"], told["environments"]) == ("failed", {"dev": "refused"})
    assert any(answer["run"] in str(entry.get("trigger")) for entry in Journal.of(DEV).newest())


async def test_a_ping_is_answered_and_what_nobody_tracks_is_not_asked_for(site: LoopSite) -> None:
    assert await site.push("shop", {"zen": "x"}, **{"X-GitHub-Event": "ping"}) == (200, {"pong": True})
    assert await site.push("shop", event(ref="refs/heads/topic")) == (202, {"tracked": False})
    assert await site.push("shop", {"action": "opened"}, **{"X-GitHub-Event": "issues"}) == (
        202,
        {"tracked": False},
    )
    status, answer = await site.push("shop", {"ref": None})
    assert (status, "expected" in answer["error"]) == (400, True)
    assert (await site.push("shop", []))[0] == 400
    assert not site.loop.watches["shop"].news.is_set()
    assert site.loop.served.deliveries == {
        ("shop", "ping"): 1,
        ("shop", "untracked"): 2,
        ("shop", "malformed"): 2,
    }


async def test_what_is_about_another_repository_is_refused(site: LoopSite) -> None:
    watch = site.loop.watches["shop"]
    watch.entry = watch.entry.model_copy(update={"url": "https://git.example.com/team/shop.git"})
    assert (await site.push("shop", event("shop-2")))[0] == 409
    assert (await site.push("shop", event("shop")))[0] == 202


async def test_who_cannot_sign_is_told_the_same_whatever_is_there(site: LoopSite) -> None:
    body = json.dumps(event()).encode()
    forged = sign(body, "another-secret-of-some-length")
    answers = [
        await site.post(HOOK, body),
        await site.post(HOOK, body, forged),
        await site.post("/v1/webhook/bank", body, sign(body)),
        await site.post(HOOK, body, {"X-Hub-Signature-256": "sha256="}),
        await site.post(HOOK, body, [*sign(body).items(), *forged.items()]),
        await site.post(HOOK, body, {"X-Gitlab-Token": "x", "X-Gitlab-Event": "Push Hook"}),
    ]
    assert answers == [(401, {"error": "not signed"})] * len(answers)
    (site.folder / "secret").write_text("\n")
    assert (await site.post(HOOK, body, sign(body, "")))[0] == 401, "emptied later: nobody can sign"
    (site.folder / "secret").write_text("a-new-secret-of-some-length")
    assert (await site.post(HOOK, body, sign(body, "a-new-secret-of-some-length")))[0] == 202
    assert (await site.post(f"{HOOK}?token=x", body, sign(body)))[0] == 400


async def endless(size: int, chunk: int = 1 << 16) -> AsyncIterator[bytes]:
    for _ in range(0, size, chunk):
        yield b"x" * chunk


async def test_a_body_is_as_large_as_it_may_be_and_no_larger(site: LoopSite) -> None:
    headers = sign(b"")
    assert (await site.post(HOOK, b"x" * (MAX_BODY + 1), headers))[0] == 413
    assert (await site.post(HOOK, endless(4 * MAX_BODY), headers))[0] == 413
    packed = {**headers, "Content-Encoding": "gzip"}
    assert (await site.post(HOOK, b"x", packed))[0] == 415


async def test_strangers_cost_the_same_however_many_they_are(site: LoopSite) -> None:
    async def send() -> int:
        try:
            return (await site.post(HOOK, endless(2 * MAX_BODY), sign(b"")))[0]
        except aiohttp.ClientError:
            return 0  # cut off while it was still sending

    await send()
    tracemalloc.start()
    try:
        answers = await asyncio.gather(*(send() for _ in range(120)))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert set(answers) <= {0, 401, 413}
    assert most < 80 * MAX_BODY, "sixteen bodies at a time, and what is on its way on both sides"
    assert (await site.get("/healthz"))[0] == 200


async def test_a_body_that_does_not_come_is_not_waited_for(
    site: LoopSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_webhook, "SLOWEST", 0.2)
    reader, writer = await asyncio.open_unix_connection(str(site.folder / "http.sock"))
    signature = sign(b"")["X-Hub-Signature-256"]
    head = f"POST {HOOK} HTTP/1.1\r\nHost: l\r\nContent-Length: 9\r\nX-Hub-Signature-256: {signature}\r\n\r\n"
    writer.write(head.encode())
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5.0)
    writer.close()


async def test_thousands_of_deliveries_are_one_asking_and_the_rest_is_told_to_come_again(
    site: LoopSite,
) -> None:
    watch, asked = site.loop.watches["shop"], 0
    announce = watch.announce

    def counted(trigger: str) -> asyncio.Event:
        nonlocal asked
        asked += 1
        return announce(trigger)

    site.loop.watches["shop"] = _Counting(watch, counted)  # type: ignore[assignment]
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(site.push("shop", event()) for _ in range(600)))
    took = asyncio.get_running_loop().time() - began
    taken = [answer["run"] for status, answer in answers if status == 202]
    refused = [status for status, _ in answers if status == 429]
    assert len(taken) + len(refused) == 600
    assert len(taken) <= loop_runs.BURST + loop_runs.RATE * took + 1
    assert asked <= took / loop_runs.INTERVAL + 1
    assert len(set(taken)) <= took / loop_runs.INTERVAL + 2
    body = json.dumps(event()).encode()
    async with site.session.post(f"http://loop{HOOK}", data=body, headers=sign(body)) as answer:
        assert (answer.status, answer.headers.get("Retry-After")) in [(429, "1"), (202, None)]


class _Counting:
    """A watch whose askings are counted."""

    def __init__(self, watch: object, announce: object) -> None:
        self._watch, self.announce = watch, announce

    def __getattr__(self, name: str) -> object:
        return getattr(self._watch, name)


async def test_who_waits_is_answered_when_the_loop_ends(site: LoopSite) -> None:
    site.engine.unreadable("instances")
    commit = site.commit("shop", "2")
    waiting = asyncio.create_task(site.push("shop", event(after=commit), "?wait=true"))
    await site.until(lambda: site.loop.watches["shop"].commits.get("dev") == commit)
    site.loop.stop()
    status, answer = await asyncio.wait_for(waiting, 5.0)
    assert status in (424, 503)
    assert "settled" not in answer["environments"].values()
