"""No secret leaves through an output: which values are masked (contracts, section 6). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.actions import Action
from reconciler.decision import Plan
from reconciler.desired import Desired, Fields, Json
from reconciler.difference import Diff
from reconciler.observed import Observed

MASK: Json = {"masked": True}
_OPEN = ("environment.", "labels.", "command", "entrypoint", "healthcheck")


def secret_paths(service_name: str, desired: Desired, observed: Observed) -> frozenset[str]:
    """Paths of the service's fields that are a secret in what is desired or in any instance's label."""
    service = desired.services.get(service_name)
    sources: list[Fields] = [service.form.fields] if service else []
    sources += [i.applied_fields for i in observed.instances if i.service_name == service_name]
    return frozenset(path for fields in sources for path, value in fields.items() if names_secret(value))


def names_secret(value: Json) -> bool:
    """Whether a declared value is, or contains, a secret by name."""
    if isinstance(value, str):
        return "${secret:" in value
    if isinstance(value, dict):
        return "secret" in value or any(names_secret(part) for part in value.values())
    return isinstance(value, list) and any(names_secret(part) for part in value)


def mask_diff(diff: Diff, secret: frozenset[str]) -> Diff:
    """The difference as it may be shown. A live value is masked when its field is a secret anywhere, and
    when nothing says what was applied: it could be one."""
    unknown = diff.applied is None and diff.path.startswith(_OPEN)
    is_secret = diff.path in secret or names_secret(diff.desired) or names_secret(diff.applied)
    return replace(diff, live=MASK) if diff.live is not None and (unknown or is_secret) else diff


def mask_diffs(diffs: Iterable[Diff], secret: frozenset[str]) -> tuple[Diff, ...]:
    """All of them, masked."""
    return tuple(mask_diff(diff, secret) for diff in diffs)


def mask_action(action: Action, desired: Desired, observed: Observed) -> Action:
    """The action with the differences of its cause masked."""
    if not action.cause.diffs:
        return action
    secret = secret_paths(action.subject.name, desired, observed)
    return replace(action, cause=replace(action.cause, diffs=mask_diffs(action.cause.diffs, secret)))


def mask_plan(plan: Plan, desired: Desired, observed: Observed) -> Plan:
    """The plan as it may be shown. Masked once, before any renderer sees it."""
    return replace(plan, actions=tuple(mask_action(action, desired, observed) for action in plan.actions))
