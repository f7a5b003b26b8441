"""The labels of what the engine in memory makes, and the way back."""

from __future__ import annotations

from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.desired import Generation
from reconciler.ownership import Owner

BY = "memory"


def instance_labels(blueprint: Blueprint) -> dict[str, str]:
    """The labels of an instance (contracts, section 5)."""
    generation = blueprint.generation
    return {
        ownership.OWNER: str(blueprint.owner),
        ownership.SERVICE: blueprint.service_name,
        ownership.INPUT: blueprint.input,
        ownership.FINGERPRINT: generation.fingerprint,
        ownership.SPEC: blueprint.form.canonical,
        ownership.SECRETS: generation.secrets,
        ownership.COMMIT: blueprint.commit,
        ownership.PIN: blueprint.pin,
        ownership.IMAGE: f"{blueprint.image.familiar_name}@{generation.digest}",
        ownership.SOURCE: blueprint.source,
        ownership.BY: BY,
    }


def generation_of(labels: dict[str, str]) -> Generation:
    """The generation that an instance's labels name; empty parts where a label is missing."""
    digest = labels.get(ownership.IMAGE, "").rpartition("@")[2]
    fingerprint = labels.get(ownership.FINGERPRINT, "")
    return Generation(fingerprint, labels.get(ownership.SECRETS, ""), digest)


def volume_labels(owner: Owner, name: str, role: str) -> dict[str, str]:
    """The labels of a volume of role data, files, secret or marker."""
    return {ownership.OWNER: str(owner), ownership.NAME: name, ownership.ROLE: role}


def network_labels(owner: Owner, name: str) -> dict[str, str]:
    """The labels of a network."""
    return {ownership.OWNER: str(owner), ownership.NAME: name}
