"""The four timers of a rollout, and when it is told to be stuck."""

from __future__ import annotations

from dataclasses import replace

from lone_instances import lone_instance
from reconciler.countdowns import Countdowns, count_down, stuck_at, stuck_words
from reconciler.decision import Ender, Wait
from reconciler.desired import Generation, Subject
from reconciler.observed import Health
from reconciler.ownership import Role
from reconciler.release import Release
from reconciler.view import ServiceView
from sketches import Sketch, desired

WEB = desired(Sketch("web", deadline=60.0)).services["web"]
SUBJECT = Subject("Service", "web")
NEW, OLD = Generation("v1:1", "", "sha256:1"), Generation("v1:0", "", "sha256:0")
YOUNG = lone_instance(generation=NEW, health=Health.STARTING, started_at=1001.0)
RELEASES = (Release(OLD, "in-0", "x@sha256:0", "c", "c", 1, "{}"),)
GATE = Wait(SUBJECT, "instance 1 passes the gate (starting)", Ender.TIME, 1031.0, "ready")


def test_a_rollout_counts_down_to_its_deadline_and_to_being_stuck() -> None:
    view = ServiceView(live=(YOUNG,), releases=RELEASES)
    assert count_down(WEB, view, [GATE], 1011.0) == Countdowns(ready=50.0, progress=590.0)
    proof = replace(GATE, expects="proved", recheck_at=1020.0)
    ready = replace(YOUNG, health=Health.HEALTHY)
    assert count_down(WEB, replace(view, live=(ready,)), [proof], 1011.0) == Countdowns(monitor=9.0)
    assert count_down(WEB, view, [], 1011.0) == Countdowns(), "nothing is waited for"


def test_every_step_begins_the_time_without_one_anew() -> None:
    kept = replace(YOUNG, role=Role.KEPT, generation=OLD, finished_at=1200.0)
    view = ServiceView(live=(YOUNG,), kept=(kept,), releases=RELEASES)
    assert stuck_at(WEB, view) == 1800.0
    assert stuck_at(WEB, replace(view, live=(replace(YOUNG, started_at=1300.0),))) == 1900.0


def test_what_is_proved_or_not_yet_made_is_not_stuck() -> None:
    assert stuck_at(WEB, ServiceView(live=(replace(YOUNG, generation=OLD),), releases=RELEASES)) is None
    assert stuck_at(WEB, ServiceView(releases=RELEASES)) is None


def test_a_rollout_without_a_step_is_told_to_be_stuck_and_one_with_another_timer_is_not() -> None:
    view = ServiceView(live=(YOUNG,), releases=RELEASES)
    assert stuck_words(WEB, view, [GATE], 1600.0) is None
    words = stuck_words(WEB, view, [GATE], 1661.0)
    assert words == "no step of the rollout for 11 min: instance 1 passes the gate (starting)"
    assert stuck_words(WEB, view, [GATE, replace(GATE, expects="drain")], 1661.0) is None
