"""A rollback as text and as JSON: what it changes, where it is written, what came of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.desired import Desired, Json
from reconciler.difference import Diff
from reconciler.going_back import Way
from reconciler.observed import Observed
from reconciler.render import PLAIN, Style, escape, short_commit, shorten
from reconciler.render_json import JsonObject, diff_json
from reconciler.render_mask import MASK, mask_diffs, names_secret, secret_paths
from reconciler.render_plan import render_diff
from specs.release import ReleasedService


@dataclass(frozen=True, slots=True)
class RollbackView:
    """What a rollback changes: what is desired before it, and after."""

    before: Desired
    after: Desired
    observed: Observed
    ways: tuple[Way, ...]
    entries: Mapping[str, ReleasedService | None]
    """What is written of each service; None: its entry goes."""

    def diffs(self, way: Way) -> tuple[Diff, ...]:
        """What is another field after it, masked; the image first."""
        name = way.service_name
        one, other = self.before.services[name].form.fields, self.after.services[name].form.fields
        now = None if way.now is None else way.now.image
        found = [Diff("image", "commit", way.to.image, now or self.before.services[name].image.input, now)]
        found = [diff for diff in found if diff.desired != diff.applied]
        found += [
            Diff(path, "commit", other.get(path), one.get(path), None)
            for path in sorted({*one, *other})
            if one.get(path) != other.get(path)
        ]
        secret = secret_paths(name, self.before, self.observed) | secret_paths(
            name, self.after, self.observed
        )
        return tuple(_masked(diff) if diff.path in secret else diff for diff in mask_diffs(found, secret))


def _masked(diff: Diff) -> Diff:
    """A value that is a secret on one side may have been written out on the other."""
    desired, applied = (
        value if value is None or names_secret(value) else MASK for value in (diff.desired, diff.applied)
    )
    return replace(diff, desired=desired, applied=applied)


def render_changes(view: RollbackView, style: Style = PLAIN) -> str:
    """What changes, service by service."""
    lines: list[str] = []
    for way in view.ways:
        service = view.before.services[way.service_name]
        now = way.now.commit if way.now else service.pin or view.before.commit
        title = f"service {style.bold(escape(way.service_name))}"
        proof = "" if way.now else ", which has not proved itself"
        lines.append(f"{title}: back to {short_commit(way.commit)} from {short_commit(now)}{proof}")
        lines += [f"  {_line(diff)}" for diff in view.diffs(way)]
    return "\n".join(lines) + "\n"


def _line(diff: Diff) -> str:
    if diff.path != "image":
        return shorten(render_diff(diff))
    return f"image: {shorten(str(diff.applied))} -> {shorten(str(diff.desired))}"


def render_written(commit: str, branch: str, remote: str | None, followed: bool) -> str:
    """Where it was written."""
    where = f"{branch} of {remote}" if remote else branch
    late = "" if followed or remote is None else f"; {branch} here does not have it yet: git pull"
    return f"written: commit {short_commit(commit)} on {escape(where)}{escape(late)}\n"


def render_unwritten(path: str, text: str) -> str:
    """The change for somebody to commit."""
    body = "".join(f"  {escape(line)}\n" for line in text.splitlines())
    return f"to be committed as {escape(path)}:\n{body}"


def rollback_json(view: RollbackView) -> JsonObject:
    """The members of output ``rollback`` that do not depend on how it ended (contracts, section 3)."""
    name = view.after.owner.environment
    services: list[Json] = [_service_json(view, way) for way in view.ways]
    return {"from": name, "to": name, "services": services, "gates": [], "copies": []}


def _service_json(view: RollbackView, way: Way) -> JsonObject:
    service = view.before.services[way.service_name]
    entry = view.entries.get(way.service_name)
    now = way.now.generation.digest if way.now else service.image.locked
    return {
        "service": way.service_name,
        "from": {
            "commit": way.now.commit if way.now else view.before.commit,
            "pin": service.pin or (way.now.pin if way.now else view.before.commit),
            "fingerprint": service.form.fingerprint,
            "input": service.image.input,
            "digest": None if now is None else str(now),
            "serial": None,
        },
        "to": {
            "commit": way.to.commit,
            "pin": way.commit,
            "fingerprint": way.to.generation.fingerprint,
            "input": way.to.input,
            "digest": way.to.generation.digest,
            "serial": entry.serial if entry else None,
        },
        "commits": [way.now.commit] if way.now else [view.before.commit],
        "diffs": [diff_json(diff) for diff in view.diffs(way)],
    }
