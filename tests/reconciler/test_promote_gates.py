"""The checks of a promotion on their whole way: what is asked, what refuses it, what is written."""

from __future__ import annotations

import pytest

from answering import Answering, answering_apart
from promotions import RELEASE, Place, open_place
from providers.memory import Behaviour, Ended
from reconciler.cli.envelope import Report

__all__ = ["open_place"]
CHECK = ("bin/check", "--all")


def gates(report: Report) -> dict[str, bool | None]:
    found = report.members["gates"]
    assert isinstance(found, list)
    return {it["name"]: it["passed"] for it in found if str(it["name"]).startswith("check ")}  # type: ignore[index, call-overload, misc]


@pytest.fixture(name="forge")
def _forge(monkeypatch: pytest.MonkeyPatch) -> object:
    with answering_apart() as server:
        monkeypatch.setenv("GITHUB_API_URL", server.url)
        monkeypatch.setenv("GITHUB_REPOSITORY", "team/shop")
        monkeypatch.setenv("GITHUB_TOKEN", "token")
        yield server


def behave(place: Place, code: int) -> None:
    behaviour = Behaviour(runs={CHECK: lambda files, given: Ended(code, b"", b"no such table\n")})
    place.world.behave("busybox:1.36", behaviour)


def test_checks_are_asked_and_what_passed_is_written_as_evidence(place: Place, forge: Answering) -> None:
    checks = [
        f"{{name: smoke, http: '{forge.url}/healthz', contains: ready, timeout: 10m}}",
        "{name: schema, command: bin/check --all, service: cache, timeout: 10m}",
        "{name: ci, commit_status: ci/test}",
    ]
    place.write(f"  promotion: {{gates: {{checks: [{', '.join(checks)}]}}}}\n")
    head = place.git("rev-parse", "HEAD")
    statuses = f"/repos/team/shop/commits/{head}/status"
    forge.answers |= {
        "/healthz": (503, "starting"),
        statuses: (200, {"statuses": [{"context": "ci/test", "state": "success"}]}),
        f"/repos/team/shop/commits/{head}/check-runs": (200, {"check_runs": []}),
    }
    behave(place, 1)
    report = place.promote()
    assert (report.exit, gates(report)) == (4, {"check smoke": False, "check ci": True})
    forge.answers["/healthz"] = (200, "ready")
    report = place.promote()
    assert (report.exit, gates(report)["check schema"]) == (4, False), report.text
    assert place.git("rev-parse", "HEAD") == head, "nothing was written"
    behave(place, 0)
    forge.answers[statuses] = (500, "")
    assert place.promote().exit == 3
    forge.answers[statuses] = (200, {"statuses": [{"context": "ci/test", "state": "success"}]})
    report = place.promote()
    assert (report.exit, report.members["result"]) == (0, "written"), report.text
    written = (place.world.repository.path / RELEASE).read_text()
    assert written.count('"checks": ["smoke", "schema", "ci"]') == 2
    place.apply("prod")
    assert place.runs() == place.runs("dev")
