"""Which secrets a service names: in environment values and as files. Pure."""

from __future__ import annotations

import re

from reconciler.desired import ServiceForm
from specs.model import SecretRef

TEMPLATE = re.compile(r"\$\{secret:([a-z0-9-]+)\}")


def secret_names(form: ServiceForm) -> tuple[str, ...]:
    """The names, sorted, each once."""
    names = {use.secret_name for use in form.secrets}
    for value in form.spec.environment.values():
        names |= {value.secret} if isinstance(value, SecretRef) else set(TEMPLATE.findall(value))
    return tuple(sorted(names))
