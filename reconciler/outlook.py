"""What two commits differ in for one environment: the plan of one on the settled world of the other. Pure.

Nobody is asked, so what only a look can tell is unknown, and said to be so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from reconciler.actions import Action, BuildImage, PullImage
from reconciler.decision import Block, Plan, Wait
from reconciler.desired import Desired, DesiredImage, Subject
from reconciler.difference import Cause
from reconciler.focus import focus
from reconciler.forecast import forecast
from reconciler.observed import ABSENT, Artifact, Observed, Unreadable
from reconciler.policy_changes import PolicyChange
from reconciler.references import References, references
from reconciler.render_action import BOOKKEEPING, interruption, verb_of
from reconciler.settled import resolved_references, settled_world
from specs.inputs import Change as InputChange
from specs.inputs import InvalidDocument, compare
from specs.proxy import PROXIES
from specs.reference import Digest

Presence = Literal["kept", "new", "gone"]
UNKNOWN: Mapping[str, str] = {
    "holds": "what is held, suspended, or released by hand",
    "drift": "what runs otherwise than the base says",
    "built": "which images are built already",
    "names": "which ports and names others have",
    "tags": "what tags mean now",
    "secrets": "which secrets have values, and other ones than before",
}
"""What no commit tells."""
_ORDER = ("Registry", "Network", "Volume", "Image", "Config", "Secret", "Service", "Task")
_OF_A_SERVICE = ("Route", "Proxy")


@dataclass(frozen=True, slots=True)
class Effect:
    """All that would be done to one object, up to the end. ``steps``: verbs, each with how often;
    ``longest``: seconds for which it may interrupt; ``removes``: git names it no more, and it goes."""

    kind: str
    name: str
    steps: tuple[tuple[str, int], ...]
    cause: Cause
    longest: float | None
    removes: bool


@dataclass(frozen=True, slots=True)
class Outlook:
    """The offline plan of one environment. ``before``: the commit that is taken for what runs."""

    desired: Desired
    before: str
    plan: Plan
    forecast: tuple[Plan, ...]
    presence: Presence = "kept"
    images: Mapping[str, str | None] = field(default_factory=dict)
    """Image name -> the input key that it had."""
    inputs: Mapping[str, Sequence[InputChange]] = field(default_factory=dict)
    """Image name -> which of its inputs changed."""
    references: References = References()
    policy: tuple[PolicyChange, ...] = ()
    policy_ref: str | None = None
    """The branch that decides such things, as far as the clone knows: the remote's default branch."""
    unreadable: tuple[Unreadable, ...] = ()
    promoted: Outlook | None = None
    """Of an environment that follows another: what comes when all is promoted as the commit has it."""

    @property
    def effects(self) -> tuple[Effect, ...]:
        """By object, in the order in which people read."""
        return effects(self.forecast)


def look_out(
    desired: Desired,
    before: Desired | None,
    now: float,
    policy: Iterable[PolicyChange] = (),
    *,
    is_promotion: bool = False,
    unreadable: tuple[Unreadable, ...] = (),
) -> Outlook:
    """What a commit would bring where ``before`` runs; None: nothing runs yet. ``now`` in seconds.
    ``is_promotion``: the images are there, for a promotion brings them. ``unreadable``: of what nothing is
    known in either commit."""
    desired = _leave_unpromoted(desired, before)
    seen, world = desired, Observed(at=now)
    if before is not None:
        seen, past = focus(desired, before)
        world = settled_world(past, now)
    images = desired.images.values()
    absent: dict[str, Artifact] = {
        str(image.ref): Digest(f"built:{image.key}") if is_promotion else ABSENT for image in images
    }
    known = {**absent, **world.artifacts, **dict(resolved_references(desired))}
    observed = replace(world, artifacts=known, unreadable=unreadable)
    old = {} if before is None else before.images
    inputs = {name: _compare(old.get(name), image) for name, image in desired.images.items()}
    plans = tuple(_as_told(desired, inputs, it) for it in forecast(seen, observed, now))
    return Outlook(
        desired,
        before.commit if before is not None else "",
        plans[0],
        plans,
        "kept" if before is not None else "new",
        {name: old[name].key if name in old else None for name in desired.images},
        inputs,
        references(desired, Observed(at=now)),
        tuple(policy),
        unreadable=unreadable,
    )


def _leave_unpromoted(desired: Desired, before: Desired | None) -> Desired:
    """What runs without a pin is left as it is, but for what a promotion took away."""
    if desired.following is None or before is None:
        return desired
    kept = {*desired.services, *desired.following.removed, *PROXIES}
    return replace(desired, excluded=desired.excluded | (before.services.keys() - kept))


def with_more(outlook: Outlook, blocks: Iterable[Block] = (), waits: Iterable[Wait] = ()) -> Outlook:
    """The same, with more that must not happen, and that somebody has to do."""
    plan = outlook.plan
    more = replace(plan, blocks=(*plan.blocks, *blocks), waits=(*plan.waits, *waits))
    return replace(outlook, plan=more)


def _as_told(desired: Desired, inputs: Mapping[str, Sequence[InputChange]], plan: Plan) -> Plan:
    """The plan without what only a look would tell: values of live objects, that a registry lacks an image;
    and without blocks for what this clone cannot tell, which is no guard."""
    barred = {} if desired.following is None else desired.following.barred
    unknown = {name for name, barrier in barred.items() if barrier.is_unknown}
    blocks = (it for it in plan.blocks if it.subject.kind != "Service" or it.subject.name not in unknown)
    actions = tuple(_without_live(inputs, action) for action in plan.actions)
    return replace(plan, actions=actions, blocks=tuple(blocks))


def _without_live(inputs: Mapping[str, Sequence[InputChange]], action: Action) -> Action:
    if isinstance(action, BuildImage):
        changed = tuple(what for what, _, _ in inputs.get(action.image.name, ()))
        return replace(action, cause=Cause("input", changed or ("it is not known to be built",)))
    if not action.cause.diffs:
        return action
    diffs = tuple(replace(diff, live=None) for diff in action.cause.diffs)
    return replace(action, cause=replace(action.cause, diffs=diffs))


def _compare(before: DesiredImage | None, after: DesiredImage) -> tuple[InputChange, ...]:
    if before is None or before.key == after.key:
        return ()
    try:
        return tuple(compare(before.document, after.document))
    except InvalidDocument:
        return ()


def effects(plans: Sequence[Plan]) -> tuple[Effect, ...]:
    """What the plans do, by object. Notes of our own and pulls are left out: they are part of everything."""
    grouped: dict[tuple[str, str], list[Action]] = {}
    for action in (action for plan in plans for action in plan.actions):
        if not isinstance(action, (*BOOKKEEPING, PullImage)):
            grouped.setdefault(_key(action.subject), []).append(action)
    found = [_effect(key, actions) for key, actions in grouped.items()]
    return tuple(sorted(found, key=lambda it: (_rank(it.kind), it.kind, it.name)))


def _key(subject: Subject) -> tuple[str, str]:
    return "Service" if subject.kind in _OF_A_SERVICE else subject.kind, subject.name


def _effect(key: tuple[str, str], actions: Sequence[Action]) -> Effect:
    steps: dict[str, int] = {}
    for action in actions:
        steps[verb_of(action)] = steps.get(verb_of(action), 0) + 1
    told = next((action for action in actions if action.cause.diffs), actions[0])
    times = [longest for action in actions if (longest := interruption(action)) is not None]
    removes = all(action.cause.type == "prune" for action in actions)
    return Effect(*key, tuple(steps.items()), told.cause, max(times, default=None), removes)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)
