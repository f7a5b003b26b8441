"""Verbs ``suspend`` and ``resume``: hands off and back, from any machine that reaches the runtime.

They need no commit that is valid, and no lease: they write one marker, and every loop hears of it.
"""

from __future__ import annotations

import asyncio
import json
import time

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.cli.session import open_docker
from reconciler.cli.whereabouts import Whereabouts, find_whereabouts
from reconciler.desired import Json
from reconciler.journal import Journal
from reconciler.observed import Marker
from reconciler.provider import Question, Runtime, World
from reconciler.render import format_time
from reconciler.view import SUSPEND, newest_markers
from specs.suggest import did_you_mean


def run(options: Options) -> Report:
    """Write the marker. Raises Stop, ProviderError."""
    found = find_whereabouts(options)
    return asyncio.run(_run(options, found))


async def _run(options: Options, found: Whereabouts) -> Report:
    runtime = open_docker(found.reach())
    try:
        return await report_suspension(options, found, runtime)
    finally:
        await runtime.close()


async def report_suspension(options: Options, found: Whereabouts, runtime: Runtime) -> Report:
    """Nothing is said by deletion: ``resume`` writes a newer marker. Raises Stop, ProviderError."""
    owner, world = found.owner, await runtime.observe(Question(found.owner))
    unread = {entry.what for entry in world.unreadable}
    if "markers" in unread or ("instances" in unread and options.service not in found.services):
        text = "cannot tell what is suspended\n"
        return Report(CANNOT_TELL, text, owner=owner, at=world.at, unreadable=world.unreadable)
    markers = newest_markers(world.markers)
    known = {subject for kind, subject in markers if kind == SUSPEND and subject}
    known |= found.services | {instance.service_name for instance in world.instances}
    if options.service and options.service not in known:
        remedy = did_you_mean(options.service, known)
        seen = f"there is no service {options.service} in this environment"
        raise Stop(ERROR, (failure("CLI005", options.service, seen, remedy=remedy),), owner, found.commit)
    earlier = markers.get((SUSPEND, options.service))
    value = _value(options, world)
    sequence = earlier.sequence + 1 if earlier else 1
    marker = Marker(SUSPEND, options.service, sequence, json.dumps(value, sort_keys=True))
    if not await runtime.put_marker(owner, marker):
        seen, remedy = "somebody else was faster", "look at the status, and say it again"
        raise Stop(ERROR, (failure("CLI015", str(owner), seen, remedy=remedy),), owner, found.commit)
    _note(options, found, value)
    members: dict[str, Json] = {"service": options.service or None, **value}
    until = value["until"]
    members["until"] = format_time(until) if isinstance(until, float) else None
    text = _words(options, found, members["until"])
    return Report(DONE, text, members, owner=owner, commit=found.commit, at=world.at, problems=found.problems)


def _value(options: Options, world: World) -> dict[str, Json]:
    is_active = options.verb == "suspend"
    until = world.at + options.until if is_active and options.until is not None else None
    return {"active": is_active, "until": until, "reason": options.reason, "by": person()}


def _words(options: Options, found: Whereabouts, until: Json) -> str:
    name = found.owner.environment
    what = options.service or f"environment {name}"
    if options.verb != "suspend":
        return f"{what} is kept again\n"
    ends = f" until {until}" if until else ""
    resume = f"reconciler resume {name} {options.service}".rstrip()
    return f"{what} is suspended{ends}: loops leave it as it is\nnext:\n  {resume}\n"


def _note(options: Options, found: Whereabouts, value: dict[str, Json]) -> None:
    entry: dict[str, Json] = {
        "at": format_time(time.time()),
        "verb": options.verb,
        "commit": found.commit,
        "actor": value["by"],
        "result": "suspended" if value["active"] else "resumed",
        "about": options.service or None,
        "reason": value["reason"],
    }
    Journal.of(found.owner).append(entry)
