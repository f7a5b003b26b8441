"""``apply`` beside a loop: it looks on, yields, or takes over; and hands off from a commit that is broken."""

from __future__ import annotations

import asyncio

import pytest

from cli_world import OWNER, SPECS, CliWorld, live_name, states
from living_loop import Living, beside
from providers.memory import Behaviour
from reconciler.cli.destroy import report_destroy
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.retry import report_retry
from reconciler.cli.status import report_status
from reconciler.cli.suspend import report_suspension
from reconciler.cli.whereabouts import find_whereabouts
from reconciler.cli.workspace import open_workspace

CHANGED = SPECS.replace('image: "busybox:1.36"', 'image: "busybox:1.36", environment: {A: "1"}')


def test_at_the_commit_that_a_loop_keeps_apply_looks_on_and_tells_its_result(shop: CliWorld) -> None:
    async def work(it: Living) -> None:
        commit = it.offer()
        while not any(call.verb == "put_marker" for call in shop.engine.made):
            await asyncio.sleep(0.01)
        report = await it.apply()
        assert (report.exit, report.members["result"], report.commit) == (0, "settled", commit)
        assert report.members["followed"] == it.keeper.holder
        assert report.members["outcomes"] == []
        assert "this looked on" in report.text

    beside(shop, work)


def test_at_another_commit_it_yields_until_the_loop_is_suspended(settled: CliWorld) -> None:
    async def work(it: Living) -> None:
        it.offer()
        await it.keeper.rested.wait()
        settled.repository.commit({"specs/shop.yaml": CHANGED})
        with pytest.raises(Stop) as met:
            await it.apply()
        assert met.value.exit == 4
        assert met.value.problems[-1].code == "CLI016"
        assert "reconciler suspend dev" in str(met.value.problems[-1])
        assert (await it.say("suspend", reason="by hand")).exit == 0
        report = await it.apply()
        assert (report.exit, report.members["result"]) == (0, "settled")
        assert report.text.startswith("suspended for loops (by hand) until: reconciler resume dev")
        assert len(report.members["outcomes"]) > 0  # type: ignore[arg-type] # a member of JSON

    beside(settled, work)


def test_destroy_yields_to_a_loop_until_it_is_suspended(settled: CliWorld) -> None:
    async def destroy(**fields: object) -> Report:
        workspace = open_workspace(settled.options("destroy", **fields))
        return await report_destroy(workspace, settled.clients(workspace))

    async def work(it: Living) -> None:
        it.offer()
        await it.keeper.rested.wait()
        asked = await destroy()
        with pytest.raises(Stop) as met:
            await destroy(confirm=asked.members["confirm"])
        assert (met.value.exit, met.value.problems[-1].code) == (4, "CLI019")
        await it.say("suspend", reason="it goes")
        assert (await destroy(confirm=asked.members["confirm"])).exit == 0
        assert settled.engine.ground.containers == {}

    beside(settled, work)


def test_hands_off_needs_no_commit_that_is_valid(settled: CliWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(it: Living) -> None:
        it.offer()
        await it.keeper.rested.wait()
        settled.repository.commit({"specs/shop.yaml": "apiVersion: reconciler/v1\nkind: [\n"})
        report = await it.say("suspend", service="web", reason="git is broken")
        assert report.exit == 0, report.text
        assert [p.code for p in report.problems] == ["CLI017"], "told, and the commit before was read"
        name = live_name(settled, "web")
        settled.engine.hand.stop(name)
        with pytest.raises(Stop) as met:
            await it.say("suspend", service="wbe", reason="typing")
        assert 'did you mean "web"' in str(met.value.problems[0])
        assert (await it.say("resume", service="web")).exit == 0

    beside(settled, work)


def test_a_commit_with_an_error_elsewhere_is_told_and_needed_no_further(settled: CliWorld) -> None:
    settled.repository.commit({"specs/other.yaml": SPECS.split("---")[1].replace("provider", "provdier")})
    found = find_whereabouts(settled.options("suspend"))
    assert (str(found.owner), [p.code for p in found.problems]) == ("shop/dev", ["CLI017"])
    with pytest.raises(Stop) as met:
        find_whereabouts(settled.options("suspend", environment="prd"))
    assert met.value.problems[0].code == "CLI017"
    named = find_whereabouts(settled.options("suspend", repo="/nowhere", project="shop"))
    assert (named.owner, named.commit) == (OWNER, None)


def test_a_retry_beside_a_loop_is_done_by_the_loop(settled: CliWorld) -> None:
    settled.behave("busybox:2", Behaviour(exits_after=0.5))
    settled.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})

    async def work(it: Living) -> None:
        it.offer()
        while it.keeper.rest is None or it.keeper.rest.result != "rolled_back":
            await it.keeper.rested.wait()
        looked_on = await it.apply()
        assert (looked_on.exit, looked_on.members["result"]) == (5, "rolled_back")
        settled.behave("busybox:2", Behaviour())
        workspace = open_workspace(settled.options("retry", service="cahce"))
        with pytest.raises(Stop) as met:
            await report_retry(workspace, settled.clients(workspace))
        assert 'did you mean "cache"' in str(met.value.problems[0])
        workspace = open_workspace(settled.options("retry", service="cache"))
        report = await report_retry(workspace, settled.clients(workspace))
        assert "tries it now" in report.text
        async with asyncio.timeout(20):
            while it.keeper.rest is None or it.keeper.rest.result != "settled":
                await it.keeper.rested.wait()

    beside(settled, work)


def test_status_names_reason_end_and_person_of_each_service(settled: CliWorld) -> None:
    async def suspend() -> None:
        for service, until in (("web", 3600.0), ("", None)):
            options = settled.options("suspend", service=service, reason=f"about {service}", until=until)
            await report_suspension(options, find_whereabouts(options), settled.engine)

    asyncio.run(suspend())
    report = settled.run(report_status)
    assert states(report) == {"cache": "suspended", "web": "suspended"}
    cache, web = report.members["services"]  # type: ignore[misc] # members of JSON
    assert cache["suspended"]["until"] is None  # type: ignore[index, call-overload] # members of JSON
    assert web["suspended"]["reason"] == "about web"  # type: ignore[index, call-overload] # members of JSON
    assert web["suspended"]["by"]  # type: ignore[index, call-overload] # members of JSON
    assert "about web (by " in report.text


def test_a_prune_that_a_person_releases_is_done_by_the_loop(settled: CliWorld) -> None:
    kept = SPECS.replace("worktree: allow", "worktree: allow, prune: {limit: 0}")
    without_cache = "---\n".join(d for d in kept.split("---\n") if "{name: cache}" not in d)
    settled.repository.commit({"specs/shop.yaml": without_cache})

    async def work(it: Living) -> None:
        it.offer()
        while it.keeper.rest is None or it.keeper.rest.result != "blocked":
            await it.keeper.rested.wait()
        asked = await it.apply()
        assert asked.exit == 4
        identity = it.keeper.rest.plan.prune_id
        assert identity is not None
        report = await it.apply(allow_prune=identity)
        assert (report.exit, report.members["followed"]) == (0, it.keeper.holder)
        assert not [c for c in settled.engine.ground.containers.values() if "_cache_" in c.name]

    beside(settled, work)
