"""What markers ``rollback`` make of a workspace: some services are read at another commit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, warning
from reconciler.desired import Desired
from reconciler.observed import Marker
from reconciler.pin import is_in_force
from reconciler.rollback_mark import ROLLBACK, Marked, read_marked
from specs.problem import Problem

if TYPE_CHECKING:
    from reconciler.cli.workspace import Workspace


def as_marked(workspace: Workspace, markers: tuple[Marker, ...]) -> tuple[Desired, tuple[Problem, ...]]:
    """What is desired as the markers say, and what is to be told of that. Raises ProviderError."""
    if not any(marker.kind == ROLLBACK for marker in markers):
        return workspace.desired, ()
    marked = read_marked(markers)
    key = repr(marked)
    if key not in workspace.remembered:
        workspace.remembered[key] = _read(workspace, marked)
    return workspace.remembered[key]


def _read(workspace: Workspace, marked: Marked) -> tuple[Desired, tuple[Problem, ...]]:
    from reconciler.cli.workspace import read_workspace

    damaged = tuple(_damaged(workspace.options.environment, name) for name in sorted(marked.damaged))
    if marked.entries == workspace.marked:
        return _left_alone(workspace.desired, marked.damaged), damaged
    try:
        found = read_workspace(workspace.options, workspace.source, workspace.admit, marked.entries)
    except Stop as stop:
        # What cannot be read must not be undone for that: these services are left as they are.
        services = workspace.desired.services
        named = {
            n for n, entry in marked.entries.items() if n in services and is_in_force(entry, services[n])
        }
        return _left_alone(workspace.desired, marked.damaged | named), stop.problems
    workspace.stock.elsewhere.update(found.stock.elsewhere)
    told = tuple(problem for problem in found.problems if problem not in workspace.problems)
    return _left_alone(found.desired, marked.damaged), (*told, *damaged)


def _damaged(environment_name: str, service_name: str) -> Problem:
    seen = "its marker rollback cannot be understood: it is left as it is"
    remedy = f"reconciler rollback {environment_name} {service_name} --to COMMIT"
    return warning("CLI051", f"Service {service_name}", seen, remedy)


def _left_alone(desired: Desired, names: frozenset[str]) -> Desired:
    """Neither planned nor pruned."""
    named = names & desired.services.keys()
    if not named:
        return desired
    kept = {name: service for name, service in desired.services.items() if name not in named}
    return replace(desired, services=kept, excluded=desired.excluded | named)
