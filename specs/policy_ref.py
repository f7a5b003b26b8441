"""Which documents count where the policy ref and the tracked ref disagree (contracts, section 9). Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from specs.spec_set import SpecSet, Written

POLICY_KINDS: Final = ("Environment", "Registry")
"""What says where things run, where credentials go and what is allowed."""


def under_policy(tracked: SpecSet, policy: SpecSet) -> tuple[SpecSet, list[Written]]:
    """The tracked documents with the policy ref's own Environments and Registries in place of theirs, and
    those that differ, sorted: as the tracked ref has them, else as the policy ref has them."""
    if tracked is policy:
        return tracked, []
    kept = {key: written for key, written in tracked.documents.items() if key[0] not in POLICY_KINDS}
    theirs = {key: written for key, written in tracked.documents.items() if key[0] in POLICY_KINDS}
    ours = {key: written for key, written in policy.documents.items() if key[0] in POLICY_KINDS}
    different = [theirs.get(key) or ours[key] for key in sorted(theirs.keys() | ours.keys())
                 if not _agree(theirs.get(key), ours.get(key))]  # fmt: skip
    return replace(tracked, documents={**kept, **ours}), different


def _agree(one: Written | None, other: Written | None) -> bool:
    return one is not None and other is not None and one.model == other.model
