"""When a promotion of a loop is tried again, and what of it is news."""

from __future__ import annotations

from reconciler.cli.envelope import Report, failure
from reconciler.cli.promoter import RECHECK, pause_after
from reconciler.cli.promotion_news import PromotionNews, news_of
from reconciler.gate_result import GateResult
from reconciler.render_json import JsonObject

NOW = 1_800_000_000.0


def report(exits: int = 4, *codes: str, **members: object) -> Report:
    words: JsonObject = {"result": "refused", "services": [{"service": "web"}], **members}  # type: ignore[dict-item] # as the tests write them
    problems = tuple(failure(code, "branch main", f"it is {code}") for code in codes)
    return Report(exits, "", words, problems=problems)


def soak(minutes: int, retry_at: float | None = NOW + 60) -> GateResult:
    seen = f"healthy in dev for {minutes} min"
    return GateResult("soak", "web", False, seen, "healthy for 1h", retry_at)


def test_the_same_gate_is_the_same_cause_however_long_it_lasts() -> None:
    first, later = (news_of(report(), [soak(minutes)]) for minutes in (1, 2))
    assert first.cause == later.cause
    assert first.reasons != later.reasons
    assert (first.result, first.services, first.retry_at) == ("refused", ("web",), NOW + 60)
    other = GateResult("windows", None, False, "no window is open", "an open window")
    both = news_of(report(), [soak(1), other])
    assert both.cause != first.cause
    assert both.retry_at is None, "time alone does not let it pass"


def test_what_nobody_here_has_decided_is_a_failure() -> None:
    assert news_of(report(4, "CLI057"), ()).result == "failed"
    assert news_of(report(5, "REG049"), ()).result == "failed"
    assert news_of(report(4, "CLI083"), ()).result == "refused"
    assert news_of(report(0, result="nothing"), ()) == PromotionNews("nothing")


def test_a_failure_is_tried_ever_more_slowly_and_a_gate_when_it_opens() -> None:
    failed = PromotionNews("failed", "x")
    pauses = [pause_after(failed, failures, NOW) for failures in (1, 2, 3, 20, 2000)]
    assert pauses[0] < 20 < pauses[1] < 40 < pauses[2] < 80
    assert all(1400 < pause < 2200 for pause in pauses[3:])
    assert pause_after(news_of(report(), [soak(1)]), 0, NOW) == 60
    assert pause_after(news_of(report(), [soak(1, NOW + 9999)]), 0, NOW) == RECHECK
    assert 0 < pause_after(news_of(report(), [soak(1, NOW - 5)]), 0, NOW) < 1
    assert abs(pause_after(PromotionNews("nothing"), 0, NOW) - RECHECK) <= RECHECK / 4
