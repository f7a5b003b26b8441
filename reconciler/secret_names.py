"""Which secrets a service names: in environment values and as files. Pure."""

from __future__ import annotations

import re

from reconciler.desired import Fields, ServiceForm
from specs.model import SecretRef

TEMPLATE = re.compile(r"\$\{secret:([a-z0-9-]+)\}")


def secret_names(form: ServiceForm) -> tuple[str, ...]:
    """The names, sorted, each once."""
    names = {use.secret_name for use in form.secrets}
    for value in form.spec.environment.values():
        names |= {value.secret} if isinstance(value, SecretRef) else set(TEMPLATE.findall(value))
    return tuple(sorted(names))


def names_in(fields: Fields) -> tuple[str, ...]:
    """The same of the fields of a version that ran: as far as its label still tells."""
    names: set[str] = set()
    for path, value in fields.items():
        if isinstance(value, str):
            names |= set(TEMPLATE.findall(value)) if path.startswith("environment.") else set()
        elif isinstance(value, dict):
            found = value.get("secret")
            names |= {found} if isinstance(found, str) else set()
    return tuple(sorted(names))


def told(names: tuple[str, ...]) -> str:
    """Which secrets, in words: a service's digest is one over all of them."""
    return f"another value of {' or '.join(names)}" if names else "another value"
