"""`doctor` on a world in memory: one line a part, and one that fails stops no other."""

from __future__ import annotations

import pytest

from cli_world import LOCAL, SECRET_SERVICE, SPECS, CliWorld
from reconciler.cli.doctor import report_doctor
from reconciler.cli.envelope import Report
from reconciler.dialogue import RuntimeFacts
from reconciler.findings import (
    Finding,
    findings_json,
    has_problem,
    judge_floating,
    judge_runtime,
    judge_secrets,
    render_findings,
)
from reconciler.provider import ProviderError, Refused

GIB = 1 << 30


def results(report: Report) -> dict[str, str]:
    checks = report.members["checks"]
    assert isinstance(checks, list)
    found: dict[str, str] = {}
    for check in checks:
        assert isinstance(check, dict)
        found[f"{check['part']} {check['name'] or ''}".rstrip()] = str(check["result"])
    return found


def test_all_is_well(settled: CliWorld) -> None:
    report = settled.run(report_doctor)
    assert report.exit == 0, report.text
    assert results(report) == {
        "engine": "ok",
        "clock": "ok",
        "limits": "ok",
        "builder": "ok",
        "registry local": "ok",
        "image busybox:1.36": "ok",
        "git": "warning",
        "secret": "ok",
        "lock": "warning",
    }
    assert LOCAL.split(":")[1] in report.text
    assert report.text.count("\n") == len(results(report)) + 2, "a line each, and what to do about two"


def test_a_part_that_fails_stops_no_other(shop: CliWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE})
    shop.engine.fail(
        "examine", error=ProviderError("DKR001", "engine", "no answer", "", "start it"), times=None
    )
    refusal = Refused("BLD002", "docker buildx", "it has no buildx", "buildx", "install it")
    shop.builder.faults.add("examine", 1, refusal, "before", None)
    shop.registries["docker.io"].faults.add("digest", 1, None, "before", None)
    report = shop.run(report_doctor)
    assert report.exit == 1
    found = results(report)
    assert {part for part, result in found.items() if result == "problem"} == {
        "engine",
        "builder",
        "image busybox:1.36",
        "secret db-password",
    }
    assert found["registry local"] == "ok"
    assert "-> install it" in report.text
    assert "[BLD002]" in report.text
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", "hunter2-hunter2")
    mended = shop.run(report_doctor)
    assert "db-password has a value" in mended.text
    assert "hunter2" not in mended.text + str(mended.members)


def test_facts_of_a_runtime_are_judged() -> None:
    facts = RuntimeFacts("26.1", "1.45", -30.0, (1 * GIB, 100 * GIB), ("swap limits",))
    found = {finding.part: finding for finding in judge_runtime(facts)}
    assert {part: finding.verdict for part, finding in found.items()} == {
        "engine": "ok",
        "clock": "warning",
        "disk": "problem",
        "limits": "warning",
    }
    assert "30.0 s behind" in found["clock"].seen
    assert "swap limits" in found["limits"].seen
    well = judge_runtime(RuntimeFacts("26.1", "1.45", 0.2, (50 * GIB, 100 * GIB)))
    assert {finding.verdict for finding in well} == {"ok"}
    assert not has_problem(well)


def test_secrets_and_references_are_named_and_never_shown() -> None:
    found = judge_secrets(["a", "b"], ["c"], "/run/secrets/shop/dev")
    assert [(finding.name, finding.verdict) for finding in found] == [("", "ok"), ("c", "problem")]
    assert found[1].remedy == "write /run/secrets/shop/dev/c"
    assert judge_secrets([], [], "/x")[0].seen == "none is named"
    many = judge_floating([f"redis:{n}" for n in range(6)], "dev")
    assert (many.verdict, many.remedy) == ("warning", "reconciler lock")
    assert "6 tags" in many.seen
    assert "and 2 more" in many.seen
    assert judge_floating([], "dev").verdict == "ok"


def test_lines_are_aligned_and_escaped() -> None:
    findings = [
        Finding("git", "", "ok", "bad \x1b[2J"),
        Finding("registry", "main", "problem", "no", "do it", "REG001"),
    ]
    text = render_findings(findings)
    assert "\x1b" not in text
    assert text.splitlines()[0].index("bad") == text.splitlines()[1].index("no  [REG001]")
    checks = findings_json(findings)["checks"]
    assert isinstance(checks, list)
    assert checks[1] == {
        "part": "registry",
        "name": "main",
        "result": "problem",
        "seen": "no",
        "remedy": "do it",
        "code": "REG001",
    }
