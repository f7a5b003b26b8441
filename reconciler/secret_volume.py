"""Where the secret files of an instance lie: in the container itself, or in a volume (contracts, section 6).

A read-only container takes no copy, and a copy below a tmpfs is hidden when it starts: there the files lie in
a volume of their generation, which goes with its last consumer. Pure.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from reconciler.actions import Blueprint
from reconciler.desired import ServiceForm
from reconciler.ownership import secret_volume_name


def needs_volume(form: ServiceForm) -> bool:
    """Whether its secret files cannot be copied into the container."""
    if not form.secrets:
        return False
    tmpfs = [use.target for use in form.mounts if use.type == "tmpfs"]
    hidden = any(PurePosixPath(use.target).is_relative_to(path) for use in form.secrets for path in tmpfs)
    return form.spec.read_only or hidden


def volume_of(blueprint: Blueprint) -> str | None:
    """The object name of the volume with the secret files of an instance's generation; None where it needs
    none. The generation's digests name it, so other values, modes or users are another volume."""
    if not needs_volume(blueprint.form):
        return None
    seen = blueprint.generation
    parts = (blueprint.service_name, seen.fingerprint, seen.secrets, seen.digest)
    return secret_volume_name(blueprint.owner, "\n".join(parts))
