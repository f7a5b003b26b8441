"""The record of an environment: what each of its services has proved, for those who cannot reach its runtime.

It lies in a registry, so what is read may be anybody's who may push there: it is held to its form, its owner
and its age, and believed no further than a claim. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.proofs import Proof, proofs_of
from reconciler.render import format_time
from reconciler.view import group
from specs.reference import ImageRef, InvalidReference

AHEAD: Final = 300.0
"""Seconds that the clocks of its writer and its reader may differ."""
CALM: Final = 60.0
"""Seconds between two records that differ in how well the same versions do."""
COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Record:
    """What an environment said of itself. ``at``: seconds on its runtime's clock."""

    owner: Owner
    at: float
    engine: str
    """The id of the engine; empty where it was not told."""
    commit: str
    """The commit that was read for the environment itself."""
    proofs: Mapping[str, Proof]
    """By service. The canonical service is not in a record: ``spec`` is empty where it was read back."""
    images: tuple[str, ...]
    """``name@digest`` of everything that runs, is kept to go back to, or is remembered as proved."""


def make_record(desired: Desired, observed: Observed, plan: Plan) -> Record:
    """What there is to say now."""
    releases = [r for view in group(observed).services.values() for r in view.releases]
    images = {i.image for i in observed.instances} | {release.image for release in releases}
    proofs = proofs_of(desired, observed, plan)
    return Record(
        owner=desired.owner,
        at=observed.at,
        engine=observed.engine,
        commit=desired.commit,
        # What was deployed from a working tree is at no commit that anybody else could read.
        proofs={name: proof for name, proof in proofs.items() if COMMIT.fullmatch(proof.commit)},
        images=tuple(sorted(image for image in images if is_image(image))),
    )


def is_due(before: Record | None, now: Record, age: float) -> bool:
    """Whether another record must be written: something else has proved itself, what has does better or worse
    than said, or the last one has used up a quarter of its time."""
    if before is None or before.owner != now.owner or now.at < before.at - AHEAD:
        return True
    since = now.at - before.at
    if since >= age / 4 or _steady(before) != _steady(now):
        return True
    return since >= CALM and _told(before) != _told(now)


def _steady(record: Record) -> object:
    steady = {name: replace(it, spec="", healthy_since=None, ready=0) for name, it in record.proofs.items()}
    return record.commit, record.engine, steady


def _told(record: Record) -> object:
    return {
        name: (format_time(it.healthy_since), it.ready) for name, it in record.proofs.items()
    }, record.images


def is_image(text: str) -> bool:
    """Whether it names an image by its digest alone."""
    try:
        ref = ImageRef.parse(text)
    except InvalidReference:
        return False
    return ref.digest is not None and ref.tag is None and len(text) <= 512
