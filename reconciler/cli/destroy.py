"""Verb ``destroy``: removes all that is ours in one environment, but for data volumes."""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.apply import exit_code, view_of
from reconciler.cli.beside import acting_loop
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.progress import open_progress
from reconciler.cli.session import meet, report_of, run_live, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Json
from reconciler.loop import converge, look
from reconciler.observed import Observed
from reconciler.ownership import short_digest
from reconciler.plan import plan
from reconciler.render import escape
from reconciler.render_apply import apply_json, render_apply
from reconciler.render_plan import render_unreadable


def run(options: Options) -> Report:
    """Show what would go, or remove it. Raises Stop, ProviderError."""
    return run_live(options, report_destroy)


async def report_destroy(workspace: Workspace, clients: Clients) -> Report:
    """Without the right ``--confirm`` only the list and its id, and exit 4."""
    options = workspace.options
    desired, observed = await meet(workspace, clients)
    if observed.unreadable:
        lines = render_unreadable(observed.unreadable, stdout_style(options))
        return report_of(workspace, desired, observed, Report(CANNOT_TELL, "\n".join(lines) + "\n"))
    nothing = _emptied(desired, None)
    identity = _identify(nothing, observed)
    if identity is None:
        return report_of(workspace, desired, observed, Report(DONE, "nothing of ours runs here\n"))
    if options.confirm != identity:
        report = Report(REFUSED, _text(desired, observed, identity), {"confirm": identity})
        return report_of(workspace, desired, observed, report)
    _yield_to_loop(workspace, observed)
    for task in observed.tasks:
        await clients.runtime.remove_task(desired.owner, task.handle)
    progress = open_progress(desired, options)
    converged = await converge(
        _emptied(desired, identity), clients, within=options.timeout, report=progress.show_pass
    )
    if converged.result == "settled":
        await _remove_markers(nothing, clients)
    view = view_of(nothing, converged)
    report = Report(exit_code(converged), render_apply(view, stdout_style(options)), apply_json(view, False))
    return report_of(workspace, desired, converged.observed, report)


def _yield_to_loop(workspace: Workspace, observed: Observed) -> None:
    """A loop that keeps the environment would make again what goes. Raises Stop with 4."""
    loop = acting_loop(observed)
    if loop is None:
        return
    name = workspace.owner.environment
    seen = f"a loop ({loop.by}) keeps it, and would make everything again"
    remedy = f"stop it, or take {name} out of its Run file; or reconciler suspend {name} --reason TEXT"
    problem = failure("CLI019", f"Environment {name}", seen, "no loop", remedy)
    raise Stop(REFUSED, (*workspace.problems, problem), workspace.owner, workspace.desired.commit)


def _identify(nothing: Desired, observed: Observed) -> str | None:
    """The id that releases the removal; None where nothing of ours is left but data and notes."""
    identity = plan(nothing, observed, observed.at).prune_id
    leftovers = [network.object_name for network in observed.networks]
    leftovers += [volume.object_name for volume in observed.volumes if volume.role != "data"]
    if identity is None and leftovers:
        return short_digest("\n".join(sorted(leftovers)))
    return identity


def _emptied(desired: Desired, identity: str | None) -> Desired:
    """The environment as if git named nothing in it."""
    return replace(
        desired,
        services={},
        images={},
        networks={},
        volumes={},
        files={},
        registries={},
        excluded=frozenset(),
        policy=replace(desired.policy, allow_prune=identity, backwards=True),
    )


async def _remove_markers(nothing: Desired, clients: Clients) -> None:
    """Our notes go last, the lease's own included: nobody needs them when nothing is left."""
    observed = await look(nothing, clients)
    for marker in observed.markers:
        await clients.runtime.remove_marker(nothing.owner, marker.object_name)


def _text(desired: Desired, observed: Observed, identity: str) -> str:
    lines = [f"this removes from {desired.owner}:"]
    lines += [f"  container {escape(instance.name)}" for instance in observed.instances]
    lines += [f"  task {escape(task.object_name)}" for task in observed.tasks]
    lines += [f"  network {escape(network.object_name)}" for network in observed.networks]
    lines += [
        f"  {'files' if volume.role == 'files' else 'secrets'} {escape(volume.object_name)}"
        for volume in observed.volumes
        if volume.role != "data"
    ]
    kept: list[Json] = [volume.object_name for volume in observed.volumes if volume.role == "data"]
    lines += [f"it keeps volume {escape(str(name))}" for name in kept]
    command = f"reconciler destroy {desired.owner.environment} --confirm={identity}"
    return "\n".join([*lines, f"to do it: {command}"]) + "\n"
