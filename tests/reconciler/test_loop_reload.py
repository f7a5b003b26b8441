"""The Run file changes while the loop goes on; what the loop says of itself."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from memory_loop import LoopSite, looping
from reconciler.cli.loop_group import begin
from reconciler.cli.loop_health import BEAT, FAULTY, LAG, STALE, STUCK, Health, health_of
from reconciler.cli.loop_reload import Reload
from reconciler.cli.run_loop import read_checked
from reconciler.cli.service_notice import Notice, beat, take_notice
from reconciler.keeper import Keeper
from reconciler.observed import Phase
from reconciler.ownership import Owner
from reconciler.serve import Post

DEV = Owner("shop", "dev")


@pytest.fixture(name="site")
async def _site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopSite]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    site = LoopSite(tmp_path)
    site.repository("shop", "dev", "test")
    site.repository("tools")
    async with looping(site, site.config("shop")) as it:
        await it.until(lambda: it.is_settled("shop") and it.is_settled("shop", "test"))
        yield it


def written(site: LoopSite, text: str) -> Reload:
    """The reload of a file that says this now."""
    path = site.folder / "run.yaml"
    path.write_text(text)
    return Reload(site.loop, path, read_checked, pause=0.05)


def running(site: LoopSite, project: str) -> int:
    containers = site.engine.ground.containers.values()
    return sum(c.name.startswith(f"{project}_") and c.phase is Phase.RUNNING for c in containers)


async def test_what_is_added_starts_and_what_is_removed_is_kept_no_more(site: LoopSite) -> None:
    shop = site.loop.keepers[DEV]
    assert await written(site, site.run_text("shop", "tools")).reload()
    await site.until(lambda: site.is_settled("tools"))
    assert site.loop.keepers[DEV] is shop, "nobody else notices"

    assert await written(site, site.run_text("shop")).reload()
    assert {owner.project for owner in site.loop.keepers} == {"shop"}
    assert "tools" not in site.loop.watches
    assert running(site, "tools") == 1, "what runs stays"
    site.engine.hand.remove(next(n for n in _names(site) if n.startswith("tools_")))
    site.loop.keepers[DEV].hint()
    await asyncio.sleep(0.2)
    assert running(site, "tools") == 0

    # under another name it is the same owner, which is free again
    again = site.run_text("shop", "tools").replace("name: tools", "name: again")
    assert await written(site, again).reload()
    await site.until(lambda: running(site, "tools") == 1)
    assert site.loop.kept_by[Owner("tools", "dev")] == "again"


def _names(site: LoopSite) -> list[str]:
    return [c.name for c in site.engine.ground.containers.values()]


async def test_what_is_changed_is_changed_in_place(site: LoopSite) -> None:
    keeper, before = site.loop.keepers[DEV], _names(site)
    config = site.run_text("shop", entry=", environments: [dev]", words="  resync: 7s\n")
    assert await written(site, config).reload()
    assert set(site.loop.keepers) == {DEV}, "test is named no more"
    assert site.loop.keepers[DEV] is keeper
    assert keeper.resync == 7.0
    await site.until(lambda: site.loop.watches["shop"].was_read)
    assert _names(site) == before
    commit = site.commit("shop", "2", "dev", "test")
    site.loop.watches["shop"].announce("webhook 1")
    await site.until(lambda: keeper.rest is not None and keeper.rest.desired.commit == commit)


async def test_a_port_moves_with_the_file(site: LoopSite) -> None:
    elsewhere = site.folder / "other.sock"
    assert await written(site, site.run_text("shop").replace("http.sock", "other.sock")).reload()
    await site.until(elsewhere.exists)
    assert elsewhere.stat().st_mode & 0o777 == 0o660
    await site.until(lambda: not (site.folder / "http.sock").exists())


@pytest.mark.parametrize("odd", ["poll: 1 hour", "webhook_secret: /nowhere", "oops"])
async def test_a_file_that_cannot_be_used_changes_nothing(site: LoopSite, odd: str) -> None:
    config, keepers = site.loop.config, dict(site.loop.keepers)
    text = site.run_text("shop").replace("poll: 1h", odd if odd != "webhook_secret: /nowhere" else "poll: 1h")
    if "nowhere" in odd:
        text = text.replace(f"webhook_secret: {site.folder}/secret", odd)
    with capture_logs() as said:
        assert not await written(site, text).reload()
    assert site.loop.config is config
    assert site.loop.keepers == keepers
    assert "CLI044" in str(said) or "run.yaml:6:" in str(said), "with the place"
    status, health = await site.get("/healthz")
    assert (status, health["run_file_refused"]) == (200, True)
    assert await written(site, site.run_text("shop")).reload()
    assert (await site.get("/healthz"))[1]["run_file_refused"] is False


async def test_the_file_is_watched_and_read_at_a_signal(site: LoopSite) -> None:
    reload = written(site, site.run_text("shop"))
    stopping = asyncio.Event()
    work = asyncio.create_task(reload.watch(stopping))
    await asyncio.sleep(0.1)
    (site.folder / "new").write_text(site.run_text("shop", "tools"))
    os.replace(site.folder / "new", reload.path)
    await site.until(lambda: site.is_settled("tools"))
    taken = site.loop.served.health.reloads["taken"]
    reload.asked.set()
    await site.until(lambda: site.loop.served.health.reloads["taken"] == taken + 1)
    stopping.set()
    await asyncio.wait_for(work, 5.0)


async def test_a_keeper_that_crashes_says_so_and_goes_on_with_what_it_kept(
    site: LoopSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, name = site.loop.keepers[DEV], f"environment {DEV}"
    monkeypatch.setattr(site.engine, "observe", _once(KeyError("a fault of ours"), site.engine.observe))
    keeper.hint()
    await site.until(lambda: name in site.loop.served.health.faults)
    status, health = await site.get("/healthz")
    assert (status, list(health["ill"])) == (503, [name])
    site.engine.hand.remove(next(n for n in _names(site) if n.startswith("shop_dev_")))
    await site.until(lambda: any(n.startswith("shop_dev_") for n in _names(site)))
    await site.until(lambda: not health_of(site.loop.keepers, site.loop.served.health, _now()).ill)


def _once(error: Exception, whole: object) -> object:
    """Raises it the first time."""
    left = [error]

    async def called(*words: object, **named: object) -> object:
        if left:
            raise left.pop()
        return await whole(*words, **named)  # type: ignore[operator]

    return called


def _now() -> float:
    return asyncio.get_running_loop().time()


async def test_what_is_ill_is_said_in_words() -> None:
    keeper, health = Keeper(DEV), Health()
    at = keeper.made_at

    def ill(now: float) -> dict[str, str]:
        return dict(health_of({DEV: keeper}, health, now).ill)

    assert ill(at + 1) == {}
    assert "not seen whole" in ill(at + STALE + keeper.resync + 1)[str(DEV)]
    keeper.looked_at = at + STALE + keeper.resync
    assert ill(at + STALE + keeper.resync + 1) == {}
    keeper.pass_began = keeper.looked_at
    assert ill(keeper.looked_at + STUCK + 1) == {str(DEV): "a pass does not end"}
    keeper.pass_began = None
    health.crashed("port", at)
    assert list(ill(at + 1)) == ["port"]
    assert ill(at + FAULTY + 1) == {}
    health.beat(LAG + 1)
    assert list(ill(at + FAULTY + 1)) == ["event loop"]
    for _ in range(60):
        health.beat(0.0)
    assert ill(at + FAULTY + 1) == {}


async def test_systemd_is_told_that_we_live_while_we_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        heard.settimeout(5.0)
        for name, value in (("NOTIFY_SOCKET", str(path)), ("WATCHDOG_USEC", "300000"), ("WATCHDOG_PID", "")):
            monkeypatch.setenv(name, value)
        notice = take_notice()
        assert notice == Notice(str(path), 0.3)
        assert "NOTIFY_SOCKET" not in os.environ, "no child of ours speaks for us"
        notice.tell("READY=1")
        assert heard.recv(100) == b"READY=1"
        keeper, health = Keeper(DEV), Health()
        keepers = {DEV: keeper}

        async def pulse(stopping: asyncio.Event) -> None:
            await beat(notice, health, keepers, stopping)

        def crashed(name: str, error: BaseException) -> None:
            raise AssertionError(name) from error

        at_work = begin("pulse", [Post("pulse", pulse)], crashed)
        assert await asyncio.to_thread(heard.recv, 100) == b"WATCHDOG=1"
        keeper.pass_began = asyncio.get_running_loop().time() - STUCK - 1
        heard.settimeout(1.5 * BEAT)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(heard.recv, 100)
        assert await at_work.end(2.0)
    Notice(str(path)).tell("nobody is there any more")
    Notice().tell("and nobody was")
