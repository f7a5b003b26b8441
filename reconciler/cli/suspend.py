"""Verbs ``suspend`` and ``resume``: hands off and back, from any machine that reaches the runtime."""

from __future__ import annotations

import getpass
import json

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.session import meet, report_of, run_live
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Json
from reconciler.observed import Marker
from reconciler.render import format_time
from reconciler.view import SUSPEND, newest_markers
from specs.suggest import did_you_mean


def run(options: Options) -> Report:
    """Write the marker. Raises Stop, ProviderError."""
    return run_live(options, report_suspension)


async def report_suspension(workspace: Workspace, clients: Clients) -> Report:
    """Nothing is said by deletion: ``resume`` writes a newer marker. Raises Stop, ProviderError."""
    options = workspace.options
    desired, observed = await meet(workspace, clients)
    known = desired.services.keys() | {instance.service_name for instance in observed.instances}
    if options.service and options.service not in known:
        remedy = did_you_mean(options.service, known)
        seen = f"there is no service {options.service} in this environment"
        raise Stop(ERROR, (failure("CLI005", options.service, seen, remedy=remedy),), desired.owner)
    if observed.cannot_read("markers"):
        return report_of(workspace, desired, observed, Report(CANNOT_TELL, "cannot tell what is suspended\n"))
    active = options.verb == "suspend"
    until = observed.at + options.until if active and options.until is not None else None
    value: dict[str, Json] = {"active": active, "until": until, "reason": options.reason, "by": _person()}
    earlier = newest_markers(observed.markers).get((SUSPEND, options.service))
    sequence = earlier.sequence + 1 if earlier else 1
    marker = Marker(SUSPEND, options.service, sequence, json.dumps(value, sort_keys=True))
    if not await clients.runtime.put_marker(desired.owner, marker):
        seen, remedy = "somebody else was faster", "look at the status, and say it again"
        raise Stop(ERROR, (failure("CLI015", str(desired.owner), seen, remedy=remedy),), desired.owner)
    what = options.service or f"environment {desired.owner.environment}"
    ends = f" until {format_time(until)}" if until is not None else ""
    text = f"{what} is {'suspended' if active else 'kept again'}{ends}\n"
    if active:
        text += f"next:\n  reconciler resume {desired.owner.environment} {options.service}".rstrip() + "\n"
    members: dict[str, Json] = {
        "service": options.service or None,
        "active": active,
        "until": format_time(until),
    }
    return report_of(workspace, desired, observed, Report(DONE, text, members))


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
