"""Each gate: what it asks, what it says where it does not pass, and when it may."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.gate_order import Hotfix
from reconciler.gate_result import GateResult, may_pass, retry_at
from reconciler.gates import Approval, Approvals, Candidate, CheckResult, Facts, judge, refusal_of
from reconciler.pin_gates import PinFacts, Ran, judge_approvals, judge_pin
from reconciler.render_gates import gates_json, render_gates
from reconciler.repository import Kinship
from spec_texts import environment, service, spec_set_of
from specs.promotion import Gates, Promotion
from specs.release import InsteadOf, Refusal, ReleasedService

NOW = 1_796_000_000.0  # 2026-11-30T00:53:20Z, a Monday
COMMIT, OTHER = "a" * 40, "b" * 40
DIGEST = f"sha256:{'1' * 64}"
WEB = Candidate("web", healthy_since=NOW - 7200, ready=2, kinship=Kinship.ANCESTOR)
HOTFIX = {"hotfix": "an expired certificate"}


def promotion(hotfix: str = "refuse", **gates: object) -> Promotion:
    return Promotion.model_validate({"hotfix": hotfix, "gates": gates})


def facts(*candidates: Candidate, **more: object) -> Facts:
    return replace(Facts(candidates or (WEB,), "dev"), **more)


def entry(evidence: dict[str, object] | None = None, **words: object) -> ReleasedService:
    said = {"from": "dev", "healthy_since": "2026-11-29T00:00:00Z"} if evidence is None else evidence
    image = {"repository": "web", "digest": DIGEST, "input": f"in-{'0' * 32}"}
    whole = {"serial": 2, "commit": COMMIT, "images": {"web": image}, "evidence": said, **words}
    return ReleasedService.model_validate(whole)


def one(results: tuple[GateResult, ...], name: str) -> GateResult:
    found = [result for result in results if result.name == name]
    assert len(found) == 1, [result.name for result in results]
    return found[0]


def passed(results: tuple[GateResult, ...]) -> dict[str, bool | None]:
    return {result.name: result.passed for result in results}


def test_without_gates_only_the_order_of_commits_and_one_instance_are_asked() -> None:
    assert passed(judge(Promotion(), facts(), NOW)) == {"instances": True, "not-older": True}
    first = replace(WEB, kinship=None, ready=0)
    assert passed(judge(Promotion(), facts(first), NOW)) == {"instances": False}
    assert judge(promotion(instances=0), facts(first), NOW) == ()


def test_soak_says_how_long_and_when_to_try_again() -> None:
    results = judge(promotion(soak="2h30m"), facts(), NOW)
    soak = one(results, "soak")
    assert (soak.passed, soak.retry_at) == (False, NOW + 1800)
    assert render_gates(results) == (
        "passed: gate instances of web: 2 instances healthy in dev\n"
        "passed: gate not-older of web: it contains what is pinned now\n"
        "refused: gate soak of web: healthy in dev for 2 h, expected healthy for 2h30m; "
        "try again at 2026-11-30T01:23:20Z\n"
        "try again at 2026-11-30T01:23:20Z: nothing else is missing\n"
    )
    assert may_pass(judge(promotion(soak="2h"), facts(), NOW)) is True


def test_soak_cannot_be_told_without_a_beginning_and_is_not_asked_of_jobs_and_hotfixes() -> None:
    soaking = promotion("allow", soak="1h")
    unknown = replace(WEB, healthy_since=None)
    assert one(judge(soaking, facts(unknown), NOW), "soak").passed is None
    for other in (replace(unknown, is_job=True), replace(unknown, is_hotfix=True, ready=0)):
        assert may_pass(judge(soaking, facts(other), NOW)) is True


def test_an_old_record_proves_nothing() -> None:
    fresh = facts(read_at=NOW - 3600)
    assert one(judge(Promotion(), fresh, NOW), "proof").passed is True
    old = one(judge(Promotion(), facts(read_at=NOW - 3601), NOW), "proof")
    assert old.passed is None
    assert old.seen == "the record of dev was written 60 min ago"
    assert may_pass(judge(Promotion(), facts(read_at=NOW - 3601), NOW)) is None


def test_what_is_older_or_apart_is_refused_and_what_cannot_be_told_is_neither() -> None:
    for kinship, expected in (
        (Kinship.SAME, True),
        (Kinship.ANCESTOR, True),
        (Kinship.DESCENDANT, False),
        (Kinship.UNRELATED, False),
        (Kinship.CANNOT_TELL, None),
    ):
        result = one(judge(Promotion(), facts(replace(WEB, kinship=kinship)), NOW), "not-older")
        assert result.passed is expected
        assert ("git fetch" in result.remedy) is (expected is None)


@pytest.mark.parametrize(
    ("kinship", "hotfix", "drop", "expected"),
    [
        (Kinship.ANCESTOR, "kept", False, True),
        (Kinship.UNRELATED, "kept", False, True),
        (Kinship.UNRELATED, "lost", False, False),
        (Kinship.UNRELATED, "lost", True, True),
        (Kinship.DESCENDANT, "lost", True, True),
        (Kinship.UNRELATED, "none", True, False),
        (Kinship.CANNOT_TELL, "cannot_tell", False, None),
    ],
)
def test_a_hotfix_is_lost_only_by_name(
    kinship: Kinship, hotfix: Hotfix, drop: bool, expected: bool | None
) -> None:
    candidate = replace(WEB, kinship=kinship, hotfix=hotfix)
    drops = frozenset({"web"}) if drop else frozenset()
    assert may_pass(judge(Promotion(), facts(candidate, drop=drops), NOW)) is expected


def test_a_hotfix_needs_permission() -> None:
    candidate = replace(WEB, is_hotfix=True, kinship=Kinship.ANCESTOR)
    refused = one(judge(Promotion(), facts(candidate), NOW), "hotfix")
    assert refused.passed is False
    assert "promotion.hotfix: allow" in refused.remedy
    assert one(judge(promotion("allow"), facts(candidate), NOW), "hotfix").passed is True


def test_what_a_rollback_refused_is_taken_by_name_and_never_by_itself() -> None:
    candidate = replace(WEB, refusal=refusal("in-1", reason="it answered 500"))
    refused = one(judge(Promotion(), facts(candidate), NOW), "refused")
    assert refused.passed is False
    assert refused.seen == "a rollback refused exactly this: it answered 500"
    assert one(judge(Promotion(), facts(candidate, again=True), NOW), "refused").passed is True
    automatic = facts(candidate, again=True, is_automatic=True)
    assert one(judge(Promotion(), automatic, NOW), "refused").passed is False


def refusal(key: str, digest: str | None = None, reason: str | None = None) -> Refusal:
    return Refusal(fingerprint=f"v1:{'0' * 64}", input=key, digest=digest, reason=reason)


def test_a_refusal_is_about_one_generation() -> None:
    said = entry(refused=[refusal("in-1").model_dump(), refusal("postgres:16", DIGEST).model_dump()])

    def found(key: str, digest: str | None = None, fingerprint: str = "0") -> bool:
        asked = InsteadOf(fingerprint=f"v1:{fingerprint * 64}", input=key, digest=digest)
        return refusal_of(said, asked) is not None

    assert found("in-1")
    assert found("in-1", DIGEST)
    assert not found("in-2")
    assert not found("in-1", fingerprint="1")
    assert found("postgres:16", DIGEST)
    assert not found("postgres:16")
    assert refusal_of(None, refusal("in-1")) is None


def test_a_check_that_was_not_asked_or_not_answered_does_not_pass() -> None:
    checks = [
        {"name": "smoke", "http": "https://dev.example.com/"},
        {"name": "migrate", "command": ["bin/check"]},
        {"name": "ci", "commit_status": "ci/test"},
        {"name": "other", "command": ["bin/check"], "service": "other"},
    ]
    asked = (
        CheckResult("smoke", None, True, "status 200"),
        CheckResult("migrate", "web", False, "exit code 1: no such table"),
    )
    results = judge(promotion(checks=checks), facts(checks=asked), NOW)
    found = {r.name: (r.passed, r.service_name, r.seen) for r in results if r.name.startswith("check ")}
    assert found == {
        "check smoke": (True, None, "status 200"),
        "check migrate": (False, "web", "exit code 1: no such table"),
        "check ci": (None, None, "it was not asked"),
    }


def test_clocks_say_when_all_of_them_let_it_pass() -> None:
    windows = [{"days": ["mon"], "from": "09:00", "until": "10:00"}]
    freezes = [{"from": "2026-11-30", "until": "2026-12-01", "reason": "audit"}]
    results = judge(promotion(windows=windows, freezes=freezes, soak="3h"), facts(), NOW)
    lines = render_gates(results)
    assert "refused: gate freezes: frozen until 2026-12-01T00:00:00Z (audit), expected no freeze" in lines
    assert lines.endswith("try again at 2026-12-07T09:00:00Z: nothing else is missing\n")
    assert retry_at(results) == one(results, "windows").retry_at


def test_time_alone_does_not_help_where_more_is_missing() -> None:
    results = judge(promotion(soak="3h", instances=5), facts(), NOW)
    assert retry_at(results) is None
    assert "nothing else is missing" not in render_gates(results)


def test_json_and_text_escape_what_others_wrote() -> None:
    asked = (CheckResult("smoke", None, False, "\x1b[31m::error::\n##vso[x]"),)
    checks = [{"name": "smoke", "http": "https://dev.example.com/"}]
    results = judge(
        promotion(checks=checks, instances=0), facts(replace(WEB, kinship=None), checks=asked), NOW
    )
    assert gates_json(results) == [
        {
            "name": "check smoke",
            "service": None,
            "passed": False,
            "seen": "\x1b[31m::error::\n##vso[x]",
            "expected": "an answer as written",
            "retry_at": None,
            "remedy": None,
        }
    ]
    text = render_gates(results)
    assert "\x1b" not in text
    assert text.count("\n") == 1
    assert "##vso" not in text


RESULTS = st.lists(
    st.builds(
        GateResult,
        st.sampled_from(["soak", "windows", "approvals"]),
        st.none(),
        st.sampled_from([True, False, None]),
        st.just("seen"),
        st.just("expected"),
        st.none() | st.integers(1, 9).map(float),
    )
)


@given(RESULTS)
def test_passes_only_where_all_do(results: list[GateResult]) -> None:
    verdict = may_pass(results)
    assert (verdict is True) == all(result.passed is True for result in results)
    assert (verdict is False) == any(result.passed is False for result in results)
    at = retry_at(results)
    if at is not None:
        assert all(r.retry_at is not None and r.retry_at <= at for r in results if r.passed is not True)


# --- a pin


PIN = PinFacts("web", "dev", COMMIT, is_reachable=True, kinship=Kinship.ANCESTOR)
OLD = entry(serial=1, commit=OTHER)


def test_a_pin_that_says_the_same_is_not_judged() -> None:
    assert (
        judge_pin(entry(serial=1), entry(serial=2), replace(PIN, is_reachable=False), Promotion(), NOW) == ()
    )


def test_a_pin_is_judged_by_what_can_be_known() -> None:
    gates = promotion(soak="1h", approvals=1, approvers=["alice@example.com"])
    signed = replace(PIN, signed=Approvals((Approval("Alice@example.com", "signature"),)))
    results = judge_pin(OLD, entry(), signed, gates, NOW)
    assert passed(results) == dict.fromkeys(("approvals", "evidence", "not-older", "reachable"), True)
    unreachable = judge_pin(OLD, entry(), replace(signed, is_reachable=False), gates, NOW)
    assert passed(unreachable)["reachable"] is False
    assert (
        passed(judge_pin(OLD, entry(), replace(signed, is_reachable=None), gates, NOW))["reachable"] is None
    )


def test_a_forged_pin_lacks_approval_and_evidence() -> None:
    checks = [{"name": "smoke", "http": "https://dev.example.com/"}]
    gates = promotion(soak="1h", approvals=1, approvers=["alice@example.com"], checks=checks)
    forged = replace(PIN, signed=Approvals((Approval("mallory@example.com", "signature"),)))
    lied = {"approved_by": ["alice@example.com"]}
    results = judge_pin(OLD, entry(lied), forged, gates, NOW)
    assert one(results, "evidence").seen == "its evidence lacks check smoke, from: dev, healthy_since"
    others = [{"name": "smoke", "command": ["bin/check"], "service": "api"}]
    assert passed(judge_pin(OLD, entry(), PIN, promotion(checks=others), NOW))["evidence"] is True
    approvals = one(results, "approvals")
    assert approvals.seen == "0 approvals of aaaaaaaaaa"
    assert approvals.expected == "1 of alice@example.com"
    assert approvals.remedy == "sign the commit that brings the pin"
    assert may_pass(results) is False


def test_evidence_may_not_contradict_the_gates() -> None:
    young = {"from": "dev", "healthy_since": "2026-11-30T00:00:00Z"}
    result = one(judge_pin(OLD, entry(young), PIN, promotion(soak="1h"), NOW), "evidence")
    assert (result.passed, result.retry_at) == (False, NOW + 400)
    for since in ("2026-99-99T00:00:00Z", "0000-01-01T00:00:00Z"):
        odd = {"from": "dev", "healthy_since": since}
        assert passed(judge_pin(OLD, entry(odd), PIN, promotion(soak="1h"), NOW))["evidence"] is False
    job = replace(PIN, is_job=True)
    assert passed(judge_pin(OLD, entry({"from": "dev"}), job, promotion(soak="1h"), NOW))["evidence"] is True


def test_going_back_to_what_ran_here_is_asked_one_thing() -> None:
    frozen = promotion(approvals=1, freezes=[{"from": "2026-11-01", "until": "2027-01-01"}])
    back = replace(PIN, kinship=Kinship.DESCENDANT, ran=(Ran(COMMIT, DIGEST),))
    assert passed(judge_pin(OLD, entry({}), back, frozen, NOW)) == {"reachable": True}
    other = replace(back, ran=(Ran(COMMIT, f"sha256:{'2' * 64}"), Ran(OTHER, DIGEST)))
    assert may_pass(judge_pin(OLD, entry({}), other, frozen, NOW)) is False


def test_a_hotfix_that_was_given_up_is_named_in_the_pin() -> None:
    apart = replace(PIN, kinship=Kinship.UNRELATED, hotfix="lost")
    fixed = entry(HOTFIX, serial=1, commit=OTHER)
    assert may_pass(judge_pin(fixed, entry(), apart, Promotion(), NOW)) is False
    for drops, expected in ((OTHER, True), ("c" * 40, False)):
        said = entry({"from": "dev", "drops": drops})
        assert may_pass(judge_pin(fixed, said, apart, Promotion(), NOW)) is expected


def test_a_hotfix_in_a_pin_needs_permission_too() -> None:
    for hotfix, expected in (("refuse", False), ("allow", True)):
        results = judge_pin(OLD, entry(HOTFIX), PIN, promotion(hotfix, soak="1h"), NOW)
        assert may_pass(results) is expected


def approve(gates: Gates, *given: tuple[str, str], unknown: str = "") -> GateResult:
    approvals = tuple(Approval(who, "review" if how == "review" else "signature") for who, how in given)
    return judge_approvals(gates, Approvals(approvals, unknown), "web", COMMIT)


def test_one_who_signs_and_reviews_is_one() -> None:
    two = Gates(approvals=2, approvers=("alice@x.org", "bob@x.org"), reviewers=("alice", "bob"))
    assert approve(two, ("alice@x.org", "signature"), ("alice", "review")).passed is False
    assert approve(two, ("alice@x.org", "signature"), ("ALICE@x.org", "signature")).passed is False
    assert approve(two, ("alice@x.org", "signature"), ("bob@x.org", "signature")).passed is True
    assert approve(two, ("alice", "review"), ("bob", "review")).passed is True


def test_without_a_list_every_known_key_counts_and_no_review() -> None:
    anybody = Gates(approvals=1)
    assert approve(anybody, ("carol@x.org", "signature")).passed is True
    assert approve(anybody, ("carol", "review")).passed is False


def test_approvals_that_cannot_be_asked_for_are_not_missing() -> None:
    reviewed = Gates(approvals=1, reviewers=("alice",))
    result = approve(reviewed, unknown="the forge answered 403")
    assert result.passed is None
    assert result.seen == "0 approvals of aaaaaaaaaa; the forge answered 403"
    assert approve(reviewed, ("alice", "review"), unknown="the forge answered 403").passed is True


def test_the_page_shows_what_the_language_takes() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "gates.md"
    (shown,) = re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
    found = spec_set_of(shown, environment("worktree: refuse"), service("web")).environments["prod"].promotion
    assert (found.hotfix, found.gates.soak, found.gates.checks[1].command) == (
        "refuse",
        3600.0,
        ("bin/migrate", "--check"),
    )
