"""What a person may say to a canary that is on its way, and what is noted for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, assert_never

from reconciler.canary import STEP, Standing, find_canary, read_standing
from reconciler.desired import Desired
from reconciler.observed import Observed
from reconciler.readiness import serves
from reconciler.target import Target, desired_target, holding_instance, proved_release
from reconciler.view import ServiceView, Views, group
from specs.rollout import Step

Word = Literal["next", "pause", "resume", "abort"]


@dataclass(frozen=True, slots=True)
class Unsteered:
    """Why nothing can be said to it, and what to do instead."""

    seen: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Course:
    """A canary, or what is left to be proved of one. ``standing``: as noted, or as the loop would note it."""

    service_name: str
    steps: tuple[Step, ...]
    standing: Standing
    has_begun: bool
    """Its first instance had requests, so that its first step was noted."""

    @property
    def is_over(self) -> bool:
        """All its steps are: it takes all requests, and is watched until it is proved."""
        return self.standing.index >= len(self.steps)

    @property
    def weight(self) -> int:
        """Percent of the requests at its step."""
        return 100 if self.is_over else self.steps[self.standing.index].weight


def find_course(desired: Desired, observed: Observed, service_name: str) -> Course | Unsteered:
    """The canary of a service that is desired. ``observed`` must have its instances and markers."""
    views, env = group(observed), desired.owner.environment
    service, view = desired.services[service_name], views.of(service_name)
    rollout, target = service.form.spec.rollout, desired_target(service, view, observed, desired.commit)
    if rollout.strategy != "canary":
        return Unsteered(f"its strategy is {rollout.strategy}, not canary", "write rollout.strategy: canary")
    if holding_instance(target, view) is not None:
        remedy = f"commit a fix, or reconciler retry {env} {service_name}"
        return Unsteered("its new generation failed and is held", remedy)
    if not any(target.is_generation_of(instance) for instance in view.live):
        return _elsewhere(desired, view, views, service_name)
    noted = read_standing(views.markers.get((STEP, service_name)))
    ended = noted.since if noted is not None and noted.state == "aborted" else None
    if ended is not None and any(i.created_at <= ended for i in view.live if target.is_generation_of(i)):
        return Unsteered("it was aborted, and is on its way out", f"reconciler status {env}")
    return _course(target, view, views, observed.at) or Unsteered(
        "no canary is on its way: what the commit asks for is proved, or nothing serves beside it",
        f"reconciler status {env}",
    )


def _course(target: Target, view: ServiceView, views: Views, now: float) -> Course | None:
    name, generation = target.service.name, target.generation
    rollout = target.form.spec.rollout
    if generation is None or proved_release(target, view) is not None:
        return None
    noted = read_standing(views.markers.get((STEP, name)))
    has_begun = noted is not None and noted.generation == generation.g8 and noted.state != "aborted"
    standing = noted if noted is not None and has_begun else Standing(generation.g8, 0, now)
    beside = any(serves(i) and not target.is_generation_of(i) for i in view.live)
    if not has_begun and not beside:
        return None
    steps = rollout.canary_steps
    is_found = find_canary(rollout, views.markers.get((STEP, name)), generation.g8) is not None
    return Course(name, steps, standing, has_begun) if is_found or has_begun else None


def _elsewhere(desired: Desired, view: ServiceView, views: Views, service_name: str) -> Unsteered:
    """Nothing runs of what this commit asks for; somebody may be looking from another commit."""
    noted = read_standing(views.markers.get((STEP, service_name)))
    other = next((i for i in view.live if noted is not None and i.generation.g8 == noted.generation), None)
    proved = {release.generation for release in view.releases}
    if other is None or other.generation in proved:
        seen = "no canary is on its way: nothing of its new generation runs"
        return Unsteered(seen, f"reconciler status {desired.owner.environment}")
    seen = f"the canary on its way is another generation: {other.generation.g8}"
    return Unsteered(seen, f"say it of its commit: --ref {other.commit}")


def steer(course: Course, word: Word, by: str, now: float) -> Standing | Unsteered:
    """What is noted when somebody says the word. ``now`` on the runtime's clock."""
    standing = replace(course.standing, by=by)
    if word == "abort":
        return replace(standing, state="aborted", since=now)
    if course.is_over:
        return Unsteered("all its steps are over: it has all requests and is watched", "wait, or --abort it")
    match word:
        case "next":
            if not course.has_begun:
                return Unsteered("its first step has not begun: no request reaches it yet", "wait a moment")
            return replace(standing, index=standing.index + 1, since=now, state="running")
        case "pause":
            if standing.state == "paused":
                return Unsteered(f"it is paused{_by(course)}", "go on with --resume or --next")
            return replace(standing, state="paused")
        case "resume":
            if standing.state != "paused":
                return Unsteered("it is not paused", "--next ends its step")
            return replace(standing, state="running", since=now)
        case _:
            assert_never(word)


def _by(course: Course) -> str:
    return f" by {course.standing.by}" if course.standing.by else ""


def still_steers(standing: Standing | None, generations: frozenset[str]) -> bool:
    """Whether a noted step means anything still. ``generations``: eight digits of those that live."""
    return standing is not None and standing.generation in generations
