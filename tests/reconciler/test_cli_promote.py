"""``promote``: prod takes what dev has proved, as a commit; what it refuses, and what it leaves alone."""

from __future__ import annotations

import time

from promotions import PROD, RELEASE, SECOND, Place, open_place
from reconciler.cli.envelope import envelope
from reconciler.fault import ProviderError
from reconciler.outputs.promote import PromoteOutput
from reconciler.outputs.read import read_output

__all__ = ["open_place"]


def test_what_dev_has_proved_runs_in_prod_by_one_commit(place: Place) -> None:
    head = place.git("rev-parse", "HEAD")
    report = place.promote(reason="the first")
    assert (report.exit, report.members["result"]) == (0, "written"), report.text
    assert "service web: new, at " in place.shown[0]
    assert "service cache: new, at " in place.shown[0]
    assert place.git("rev-parse", "HEAD~1") == head
    assert place.git("diff", "--name-only", "HEAD~1") == RELEASE
    assert place.git("log", "-1", "--format=%s %b").startswith("Promote dev to prod: 2 services the first")
    assert place.git("status", "--short") == ""
    place.apply("prod")
    assert place.runs() == place.runs("dev")
    assert place.promote().members["result"] == "nothing"
    # A merge changes dev; prod stays until it is promoted, and then takes bytes and spec together.
    place.world.repository.commit(SECOND)
    place.apply()
    before = place.runs()
    place.apply("prod")
    assert place.runs() == before
    report = place.promote()
    assert [it["service"] for it in report.members["services"]] == ["web"]  # type: ignore[index, union-attr, call-overload]
    assert "service web: " in place.shown[0]
    assert "service cache" not in place.shown[0]
    place.apply("prod")
    assert place.runs() == place.runs("dev") != before


def test_only_what_is_asked_for_and_nothing_with_a_dry_run(place: Place) -> None:
    head = place.git("rev-parse", "HEAD")
    assert place.promote(dry_run=True).exit == 0
    assert place.git("rev-parse", "HEAD") == head
    place.promote(services=("cache",))
    place.apply("prod")
    assert set(place.runs()) == {"cache"}
    assert place.refused(1, services=("nobody",)) == "CLI005"


def test_on_a_branch_for_review_that_takes_what_is_newest(place: Place) -> None:
    head = place.git("rev-parse", "HEAD")
    first = place.promote(branch="")
    assert first.members["branch"] == "promote/prod"
    request = first.members["pull_request"]
    assert isinstance(request, dict)
    assert request["base"] == place.git("symbolic-ref", "--short", "HEAD")
    assert "| cache | new |" in str(request["body"])
    assert "\nservice cache: new, at " in str(request["body"])
    proposed = read_output(envelope("promote", first))
    assert isinstance(proposed, PromoteOutput), "what post opens it from"
    assert proposed.pull_request is not None
    assert proposed.pull_request.branch == "promote/prod"
    assert place.git("rev-parse", "HEAD") == head
    assert place.promote(branch="").members["commit"] == first.members["commit"]
    place.world.repository.commit(SECOND)
    place.apply()
    second = place.promote(branch="")
    assert place.git("rev-list", "--count", f"{first.members['commit']}..promote/prod") != "0"
    assert place.git("merge-base", "--is-ancestor", "HEAD", "promote/prod") == ""
    assert place.git("diff", "--name-only", "HEAD", "promote/prod") == RELEASE
    assert second.members["commit"] == place.git("rev-parse", "promote/prod")


def test_back_is_a_commit_and_is_not_promoted_again_by_accident(place: Place) -> None:
    place.promote()
    place.apply("prod")
    first = place.runs()
    place.world.repository.commit(SECOND)
    place.apply()
    place.promote()
    place.apply("prod")
    assert place.runs() != first
    report = place.roll_back(service="web", reason="it answers 500")
    assert report.exit == 0, report.text
    assert place.runs() == first
    again = place.promote()
    assert (again.exit, again.members["result"]) == (4, "refused")
    assert "a rollback refused exactly this: it answers 500" in place.shown[0]
    assert place.promote(again=True).members["result"] == "written"
    place.apply("prod")
    assert place.runs() == place.runs("dev")


def test_what_dev_does_not_have_any_more_goes_by_a_promotion(place: Place) -> None:
    place.promote()
    place.apply("prod")
    specs = (place.world.repository.path / "specs/shop.yaml").read_text()
    place.world.repository.commit({"specs/shop.yaml": specs[: specs.rindex("---")]})
    place.apply()
    place.apply("prod")
    assert set(place.runs()) == {"cache", "web"}
    place.promote()
    place.apply("prod")
    assert set(place.runs()) == {"web"}


def test_somebody_else_is_faster(place: Place) -> None:
    moved: list[str] = []

    def move() -> None:
        if not moved:
            moved.append(place.world.repository.commit({"README": "words\n"}))

    place.when_shown = move
    assert place.promote().members["result"] == "written"
    assert place.git("rev-parse", "HEAD~1") == moved[0]


def test_what_does_not_fit_is_refused_whole(place: Place) -> None:
    patch = "patches: [{kind: Service, name: web, spec: {image: 'busybox:1.36'}}]"
    text = PROD.format(more="").replace(
        "patches: [{kind: Service, name: web, spec: {environment: {PLACE: prod}}}]", patch
    )
    place.world.repository.commit({"specs/prod.yaml": text})
    assert place.refused() == "CLI083"
    place.write("  promotion: {gates: {soak: 10h}}\n")
    report = place.promote()
    assert (report.exit, report.members["result"]) == (4, "refused")
    assert "expected healthy for 10h" in place.shown[0]


def test_from_where_neither_engine_is_reached_the_record_counts(place: Place) -> None:
    engine = place.world.engine
    engine.advance(time.time() - engine.clock)
    specs = (place.world.repository.path / "specs/shop.yaml").read_text()
    recorded = specs.replace("worktree: allow}", "worktree: allow, record: local}")
    place.world.repository.commit({"specs/shop.yaml": recorded})
    place.apply()
    engine.fail("observe", 1, ProviderError("DKR001", "the engine", "it does not answer"), times=None)
    report = place.promote()
    assert (report.exit, report.members["result"]) == (0, "written"), report.text
    assert "it does not answer" in place.shown[0]
    engine.recover()
    place.apply("prod")
    assert place.runs() == place.runs("dev")
    place.world.repository.commit({"specs/shop.yaml": specs})
    place.apply()
    engine.fail("observe", 1, ProviderError("DKR001", "the engine", "it does not answer"), times=None)
    assert place.refused(3) == "CLI085"
