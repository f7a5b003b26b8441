"""Verb ``rollout``: steers a canary. It writes the marker that loop and ``apply`` follow, and does nothing
itself."""

from __future__ import annotations

import time
from typing import TypeVar

from reconciler.canary import STEP, Standing, write_standing
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.cli.session import meet, report_of, run_live
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Json
from reconciler.journal import Journal
from reconciler.loop_mark import living_loop
from reconciler.observed import Marker, Observed
from reconciler.render import escape, format_time
from reconciler.steering import Course, Unsteered, Word, find_course, steer
from reconciler.view import group, newest_markers, suspension
from specs.suggest import did_you_mean

T = TypeVar("T", Course, Standing)
_TRIES = 3
"""Looks until what was said stands: the loop may note a step in the same moment."""
_RESULTS: dict[Word, str] = {
    "next": "sent on",
    "pause": "paused",
    "resume": "sent on its way again",
    "abort": "aborted",
}


def run(options: Options) -> Report:
    """Steer it. Raises Stop, ProviderError."""
    return run_live(options, report_rollout)


async def report_rollout(workspace: Workspace, clients: Clients) -> Report:
    """Write the marker, as what was just seen allows. Raises Stop with the reason when it does not."""
    name = workspace.options.service
    for _ in range(_TRIES):
        desired, observed = await meet(workspace, clients)
        if observed.cannot_read("instances") or observed.cannot_read("markers"):
            report = Report(CANNOT_TELL, f"cannot tell where {escape(name)} stands\n")
            return report_of(workspace, desired, observed, report)
        course = _course(desired, observed, name)
        standing = _said(steer(course, _word(workspace.options), person(), observed.at), desired, name)
        earlier = newest_markers(observed.markers).get((STEP, name))
        sequence = earlier.sequence + 1 if earlier is not None else 1
        marker = Marker(STEP, name, sequence, write_standing(standing))
        if await clients.runtime.put_marker(desired.owner, marker):
            _note(workspace.options, desired, standing)
            return _report(workspace, desired, observed, course, standing)
    seen, remedy = "somebody else was faster", "look at the status, and say it again"
    raise Stop(ERROR, (failure("CLI015", f"Service {name}", seen, remedy=remedy),), workspace.owner)


def _course(desired: Desired, observed: Observed, name: str) -> Course:
    if name in desired.services:
        return _said(find_course(desired, observed, name), desired, name)
    known = desired.services.keys() | {i.service_name for i in observed.instances}
    seen, remedy = f"there is no service {name} in this environment", did_you_mean(name, known)
    if name in known:
        seen, remedy = f"service {name} is not in this commit", "look at another commit with --ref"
    raise Stop(ERROR, (failure("CLI005", name, seen, remedy=remedy),), desired.owner, desired.commit)


def _said(found: T | Unsteered, desired: Desired, name: str) -> T:
    if isinstance(found, Unsteered):
        expected = "a canary that is on its way"
        problem = failure("CLI070", f"Service {name}", found.seen, expected, found.remedy)
        raise Stop(ERROR, (problem,), desired.owner, desired.commit)
    return found


def _word(options: Options) -> Word:
    return options.steer or "next"  # the grammar asks for one


def _report(
    workspace: Workspace, desired: Desired, observed: Observed, course: Course, standing: Standing
) -> Report:
    weight = Course(course.service_name, course.steps, standing, True).weight
    members: dict[str, Json] = {
        "service": course.service_name,
        "generation": standing.generation,
        "step": min(standing.index + 1, len(course.steps)),
        "of": len(course.steps),
        "weight": None if standing.state == "aborted" else weight,
        "state": standing.state,
        "by": standing.by,
    }
    loop, env = living_loop(observed), desired.owner.environment
    left_alone = any(suspension(group(observed), n, observed.at) for n in ("", course.service_name))
    acts = loop is not None and not left_alone
    told = f"the loop ({escape(loop.by)}) does it now\n" if loop is not None and acts else ""
    following = f"reconciler status {env}" if acts else f"reconciler apply {env}"
    text = f"{_words(course, standing, weight)}\n{told}next:\n  {following}\n"
    return report_of(workspace, desired, observed, Report(DONE, text, members))


def _words(course: Course, standing: Standing, weight: int) -> str:
    name = course.service_name
    share = "all requests" if weight == 100 else f"{weight} % of the requests"
    step = f"step {standing.index + 1} of {len(course.steps)}"
    if standing.state == "aborted":
        return f"{name}: generation {standing.generation} is led around, stopped and held"
    if standing.state == "paused":
        return f"{name}: paused at {step}, {share}, until --resume or --next"
    return f"{name}: {share} go to generation {standing.generation}" + (f", {step}" if weight < 100 else "")


def _note(options: Options, desired: Desired, standing: Standing) -> None:
    entry: dict[str, Json] = {
        "at": format_time(time.time()),
        "verb": options.verb,
        "commit": desired.commit,
        "actor": standing.by,
        "result": _RESULTS[_word(options)],
        "about": options.service,
        "reason": f"generation {standing.generation}, step {standing.index + 1}",
    }
    Journal.of(desired.owner).append(entry)
