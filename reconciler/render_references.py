"""Images and references from outside in output ``plan``, and the notices about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.desired import Desired, Json
from reconciler.observed import ABSENT, Observed
from reconciler.references import Reference, References
from reconciler.render import Style, count, escape, shorten
from reconciler.render_json import JsonObject
from specs.inputs import Change

_MAX_NAMES = 6


def render_references(references: References, style: Style) -> list[str]:
    """One line for what floats, and one for each tag that means other bytes by now. Notices, not actions."""
    named = {reference.text: reference for reference in references.all()}
    lines = []
    if loose := sorted(text for text, reference in named.items() if reference.floating):
        shown = ", ".join(escape(text) for text in loose[:_MAX_NAMES])
        more = f" and {count(len(loose) - _MAX_NAMES, 'more reference')}" if len(loose) > _MAX_NAMES else ""
        lines.append(style.faint(f"floating: {shown}{more} (reconciler lock writes their digests into git)"))
    for text, reference in sorted(named.items()):
        if reference.moved and reference.now:
            lines.append(
                style.warn(f"moved: {escape(text)} means {shorten(reference.now)} now{_way(reference)}")
            )
    return lines


def _way(reference: Reference) -> str:
    verb = "reconciler lock" if reference.floating else f"reconciler lock --update {escape(reference.text)}"
    return f" ({verb} takes it)"


def images_json(
    desired: Desired,
    observed: Observed,
    references: References,
    changes: Mapping[str, Sequence[Change]],
) -> JsonObject:
    """``images`` of output ``plan``: every Image of ours, and every reference from outside that a service
    runs, as an image whose input is the reference itself."""
    found: JsonObject = {}
    for name in sorted(desired.images):
        image = desired.images[name]
        artifact = observed.artifacts.get(str(image.ref))
        built = None if artifact is None else artifact != ABSENT
        found[name] = {
            "input": image.key,
            "bases": [_reference_json(reference) for reference in references.bases.get(name, ())],
            "built": built,
            "digest": str(artifact) if built else None,
            "changed": [what for what, _, _ in changes.get(name, ())],
        }
    for text, reference in sorted(references.services.items()):
        found[text] = {
            "input": text,
            "bases": [_reference_json(reference)],
            "built": None,
            "digest": reference.digest,
            "changed": [],
        }
    return found


def _reference_json(reference: Reference) -> Json:
    return {
        "ref": reference.text,
        "digest": reference.digest,
        "floating": reference.floating,
        "moved": reference.moved,
    }
