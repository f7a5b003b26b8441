"""The labels of what we make on an engine (contracts, section 5)."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.canonical import encode_label
from reconciler.ownership import Owner

FILLER = "filler"
"""The role of the never-started container through which a volume is filled."""


def instance_labels(blueprint: Blueprint) -> dict[str, str]:
    """All labels of an instance; ours win over the spec's."""
    generation = blueprint.generation
    ours = {
        ownership.OWNER: str(blueprint.owner),
        ownership.SERVICE: blueprint.service_name,
        ownership.FINGERPRINT: generation.fingerprint,
        ownership.SPEC: encode_label(blueprint.form.canonical),
        ownership.SECRETS: generation.secrets,
        ownership.IMAGE: f"{blueprint.image.familiar_name}@{generation.digest}",
        ownership.INPUT: blueprint.input,
        ownership.COMMIT: blueprint.commit,
        ownership.PIN: blueprint.pin,
        ownership.SOURCE: blueprint.source,
        ownership.BY: "reconciler",
    }
    return {**blueprint.form.spec.labels, **ours}


def object_labels(owner: Owner, name: str, role: str | None = None) -> dict[str, str]:
    """The labels of a network or volume that belongs to an environment."""
    labels = {ownership.OWNER: str(owner), ownership.NAME: name}
    return labels | ({ownership.ROLE: role} if role else {})


def without_inherited(labels: Mapping[str, str], image_labels: Mapping[str, str]) -> dict[str, str]:
    """A container's labels less those that it has from its image: they prove nothing."""
    return {name: value for name, value in labels.items() if image_labels.get(name) != value}


def without_ours(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels that are not in our reserved prefix."""
    return {name: value for name, value in labels.items() if not name.startswith(ownership.PREFIX)}
