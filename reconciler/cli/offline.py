"""``plan --base``: what a change would do to each environment, from two commits alone.

No engine, no registry, no login and no secret is looked for: this runs on anybody's change.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.cli.envelope import Report, Stop, envelope, failure, problem_of, warning
from reconciler.cli.exits import CANNOT_TELL, ERROR, worst
from reconciler.cli.options import Options
from reconciler.cli.parting import Earlier, Parting, find_parting, untold
from reconciler.cli.pending import exit_code
from reconciler.cli.promoted import read_promoted, torn_patches
from reconciler.cli.session import stdout_style
from reconciler.cli.source import Source, open_repository, read_commit
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.decision import Block, Ender, Plan, Wait
from reconciler.desired import Desired, Json, Subject
from reconciler.explained import Explained, explain, explained_json, render_explained
from reconciler.fault import ProviderError
from reconciler.observed import Observed, Unreadable
from reconciler.outlook import Outlook, look_out, with_more
from reconciler.ownership import Owner
from reconciler.policy_changes import policy_changes
from reconciler.render_outlook import outlook_json, render_outlook
from specs.allow import missing
from specs.environment import Environment
from specs.problem import Problem
from specs.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class _Commits:
    """What every environment of one command has in common."""

    options: Options
    parting: Parting
    after: Source
    earlier: Earlier
    now: float


def run_offline(options: Options) -> Report:
    """Compare the two commits. Never raises Stop or ProviderError: a report says what could not be told."""
    try:
        commits = _read(options)
        names = _environments(commits)
    except Stop as stop:
        return Report(stop.exit, problems=stop.problems, commit=stop.commit, mode="offline")
    except ProviderError as error:
        return Report(untold(error).exit, problems=(problem_of(error),), mode="offline")
    reports = [_report(commits, name) for name in names]
    return reports[0] if len(options.environments) == 1 else _together(commits, reports)


def _read(options: Options) -> _Commits:
    """Raises Stop with every problem of the newer commit, ProviderError."""
    repository = open_repository(options.repo)
    parting = find_parting(repository, options.base or "", options.ref)
    after = read_commit(repository, options)
    return _Commits(options, parting, after, Earlier(repository, parting, options.path), time.time())


def _environments(commits: _Commits) -> Sequence[str]:
    """Those that were asked for, else all of either commit. Raises Stop for one that neither has."""
    there = sorted({*commits.after.specs.environments, *commits.earlier.environments()})
    for name in commits.options.environments:
        if name not in there:
            remedy = did_you_mean(name, there) or f"there is: {', '.join(there[:10])}"
            problem = failure("SPEC037", "ENV", "there is no such Environment in either commit", "", remedy)
            raise Stop(ERROR, (problem,), commit=commits.after.commit)
    return tuple(dict.fromkeys(commits.options.environments)) or there


def _report(commits: _Commits, name: str) -> Report:
    options = replace(commits.options, environment=name)
    try:
        return _plan(commits, options)
    except Stop as stop:
        problems, code = stop.problems, stop.exit
    except ProviderError as error:
        problems, code = (problem_of(error),), untold(error).exit
    environment = commits.after.specs.environments.get(name)
    owner = Owner(environment.project, name) if environment else None
    return Report(code, problems=problems, owner=owner, commit=commits.after.commit, mode="offline")


def _plan(commits: _Commits, options: Options) -> Report:
    """Raises Stop, ProviderError."""
    before, told = commits.earlier.workspace(options)
    if options.environment not in commits.after.specs.environments:
        return _gone(commits, options, before, told)
    after = read_workspace(options, commits.after, like=before)
    if before is not None and before.owner != after.owner:
        told, before = (*told, _renamed(before.owner, after.owner)), None
    unread = _unreadable(commits, before, after)
    outlook = _look_out(commits, before, after, unread)
    if after.desired.following is not None:
        outlook, more = _with_promotion(commits, options, outlook, before)
        told = (*told, *more)
    explained = explain(after.effective, outlook.forecast) if options.explain else ()
    problems = (*commits.parting.problems, *told, *after.problems)
    report = _finish(commits, options, outlook, problems, explained)
    code = worst([report.exit, CANNOT_TELL]) if unread else report.exit
    return replace(report, exit=code, unreadable=unread)


def _look_out(
    commits: _Commits, before: Workspace | None, after: Workspace, unread: tuple[Unreadable, ...]
) -> Outlook:
    changes = policy_changes(before.effective if before else None, after.effective)
    if before is None:
        outlook = look_out(after.desired, None, commits.now, changes)
        return with_more(outlook, waits=_manual(after, outlook))
    # Judged by the policy that the change does not touch: else it could raise the limit that it exceeds.
    limit = before.desired.policy.prune_limit
    desired = replace(after.desired, policy=replace(after.desired.policy, prune_limit=limit))
    desired = _leave_others(commits.options, desired, before.desired)
    outlook = look_out(desired, before.desired, commits.now, changes, unreadable=unread)
    return with_more(outlook, _not_allowed(before.effective.environment, after), _manual(after, outlook))


def _leave_others(options: Options, desired: Desired, before: Desired) -> Desired:
    """With ``--service`` nothing else goes, either."""
    others = before.services.keys() - desired.services.keys()
    return replace(desired, excluded=desired.excluded | others) if options.services else desired


def _manual(after: Workspace, outlook: Outlook) -> Iterable[Wait]:
    if after.effective.environment.deploy == "manual" and outlook.plan.actions:
        name = after.owner.environment
        words = f"deploy: manual: loops wait for `reconciler apply {name}`"
        yield Wait(Subject("Environment", name), words, Ender.OUTSIDE)


def _with_promotion(
    commits: _Commits, options: Options, outlook: Outlook, before: Workspace | None
) -> tuple[Outlook, tuple[Problem, ...]]:
    """Its second part, and what is wrong with that. Raises ProviderError."""
    after, problems = read_promoted(options, commits.after)
    earlier: Workspace | None = None
    if before is not None:
        problems = (
            *problems,
            *torn_patches(options.environment, before.source.specs, commits.after.specs),
        )
        earlier, _ = read_promoted(before.options, before.source)
    if after is None or (before is not None and earlier is None):
        return outlook, problems
    past = earlier.desired if earlier is not None else None
    desired = after.desired if past is None else _leave_others(options, after.desired, past)
    then = look_out(desired, past, commits.now, is_promotion=True)
    return replace(outlook, promoted=then), problems


def _unreadable(commits: _Commits, before: Workspace | None, after: Workspace) -> tuple[Unreadable, ...]:
    """Services whose pin this clone cannot read, in either commit, or of whose past nothing is said."""
    found: dict[str, Unreadable] = {}
    for workspace, is_past in ((before, True), (after, False)):
        following = workspace.desired.following if workspace is not None else None
        for name, barrier in sorted(following.barred.items()) if following is not None else ():
            if barrier.is_unknown or is_past:
                what, reason = f"service:{name}", f"{barrier.reason} ({barrier.remedy})"
                found.setdefault(name, Unreadable(what, reason, commits.now))
    return tuple(found.values())


def _not_allowed(before: Environment, after: Workspace) -> Iterable[Block]:
    chosen = {n: it for n, it in after.effective.services.items() if n in after.desired.services}
    for name, service in sorted(chosen.items()):
        for need in missing(before.allow, name, service):
            yield Block(
                Subject("Service", name),
                "PLAN050",
                f"it needs {need.line}, which this change grants to itself",
                "whoever reviews it decides: merged, it counts",
            )


def _gone(commits: _Commits, options: Options, before: Workspace | None, told: tuple[Problem, ...]) -> Report:
    """The Environment's document left git. Nothing is done about what runs."""
    if before is None:
        raise Stop(ERROR, told, commit=commits.after.commit)
    seen = f"it left git: what runs there is left as it is, until: reconciler destroy {options.environment}"
    problem = warning("CLI104", f"Environment {options.environment}", seen, f"--ref {commits.parting.before}")
    nothing = Desired(before.owner, commits.after.commit)
    changes = policy_changes(before.effective, None)
    outlook = Outlook(nothing, commits.parting.before, Plan(), (Plan(),), "gone", policy=changes)
    return _finish(commits, options, outlook, (*commits.parting.problems, *told, problem))


def _renamed(before: Owner, after: Owner) -> Problem:
    seen = f"everything is made anew for {after}; what runs as {before} is left as it is"
    return warning("CLI104", f"Environment {after.environment}", seen, "keep the project's name")


def _finish(
    commits: _Commits,
    options: Options,
    outlook: Outlook,
    problems: tuple[Problem, ...],
    explained: tuple[Explained, ...] = (),
) -> Report:
    outlook = replace(outlook, policy_ref=commits.after.default_branch)
    style, members = stdout_style(options), outlook_json(outlook, commits.parting.before)
    return Report(
        exit=exit_code(outlook.plan, Observed(at=commits.now), options.exit_code),
        text=render_outlook(outlook, style) + render_explained(explained, style),
        members={**members, **({"explained": explained_json(explained)} if options.explain else {})},
        owner=outlook.desired.owner,
        commit=commits.after.commit,
        at=commits.now,
        mode="offline",
        problems=problems,
    )


def _together(commits: _Commits, reports: Sequence[Report]) -> Report:
    """One report of several environments: ``environments`` holds the whole output of each."""
    plans: list[Json] = [{**envelope("plan", report)} for report in reports]
    return Report(
        exit=worst(report.exit for report in reports),
        text="\n".join(report.text for report in reports if report.text),
        members={
            "base": commits.parting.before,
            "settled": all(report.members.get("settled") is True for report in reports),
            "environments": plans,
        },
        commit=commits.after.commit,
        at=commits.now,
        mode="offline",
        problems=tuple(dict.fromkeys(problem for report in reports for problem in report.problems)),
    )
