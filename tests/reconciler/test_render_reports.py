"""SARIF and JUnit: what they say, and that they are what readers of these forms take."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

import pytest

from outputs import action, diff, drift, drifted, envelope, plan, problem, read, subject
from reconciler.cli.forms import sarif
from reconciler.desired import Json
from reconciler.render_junit import render_junit

BLOCK = {"subject": subject("web"), "code": "PLAN019", "reason": "it exists", "remedy": "move it"}
UNREAD: list[Json] = [{"what": "networks", "reason": "timed out", "since": None}]
HOSTILE = "a\x00\x1b[2J<b>&\"']]>\ud800\u202e@x"
VALUES = {
    "valid": envelope("validate", documents={"Service": 2}),
    "invalid": envelope("validate", exit=1, problems=[problem(), problem("a", line=14)], documents={}),
    "warned": envelope(
        "validate", problems=[problem(severity="warning", file=None, line=None)], documents={}
    ),
    "failed": envelope("plan", exit=1, owner=None, problems=[problem(file=None, line=None, column=None)]),
    "blocked": plan([action("create", "db")], blocks=[BLOCK], unreadable=UNREAD, exit=3),
    "pending": plan([action("create", "db")], exit=2),
    "settled": plan(),
    "drifted": drift(drifted("web", diff("restart", "always", "no", "live")), drifted("db"), exit=2),
    "unread": drift(drifted("web", result="cannot_tell"), unreadable=UNREAD, exit=3),
    "hostile": drift(
        drifted("web", diff(HOSTILE, HOSTILE, HOSTILE, "live")),
        problems=[problem(HOSTILE, code=HOSTILE, file=HOSTILE)],
    ),
}


def check_sarif(log: dict[str, Any]) -> dict[str, Any]:
    """What the standard asks of a log with one run, and code scanning beyond it."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "invocations", "results"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(ids) == len(set(ids))
    for rule in driver["rules"]:
        assert set(rule) <= {"id", "shortDescription", "fullDescription", "help"}
        assert all(
            isinstance(text, str) and text for key in set(rule) - {"id"} for text in rule[key].values()
        )
    for invocation in run["invocations"]:
        assert set(invocation) == {
            "executionSuccessful",
            "exitCode",
            "endTimeUtc",
            "toolExecutionNotifications",
        }
        assert isinstance(invocation["executionSuccessful"], bool)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", invocation["endTimeUtc"])
    for result in run["results"]:
        assert set(result) == {"ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"}
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["message"]["text"].isprintable()
        (location,) = result["locations"]
        assert set(location) <= {"physicalLocation", "logicalLocations"}
        artifact = location["physicalLocation"]["artifactLocation"]
        assert artifact["uriBaseId"] == "%SRCROOT%"
        assert re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]+", artifact["uri"])
        region = location["physicalLocation"].get("region", {"startLine": 1})
        assert all(isinstance(number, int) and number >= 1 for number in region.values())
        assert all(isinstance(mark, str) for mark in result["partialFingerprints"].values())
    return run


def check_junit(text: str) -> ElementTree.Element:
    """What readers of this form agree on: its elements, their attributes, and sums that are right."""
    root = ElementTree.fromstring(text.encode())
    assert root.tag == "testsuites"
    counted = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == {"name", "timestamp", "time", *counted}
        for case in suite:
            assert case.tag == "testcase"
            assert set(case.attrib) == {"classname", "name", "time"}
            inside = [child.tag for child in case]
            assert inside in (
                [],
                ["system-out"],
                ["failure"],
                ["error"],
                ["skipped"],
                ["skipped", "system-out"],
            )
            for child in case:
                allowed = {
                    "failure": {"message", "type"},
                    "error": {"message", "type"},
                    "skipped": {"message"},
                }
                assert set(child.attrib) == allowed.get(child.tag, set())
        names = [case.get("name") for case in suite]
        assert len(names) == len(set(names))
    for element in (root, *root):
        for attribute, tag in counted.items():
            assert element.get(attribute) == str(len(list(element.iter(tag)))), (attribute, element.attrib)
    return root


@pytest.mark.parametrize("name", VALUES)
def test_each_form_is_what_its_readers_take(name: str) -> None:
    output = read(VALUES[name])
    check_sarif(json.loads(sarif([output], "specs")))
    check_junit(render_junit([output]))
    check_sarif(json.loads(sarif([read(value) for value in VALUES.values()], "specs")))


def results(name: str) -> list[tuple[str, str, str, str, dict[str, int] | None]]:
    run = check_sarif(json.loads(sarif([read(VALUES[name])], "conf/specs")))
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    return [
        (r["ruleId"], r["level"], r["message"]["text"], p["artifactLocation"]["uri"], p.get("region"))
        for r, p in zip(run["results"], places, strict=True)
    ]


def test_sarif_has_a_result_with_its_place_for_each_finding() -> None:
    place = {"startLine": 12, "startColumn": 3}
    first, _ = results("invalid")
    told = 'Service web: unknown field "prots" (did you mean "ports"?)'
    assert first == ("SPEC012", "error", told, "specs/shop.yaml", place)
    assert results("blocked") == [
        ("PLAN019", "error", "Service web: it exists (move it)", "conf/specs", None)
    ]
    words = "Service web: differs from what was applied: restart"
    assert results("drifted") == [
        ("DRIFT001", "error", words, "specs/shop.yaml", {"startLine": 7, "startColumn": 1})
    ]
    assert [(code, level) for code, level, *_ in results("unread")] == [("DRIFT002", "warning")]
    assert [level for _, level, *_ in results("warned")] == ["warning"]
    assert results("settled") == []


def test_sarif_explains_each_rule_as_explain_does() -> None:
    run = check_sarif(json.loads(sarif([read(VALUES["drifted"])], "specs")))
    (rule,) = run["tool"]["driver"]["rules"]
    assert "What to do: `reconciler apply ENV` puts it back" in rule["help"]["text"]
    failed = check_sarif(json.loads(sarif([read(VALUES["failed"]), read(VALUES["unread"])], "specs")))
    assert [i["executionSuccessful"] for i in failed["invocations"]] == [False, True]
    notes = failed["invocations"][1]["toolExecutionNotifications"]
    assert [note["message"]["text"] for note in notes] == ["cannot tell (networks): timed out"]


def cases(name: str) -> dict[str | None, tuple[str, str | None]]:
    root = check_junit(render_junit([read(VALUES[name])]))
    found = {}
    for case in root.iter("testcase"):
        child = next(iter(case), None)
        is_passed = child is None or child.tag == "system-out"
        found[case.get("name")] = ("passed", None) if is_passed else (child.tag, child.get("message"))  # type: ignore[union-attr]
    return found


def test_junit_has_a_case_for_each_service_or_file() -> None:
    drift_words = "it differs from what was applied"
    assert cases("drifted") == {"service web": ("failure", drift_words), "service db": ("passed", None)}
    skipped = ("skipped", "cannot tell: timed out")
    assert cases("unread") == {"read networks": skipped, "service web": ("skipped", "cannot tell")}
    assert cases("invalid") == {"specs/shop.yaml": ("failure", "2 problems")}
    assert cases("valid") == {"all documents": ("passed", None)}
    assert cases("warned") == {"Service web": ("passed", None)}
    assert cases("failed") == {"Service web": ("error", "1 problem")}
    blocked = {
        "read networks": skipped,
        "service web": ("failure", "it exists"),
        "service db": ("passed", None),
    }
    assert cases("blocked") == blocked
    assert cases("pending") == {"service db": ("failure", "it is not deployed yet")}
    assert cases("settled") == {"nothing to do": ("passed", None)}
