"""What a change does to where things run, where credentials go and what is allowed, field by field. Pure.

Shown to who reviews it, and not used: a plan is made under the policy that the change does not touch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.desired import Fields, Json
from reconciler.render_mask import names_secret
from specs.effective import Effective
from specs.environment import Environment
from specs.model import Model
from specs.registry import Registry

_NO_POLICY = ("services", "variables", "patches", "proxy")
"""Words of an Environment that say what runs: a plan shows what becomes of them."""


@dataclass(frozen=True, slots=True, order=True)
class PolicyChange:
    """One field; None where there was or is none."""

    subject: str
    path: str
    before: Json
    after: Json


def policy_changes(before: Effective | None, after: Effective | None) -> tuple[PolicyChange, ...]:
    """The differences between two commits of one environment, sorted; None where a commit has none of it."""
    found = [
        *_differences("Environment", _environments(before), _environments(after)),
        *_differences("Registry", _registries(before), _registries(after)),
        *_differences("Service", _secrets(before), _secrets(after)),
    ]
    return tuple(sorted(found, key=lambda it: (it.subject, it.path)))


def _environments(found: Effective | None) -> dict[str, Fields]:
    if found is None:
        return {}
    fields = flatten(_dump(found.environment))
    roots = {path: path.partition(".")[0] for path in fields}
    kept = {p: v for p, v in fields.items() if roots[p] not in _NO_POLICY or names_secret(v)}
    return {found.environment_name: kept}


def _registries(found: Effective | None) -> dict[str, Fields]:
    return {} if found is None else {name: flatten(_dump(it)) for name, it in found.registries.items()}


def _secrets(found: Effective | None) -> dict[str, Fields]:
    """The fields of services that name a secret."""
    if found is None:
        return {}
    named: dict[str, Fields] = {}
    for name, service in found.services.items():
        if not service.secrets and not any(names_secret(_plain(v)) for v in service.environment.values()):
            continue
        fields: dict[str, Json] = {f"secrets.{target}": use.source for target, use in service.secrets.items()}
        values = {f"environment.{key}": _plain(value) for key, value in service.environment.items()}
        named[name] = {**fields, **{path: value for path, value in values.items() if names_secret(value)}}
    return named


def _plain(value: object) -> Json:
    return _dump(value) if isinstance(value, Model) else str(value)


def _dump(model: Environment | Registry | Model) -> dict[str, Json]:
    dumped: dict[str, Json] = model.model_dump(mode="json", exclude_defaults=True)
    return dumped


def _differences(
    kind: str, before: Mapping[str, Fields], after: Mapping[str, Fields]
) -> Iterator[PolicyChange]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name, {}), after.get(name, {})
        for path in sorted(old.keys() | new.keys()):
            if old.get(path) != new.get(path):
                yield PolicyChange(f"{kind} {name}", path, old.get(path), new.get(path))


def flatten(value: Json, path: str = "") -> dict[str, Json]:
    """Mappings by dotted path, lists whole; ``{secret: NAME}`` is one value."""
    if not isinstance(value, dict) or set(value) == {"secret"}:
        return {path: value}
    found: dict[str, Json] = {}
    for key, part in value.items():
        found |= flatten(part, f"{path}.{key}" if path else key)
    return found
