"""The digests of the secrets that services name: of their values, or of their names where nobody may look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.cli.envelope import failure
from reconciler.secret_names import TEMPLATE
from reconciler.secrets import SecretStore, SecretUnreadable
from specs.model import SecretRef
from specs.problem import Problem
from specs.service import Service


def all_secret_names(services: Iterable[Service], more: Iterable[str]) -> list[str]:
    """Every secret that they name, and ``more``; sorted."""
    return sorted({name for service in services for name in _secret_names(service)} | set(more))


def unread_digests(names: Iterable[str]) -> Mapping[str, str | None]:
    """Digests of values that nobody looks at: each equal to itself, so that the same name is no change."""
    return {name: f"unread:{name}" for name in names}


def digests_of(
    store: SecretStore, names: Iterable[str]
) -> tuple[Mapping[str, str | None], tuple[Problem, ...]]:
    """The digest of each value, None where there is none; and which cannot be read."""
    digests: dict[str, str | None] = {}
    problems: list[Problem] = []
    for name in names:
        try:
            digests[name] = store.digest(name)
        except SecretUnreadable as error:
            problems.append(failure("SEC001", f"secret {name}", error.reason, "a value that can be read"))
    return digests, tuple(problems)


def _secret_names(service: Service) -> set[str]:
    names = {use.source for use in service.secrets.values()}
    for value in service.environment.values():
        names |= {value.secret} if isinstance(value, SecretRef) else set(TEMPLATE.findall(value))
    return names
