"""The verbs on a git repository and a world in memory: what they say, and with which exit code."""

from __future__ import annotations

import json
import re

import pytest

from cli_world import SPECS, CliWorld, live_name, states
from providers.memory import Behaviour
from reconciler.cli.apply import report_apply
from reconciler.cli.drift import report_drift
from reconciler.cli.envelope import Report, Stop, dump, envelope
from reconciler.cli.forms import written
from reconciler.cli.plan import report_plan
from reconciler.cli.retry import report_retry
from reconciler.cli.status import report_status
from reconciler.cli.why import report_why
from reconciler.cli.workspace import open_workspace
from reconciler.provider import Refused


def break_cache(shop: CliWorld) -> Report:
    shop.behave("busybox:2", Behaviour(exits_after=0.5, log=("boom \x1b[2J",)))
    shop.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    return shop.run(report_apply)


def test_a_plan_changes_nothing_and_tells_that_something_is_pending(shop: CliWorld) -> None:
    report = shop.run(report_plan, exit_code=True)
    assert report.exit == 2
    assert not shop.engine.made
    assert "run the local registry" in report.text
    assert "then: build web" in report.text
    assert shop.run(report_plan).exit == 0


def test_a_second_apply_does_nothing(settled: CliWorld) -> None:
    made = len(settled.engine.made)
    report = settled.run(report_apply)
    assert (report.exit, report.members["outcomes"]) == (0, [])
    assert "settled after 1 pass" in report.text
    assert len(settled.engine.made) == made
    assert settled.run(report_plan, exit_code=True).exit == 0
    assert states(settled.run(report_status)) == {"cache": "settled", "web": "settled"}
    assert settled.run(report_drift).exit == 0


def test_only_what_changed_is_replaced_and_why_names_it(settled: CliWorld) -> None:
    cache = live_name(settled, "cache")
    settled.repository.commit({"web/app": "two\n", "README.md": "docs change nothing\n"})
    planned = settled.run(report_plan)
    assert "    file app\n" in planned.text
    assert planned.members["images"]["web"]["changed"] == ["file app"]  # type: ignore[index, call-overload]
    pending = settled.run(report_why, service="web")
    assert "apply would replace it" in pending.text
    assert settled.run(report_drift).exit == 0  # not deployed yet is no drift
    assert settled.run(report_apply).exit == 0
    told = settled.run(report_why, service="web")
    assert [change["input"] for change in told.members["inputs"]] == ["file app"]  # type: ignore[index, union-attr]
    assert "it replaced" in told.text
    assert told.members["last"] is not None
    assert live_name(settled, "cache") == cache
    assert "no version before" in settled.run(report_why, service="cache").text


def test_drift_is_told_by_field_and_healed_in_place(settled: CliWorld) -> None:
    cache = live_name(settled, "cache")
    settled.engine.hand.stop(cache)
    report = settled.run(report_drift)
    assert (report.exit, report.members["result"]) == (2, "drifted")
    assert "service cache: drifted" in report.text
    assert settled.run(report_apply).exit == 0
    assert live_name(settled, "cache") == cache
    assert settled.run(report_drift).members["result"] == "clean"


def test_a_failed_version_is_held_with_its_last_words(settled: CliWorld) -> None:
    report = break_cache(settled)
    assert (report.exit, report.members["result"]) == (5, "rolled_back")
    assert "boom \\x1b[2J" in report.text
    status = settled.run(report_status, exit_code=True)
    assert (status.exit, states(status)["cache"]) == (5, "held")
    assert settled.run(report_status).exit == 0
    assert settled.run(report_plan, exit_code=True).exit == 2  # a hold is no guard


def test_a_held_version_is_tried_again_when_asked(settled: CliWorld) -> None:
    break_cache(settled)
    settled.behave("busybox:2", Behaviour())
    assert settled.run(report_apply).exit == 5
    report = settled.run(report_retry, service="cache")
    assert (report.exit, report.members["services"]) == (0, ["cache"])
    assert settled.run(report_apply).exit == 0
    with pytest.raises(Stop):
        settled.run(report_retry)


def test_a_failing_build_is_told_with_its_log(shop: CliWorld) -> None:
    shop.builder.fail("*", Refused("BLD010", "Image web", "step 2 failed"), ("gcc: no input\x07",))
    report = shop.run(report_apply, logs=True)
    assert (report.exit, report.members["result"]) == (5, "failed")
    assert "step 2 failed" in report.text
    assert "gcc" in dump(envelope("apply", report))
    assert "gcc" not in dump(envelope("apply", shop.run(report_apply)))


def test_every_output_has_the_envelope(settled: CliWorld) -> None:
    workspace = open_workspace(settled.options("plan"))
    for verb, name in ((report_plan, "plan"), (report_drift, "drift"), (report_status, "status")):
        found = json.loads(dump(envelope(name, settled.run(verb))))
        assert found["schema"] == f"reconciler/{name}/v1"
        assert found["owner"] == {"project": "shop", "environment": "dev"}
        assert found["commit"] == workspace.source.commit
        assert (found["mode"], found["problems"], found["unreadable"]) == ("live", [], [])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["at"])


def test_a_plan_and_drift_have_every_form(settled: CliWorld) -> None:
    settled.engine.hand.stop(live_name(settled, "cache"))
    planned, drifted = settled.run(report_plan), settled.run(report_drift)
    text = written(planned, settled.options("plan", markdown=True)) or ""
    assert text.startswith("<!-- reconciler:plan:shop/dev -->\n### Plan for shop/dev at `")
    assert "| `Service cache` |" in text
    text = written(drifted, settled.options("drift", markdown=True)) or ""
    assert "| `cache` | drifted |" in text
    log = json.loads(written(drifted, settled.options("drift", sarif=True)) or "")
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], place["artifactLocation"]["uri"]) == ("DRIFT001", "specs/shop.yaml")
    lines = SPECS.splitlines()[place["region"]["startLine"] - 1 :]
    assert "metadata: {name: cache}" in lines[:3]
    assert 'name="service cache"' in (written(drifted, settled.options("drift", junit=True)) or "")
