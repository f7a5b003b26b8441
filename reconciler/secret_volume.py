"""Where the secret files of an instance lie: in the container itself, or in a volume (contracts, section 6).

A read-only container takes no copy, and a copy below a tmpfs is hidden when it starts: there the files lie in
a volume of their generation, which goes with its last consumer. Pure.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from reconciler.actions import Blueprint
from reconciler.desired import Generation, ServiceForm
from reconciler.ownership import Owner, secret_volume_name


def needs_volume(form: ServiceForm) -> bool:
    """Whether its secret files cannot be copied into the container."""
    if not form.secrets:
        return False
    tmpfs = [use.target for use in form.mounts if use.type == "tmpfs"]
    hidden = any(PurePosixPath(use.target).is_relative_to(path) for use in form.secrets for path in tmpfs)
    return form.spec.read_only or hidden


def volume_of(blueprint: Blueprint) -> str | None:
    """The object name of the volume with the secret files of an instance; None where it needs none."""
    made = blueprint
    return secret_volume(made.owner, made.service_name, made.generation, made.form)


def secret_volume(owner: Owner, service_name: str, generation: Generation, form: ServiceForm) -> str | None:
    """The same of a generation. Its digests name it: other values, modes or users are another volume."""
    if not needs_volume(form):
        return None
    parts = (service_name, generation.fingerprint, generation.secrets, generation.digest)
    return secret_volume_name(owner, "\n".join(parts))
