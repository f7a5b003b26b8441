"""What became of each service in one stretch of passes: from which generation to which, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.actions import Action, CreateInstance, RemoveInstance, RetireInstance
from reconciler.decision import Outcome
from reconciler.desired import Json
from reconciler.observed import Instance, Observed
from reconciler.ownership import parse_instance_name
from reconciler.release import Release
from reconciler.render_json import JsonObject, cause_json
from reconciler.view import ServiceView, group


def service_steps(actions: Iterable[tuple[Action, Outcome]], observed: Observed) -> list[Json]:
    """One object a service that anything was done to, sorted by name. The actions are masked already, in the
    order in which they ended; ``observed`` is the look after them."""
    views = group(observed)
    by_service: dict[str, list[Action]] = {}
    for action, outcome in actions:
        if action.subject.kind == "Service" and outcome.result == "done":
            by_service.setdefault(action.subject.name, []).append(action)
    return [_step(name, done, views.of(name)) for name, done in sorted(by_service.items())]


def _step(service_name: str, done: list[Action], view: ServiceView) -> JsonObject:
    known = generations(view)
    after = view.live[-1].generation.g8 if view.live else None
    new = {_g8(action) for action in done if isinstance(action, CreateInstance) and _is_new(action)}
    # What came and failed within the same stretch is neither where it began nor where it ended.
    gone = [g8 for g8 in map(_taken_away, done) if g8 is not None and g8 != after and g8 not in new]
    makes = [a for a in done if not isinstance(a, RetireInstance | RemoveInstance)]
    before = gone[-1] if gone else None if after in new else after
    cause = (makes or done)[0].cause
    return {
        "service": service_name,
        "from": generation_json(before, known),
        "to": generation_json(after, known),
        "cause": cause_json(cause),
    }


def _taken_away(action: Action) -> str | None:
    return _g8(action) if isinstance(action, RetireInstance | RemoveInstance) else None


def _g8(action: Action) -> str | None:
    name = parse_instance_name(action.subject.instance or "")
    return name.g8 if name is not None and not name.role.is_hook else None


def _is_new(action: Action) -> bool:
    """It brings about what was not there before; a heal does not."""
    return action.cause.type in ("commit", "input")


def generations(view: ServiceView) -> Mapping[str, tuple[str, str]]:
    """Commit and image of every generation of a service that the runtime knows of, by its eight digits."""
    found: Iterable[Release | Instance] = (*reversed(view.releases), *view.instances)
    return {one.generation.g8: (one.commit, one.image) for one in found}


def generation_json(g8: str | None, known: Mapping[str, tuple[str, str]]) -> Json:
    """A generation as history names it; commit and image are null where nobody knows them any more."""
    if g8 is None:
        return None
    commit, image = known.get(g8, (None, None))
    return {"generation": g8, "commit": commit, "image": image}
