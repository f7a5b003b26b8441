"""A promotion as text, as JSON and as a pull request: what it changes, whether it may, what came of it.
Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.copying import Copied
from reconciler.desired import Desired, Json
from reconciler.difference import Diff
from reconciler.gate_result import GateResult
from reconciler.observed import Observed
from reconciler.promotion import Change
from reconciler.render import PLAIN, Style, count, escape, short_commit, shorten
from reconciler.render_gates import gates_json, render_gates
from reconciler.render_json import JsonObject, diff_json
from reconciler.render_markdown import escape_inline, fence, fold
from reconciler.render_mask import mask_diffs, secret_paths
from reconciler.render_plan import render_diff
from specs.release import ReleasedService

_SHOWN = 5
"""Commits of one service that are named."""
_MOST = 60_000


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A request for review, ready to be opened."""

    title: str
    body: str
    branch: str
    base: str


@dataclass(frozen=True, slots=True)
class PromotionView:
    """What is shown of a promotion. ``commits``: by service, those that come in, newest first."""

    source_name: str
    before: Desired
    after: Desired
    observed: Observed
    changes: tuple[Change, ...]
    commits: Mapping[str, Sequence[tuple[str, str]]]
    gates: tuple[GateResult, ...] = ()
    copies: tuple[Copied, ...] = ()
    plan: str = ""
    """What the environment would do, as text."""
    interrupts: Mapping[str, float] = field(default_factory=dict)
    """Service -> for how long at most it is not reached, in seconds."""

    def diffs(self, name: str) -> tuple[Diff, ...]:
        """What is another field after it, masked; the image first."""
        one, other = self.before.services.get(name), self.after.services.get(name)
        if other is None:
            return ()
        old = {} if one is None else {**one.form.fields, **_more(self.before, name)}
        new = {**other.form.fields, **_more(self.after, name)}
        found = [
            Diff(path, "commit", new.get(path), old.get(path), None)
            for path in sorted({*old, *new})
            if old.get(path) != new.get(path)
        ]
        secret = secret_paths(name, self.before, self.observed) | secret_paths(
            name, self.after, self.observed
        )
        return tuple(mask_diffs(found, secret)) if one is not None else ()


def _more(desired: Desired, name: str) -> dict[str, Json]:
    """What is no part of an instance, and promoted all the same."""
    service = desired.services[name]
    spec = service.form.spec
    said: dict[str, Json] = {"deploy.replicas": service.replicas}
    if spec.route is not None:
        said["route"] = spec.route.model_dump_json(exclude_defaults=True)
    said["rollout"] = spec.rollout.model_dump_json(exclude_defaults=True)
    for use in service.form.networks:
        network = desired.networks.get(use.name)
        said[f"network {use.name}"] = network.object_name if network else use.object_name
    return said


def render_promotion(view: PromotionView, style: Style = PLAIN) -> str:
    """What changes service by service, the gates, the copies, and what the environment would do."""
    name = view.after.owner.environment
    lines = [style.bold(_title(view, name))]
    for change in view.changes:
        lines += _render_change(view, change, style)
    if view.gates:
        lines.append("gates:")
        lines += [f"  {line}" for line in render_gates(view.gates, style).splitlines()]
    if view.copies:
        lines.append("images:")
        lines += [f"  {_render_copy(copied)}" for copied in view.copies]
    if view.plan:
        lines.append(f"then {name} will:")
        lines += [f"  {line}" for line in view.plan.splitlines()]
    return "\n".join(lines) + "\n"


def _title(view: PromotionView, name: str) -> str:
    for change in view.changes:
        if change.after is not None and change.after.evidence.hotfix is not None:
            reason = escape(change.after.evidence.hotfix)
            return f"{name} takes a hotfix, past {view.source_name}: {reason}"
    return f"{name} takes from {view.source_name}: {count(len(view.changes), 'service')}"


def _render_change(view: PromotionView, change: Change, style: Style) -> list[str]:
    name = style.bold(escape(change.service_name))
    if change.after is None:
        return [f"service {name}: goes, {view.source_name} does not have it any more"]
    commit = short_commit(change.after.commit)
    where = (
        f"new, at {commit}" if change.before is None else f"{short_commit(change.before.commit)} -> {commit}"
    )
    lines = [f"service {name}: {where}"]
    commits = view.commits.get(change.service_name, ())
    lines += [f"  {short_commit(sha)} {shorten(escape(subject))}" for sha, subject in commits[:_SHOWN]]
    if len(commits) > _SHOWN:
        lines.append(f"  and {len(commits) - _SHOWN} more commits")
    old = next(iter(change.before.images.values())).digest if change.before else None
    new = change.image.digest if change.image else None
    if change.is_unbuilt:
        lines.append(f"  image: {shorten(str(old)) + ' -> ' if old else ''}is to be built")
    elif old != new:
        lines.append(f"  image: {shorten(str(old)) + ' -> ' if old else ''}{shorten(str(new))}")
    lines += [f"  {shorten(render_diff(diff))}" for diff in view.diffs(change.service_name)]
    seconds = view.interrupts.get(change.service_name)
    if seconds is not None:
        lines.append(f"  interrupts for up to {seconds:g} s")
    return lines


def _render_copy(copied: Copied) -> str:
    where = shorten(str(copied.copy.placed))
    return f"{where}: {'is there' if copied.result == 'present' else 'is to be copied'}"


def promotion_json(view: PromotionView) -> JsonObject:
    """The members of output ``promote`` that do not depend on how it ended (contracts, section 3)."""
    services: list[Json] = [_service_json(view, change) for change in view.changes]
    gates: list[Json] = [*gates_json(view.gates)]
    copies: list[Json] = [
        {
            "digest": str(c.copy.digest),
            "from": c.copy.source.name,
            "to": c.copy.target.name,
            "result": c.result,
        }
        for c in view.copies
    ]
    return {
        "from": view.source_name,
        "to": view.after.owner.environment,
        "services": services,
        "gates": gates,
        "copies": copies,
    }


def _service_json(view: PromotionView, change: Change) -> JsonObject:
    return {
        "service": change.service_name,
        "from": _pin_json(change.before),
        "to": _pin_json(change.after, is_unbuilt=change.is_unbuilt),
        "commits": [sha for sha, _ in view.commits.get(change.service_name, ())],
        "diffs": [diff_json(diff) for diff in view.diffs(change.service_name)],
        "interrupts": view.interrupts.get(change.service_name),
    }


def _pin_json(entry: ReleasedService | None, *, is_unbuilt: bool = False) -> JsonObject | None:
    if entry is None:
        return None
    image = next(iter(entry.images.values()))
    return {
        "commit": entry.commit,
        "pin": entry.commit,
        "fingerprint": None,
        "input": image.input or image.reference,
        "digest": None if is_unbuilt else image.digest,
        "serial": entry.serial,
        "hotfix": entry.evidence.hotfix,
    }


def request_of(title: str, view: PromotionView, branch: str, base: str) -> PullRequest:
    """The request for review: a table, and all of it folded away."""
    rows = ["| service | from | to | commits |", "|---|---|---|---|"]
    for change in view.changes:
        before = short_commit(change.before.commit) if change.before else "new"
        after = short_commit(change.after.commit) if change.after else "goes"
        number = len(view.commits.get(change.service_name, ()))
        rows.append(f"| {escape_inline(change.service_name)} | {before} | {after} | {number} |")
    body = "\n".join(rows)[: _MOST // 4]
    details = fold("All of it", fence(render_promotion(view), _MOST // 2))
    closing = "Merging this lets the environment take these versions; closing it changes nothing.\n"
    return PullRequest(title, f"{body}\n\n{closing}\n{details}", branch, base)


def request_json(request: PullRequest | None) -> Json:
    """As it is opened at a forge; null where the commit is on the branch itself."""
    if request is None:
        return None
    return {"title": request.title, "body": request.body, "branch": request.branch, "base": request.base}
