"""Verb ``retry``: a held generation may be tried again. Writes the marker that ``apply`` and loop honour."""

from __future__ import annotations

import json

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.session import meet, report_of, run_live
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Json
from reconciler.hook_tending import retriable_ids
from reconciler.loop_mark import living_loop
from reconciler.observed import Marker
from reconciler.render import escape
from reconciler.view import RETRY, group, newest_markers, suspension
from specs.suggest import did_you_mean


def run(options: Options) -> Report:
    """Release holds. Raises Stop, ProviderError."""
    return run_live(options, report_retry)


async def report_retry(workspace: Workspace, clients: Clients) -> Report:
    """Write one marker a service, naming its held instances and the containers of hooks that did not end
    well. Raises Stop when there are none."""
    desired, observed = await meet(workspace, clients)
    if observed.cannot_read("instances") or observed.cannot_read("markers"):
        return report_of(workspace, desired, observed, Report(CANNOT_TELL, "cannot tell what is held\n"))
    views, markers = group(observed), newest_markers(observed.markers)
    _check_service(workspace, desired, frozenset(views.services))
    chosen = [workspace.options.service] if workspace.options.service else sorted(views.services)
    released: list[Json] = []
    for service_name in chosen:
        view = views.of(service_name)
        held = {*(instance.handle.id for instance in view.held), *retriable_ids(view)}
        earlier = markers.get((RETRY, service_name))
        if held:
            value = json.dumps({"instances": sorted(held)})
            sequence = earlier.sequence + 1 if earlier else 1
            await clients.runtime.put_marker(desired.owner, Marker(RETRY, service_name, sequence, value))
            released.append(service_name)
    if not released:
        what = workspace.options.service or f"Environment {desired.owner.environment}"
        raise Stop(ERROR, (failure("CLI006", what, "nothing is held"),), desired.owner, desired.commit)
    names = ", ".join(str(name) for name in released)
    name, loop = desired.owner.environment, living_loop(observed)
    acts = loop is not None and suspension(views, "", observed.at) is None
    following = f"reconciler status {name}" if acts else f"reconciler apply {name}"
    told = f"the loop ({escape(loop.by)}) tries it now\n" if acts and loop is not None else ""
    text = f"to be tried again: {names}\n{told}next:\n  {following}\n"
    return report_of(workspace, desired, observed, Report(DONE, text, {"services": released}))


def _check_service(workspace: Workspace, desired: Desired, live: frozenset[str]) -> None:
    """Raises Stop for a name that neither git nor the runtime knows."""
    name, known = workspace.options.service, live | desired.services.keys()
    if name and name not in known:
        seen, remedy = f"there is no service {name} in this environment", did_you_mean(name, known)
        raise Stop(ERROR, (failure("CLI005", name, seen, remedy=remedy),), desired.owner, desired.commit)
