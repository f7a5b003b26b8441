"""The world after a hook was begun: it is assumed to succeed. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.actions import RunHook
from reconciler.hook_notes import KIND, begun
from reconciler.observed import Health, Marker, Observed
from reconciler.ownership import parse_instance_name
from reconciler.predict_instance import created


def predict_hook(observed: Observed, action: RunHook) -> Observed:
    """Its container runs, and its marker says so."""
    name = parse_instance_name(action.blueprint.name)
    if name is None:
        raise ValueError(f"{action.blueprint.name} is no name of a hook's container")
    made = created(observed, action.blueprint)
    run = replace(made, role=name.role, health=Health.NONE, restart="no")
    value = begun(action.note, run.handle.id, action.notes)
    marker = Marker(KIND, action.subject.name, action.sequence, value, f"forecast_{action.sequence}")
    others = tuple(m for m in observed.markers if (m.kind, m.subject) != (KIND, action.subject.name))
    return replace(observed, instances=(*observed.instances, run), markers=(*others, marker))
