"""What happened, by whom, from which generation to which; and what is left of it when the journal is gone."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cli_world import OWNER, SPECS, CliWorld, live_name
from providers.memory import Behaviour
from reconciler.cli.apply import report_apply
from reconciler.cli.history import report_history
from reconciler.cli.person import person
from reconciler.cli.suspend import report_suspension
from reconciler.cli.whereabouts import find_whereabouts
from reconciler.cli.why import report_why
from reconciler.journal import Journal
from reconciler.provider import ProviderError, Question
from reconciler.render_history import history_entries, render_history

CHANGED = SPECS.replace('image: "busybox:1.36"', 'image: "busybox:1.36", environment: {A: "1"}')


def history(world: CliWorld, limit: int = 20) -> tuple[dict[str, Any], str]:
    options = world.options("history", limit=limit)
    seen = asyncio.run(world.engine.observe(Question(OWNER)))
    report = report_history(options, find_whereabouts(options), seen)
    return json.loads(json.dumps(report.members)), report.text


def step(entry: dict[str, Any], service_name: str) -> dict[str, Any]:
    (found,) = (s for s in entry["services"] if s["service"] == service_name)
    return dict(found)


def test_each_entry_names_who_and_from_which_generation_to_which(settled: CliWorld) -> None:
    first = settled.repository.git("rev-parse", "HEAD").strip()
    second = settled.repository.commit({"specs/shop.yaml": CHANGED})
    assert settled.run(report_apply).exit == 0
    told, text = history(settled)
    assert told["complete"] is True
    newest, oldest = told["entries"]
    assert (newest["trigger"], newest["actor"], newest["commit"]) == ("apply", person(), second)
    moved = step(newest, "cache")
    assert (moved["from"]["commit"], moved["to"]["commit"]) == (first, second)
    assert moved["from"]["generation"] != moved["to"]["generation"]
    assert "busybox@sha256:" in moved["to"]["image"]
    assert moved["cause"]["type"] == "commit"
    assert [s["service"] for s in newest["services"]] == ["cache"], "nothing was done to the other"
    born = step(oldest, "cache")
    assert (born["from"], born["to"]) == (None, moved["from"])
    assert f"cache {moved['from']['generation']} -> {moved['to']['generation']}" in text
    assert person() in text


def test_a_stop_by_hand_is_told_as_one_with_what_to_type(settled: CliWorld) -> None:
    settled.engine.hand.stop(live_name(settled, "cache"))
    assert settled.run(report_apply).exit == 0
    told, text = history(settled)
    healed = step(told["entries"][0], "cache")
    assert healed["from"] == healed["to"]
    assert healed["cause"]["type"] == "drift"
    line = "reconciler suspend dev cache --reason TEXT"
    assert "stopped by hand (exit code" in text
    assert line in text
    why = settled.run(report_why, service="cache")
    assert line in why.text
    assert "stopped by hand" in why.text
    assert why.members["last"]["actor"] == person()  # type: ignore[index, call-overload]


def test_without_the_journal_the_releases_are_left(settled: CliWorld) -> None:
    settled.repository.commit({"specs/shop.yaml": CHANGED})
    assert settled.run(report_apply).exit == 0
    with_journal, _ = history(settled)
    Journal.of(OWNER).path.unlink()
    told, text = history(settled)
    assert told["complete"] is False
    moves = [(s["service"], s["from"], s["to"]) for e in told["entries"] for s in e["services"]]
    newest = step(with_journal["entries"][0], "cache")
    assert ("cache", newest["from"], newest["to"]) in moves
    assert {name for name, *_ in moves} == {"cache", "web"}
    assert all(e["actor"] is None and e["trigger"] is None for e in told["entries"])
    assert "at an unknown time" not in text.splitlines()[0]


def test_what_was_damaged_is_counted_and_what_cannot_be_asked_is_said(settled: CliWorld) -> None:
    with Journal.of(OWNER).path.open("a") as stream:
        stream.write("{torn\n")
    told, _ = history(settled)
    assert (told["complete"], len(told["entries"])) == (False, 1)
    options = settled.options("history")
    error = ProviderError("DKR001", "engine", "it does not answer")
    report = report_history(options, find_whereabouts(options), error)
    assert [p.code for p in report.problems] == ["CLI018", "CLI018"]
    assert (report.exit, report.members["complete"]) == (0, False)


def test_a_hand_off_is_part_of_what_happened(settled: CliWorld) -> None:
    options = settled.options("suspend", service="web", reason="migration")
    asyncio.run(report_suspension(options, find_whereabouts(options), settled.engine))
    told, text = history(settled)
    entry = told["entries"][0]
    assert (entry["result"], entry["about"], entry["reason"]) == ("suspended", "web", "migration")
    assert entry["actor"] == person()
    assert "suspended web by " in text
    assert "migration" in text


def test_a_failed_version_leaves_the_service_where_it_was(settled: CliWorld) -> None:
    settled.behave("busybox:2", Behaviour(exits_after=0.5))
    settled.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    assert settled.run(report_apply).exit == 5
    entry = history(settled)[0]["entries"][0]
    assert entry["result"] == "rolled_back"
    moved = step(entry, "cache")
    assert moved["from"] == moved["to"]
    assert moved["to"]["commit"] == settled.repository.git("rev-parse", "HEAD~1").strip()


def test_who_pushed_is_the_actor_and_damaged_entries_fail_nothing() -> None:
    pushed = {"at": "2026-01-01T00:00:00Z", "verb": "run", "trigger": "push 0a1b by ann", "result": "settled"}
    broken = {"services": [1, {"to": 5}], "actions": "x", "trigger": 7, "duration_s": "long"}
    first, second = history_entries([pushed, broken])
    assert isinstance(first, dict)
    assert (first["trigger"], first["actor"]) == ("push 0a1b", "ann")
    assert isinstance(second, dict)
    assert second["actor"] is None
    assert "by ann" in render_history([pushed, broken], "dev")
