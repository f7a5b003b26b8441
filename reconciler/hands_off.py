"""What people keep us from: suspensions, and environments that wait for ``apply``. Pure.

A suspended service is left where it is, in the middle of a rollout or not: nothing of it is made, mended,
stopped or pruned. A suspension of the whole environment is for loops; what a person types acts all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.actions import Action
from reconciler.applied import read_applied
from reconciler.canary import STEP, read_standing
from reconciler.decision import Ender
from reconciler.desired import Desired, Kinship, Subject
from reconciler.observed import Instance, Marker, Observed
from reconciler.ownership import Role
from reconciler.steering import still_steers
from reconciler.steps import Steps
from reconciler.view import RETRY, SUSPEND, Suspension, newest_markers, read_suspension, suspension

_OF_A_SERVICE = ("Service", "Task")


def suspended(steps: Steps, service_name: str) -> Suspension | None:
    """Why a service may not be touched, and until when."""
    whole = None if steps.desired.policy.by_hand else _read(steps, "")
    return whole if whole is not None else _read(steps, service_name)


def _read(steps: Steps, service_name: str) -> Suspension | None:
    return read_suspension(steps.views.markers.get((SUSPEND, service_name)), steps.now)


def leave_suspended(steps: Steps, actions: list[Action]) -> list[Action]:
    """The actions that touch nothing suspended; for each other one a Wait says why."""
    whole = None if steps.desired.policy.by_hand else suspension(steps.views, "", steps.now)
    if whole is not None:
        return _withhold(steps, actions, f"suspended: {whole}")
    images = _images_needed(steps)
    kept: list[Action] = []
    for action in actions:
        subject, reason = action.subject, None
        if subject.kind in _OF_A_SERVICE:
            reason = suspension(steps.views, subject.name, steps.now)
        elif subject.kind == "Image" and subject.name in steps.desired.images and subject.name not in images:
            reason = "only what is suspended needs it"
        if reason is None:
            kept.append(action)
        else:
            steps.wait(subject, f"suspended: {reason}", Ender.OUTSIDE)
    return kept


def is_left_alone(desired: Desired, observed: Observed, action: Action) -> bool:
    """Whether an action that was decided before and has not begun is kept back by now."""
    markers = newest_markers(observed.markers)
    subjects = [action.subject.name] if action.subject.kind in _OF_A_SERVICE else []
    subjects += [] if desired.policy.by_hand else [""]
    return any(read_suspension(markers.get((SUSPEND, name)), observed.at) for name in subjects)


def _images_needed(steps: Steps) -> set[str]:
    """Images of services that are not suspended and, where no service needs them, the others as ever."""
    by_service = {n: s.image.image_name for n, s in steps.desired.services.items() if s.image.image_name}
    suspended_ones = {i for n, i in by_service.items() if suspension(steps.views, n, steps.now) is not None}
    needed = {i for n, i in by_service.items() if suspension(steps.views, n, steps.now) is None}
    needed |= steps.desired.images.keys() - suspended_ones - needed
    while True:
        parents = {p for name in needed for p in steps.desired.images[name].builds_on}
        parents &= steps.desired.images.keys()
        if parents <= needed:
            return needed
        needed |= parents


def leave_unapplied(steps: Steps, actions: list[Action]) -> list[Action]:
    """``deploy: manual``: only the commit that the last ``apply`` asked for is kept. Where its marker was
    lost, the newest commit of what lives is what was applied."""
    if not steps.desired.policy.waits_for_apply:
        return actions
    applied = read_applied(steps.observed.markers)
    commit = steps.desired.commit
    if applied is None:
        known = any(i.commit == commit for i in steps.observed.instances)
        known = known and Kinship.DESCENDANT not in {
            steps.desired.lineage.get(i.commit) for i in steps.observed.instances
        }
        reason = "deploy: manual waits for `apply`"
    else:
        known = applied.commit == commit
        reason = f"`apply` asked for commit {applied.commit[:12]}, and this is {commit[:12]}"
    if known:
        return actions
    # Without it a plan that has nothing to do would look as if this commit was what is kept.
    steps.wait(Subject("Environment", steps.desired.owner.environment), reason, Ender.OUTSIDE)
    return _withhold(steps, actions, reason)


def _withhold(steps: Steps, actions: list[Action], reason: str) -> list[Action]:
    """Nothing is done, so nothing that waits for what we do will ever come."""
    for wait in [wait for wait in steps.waits if wait.ender is not Ender.OUTSIDE]:
        del steps.waits[wait]
    for action in actions:
        steps.wait(action.subject, reason, Ender.OUTSIDE)
    return []


def still_says(marker: Marker, instances: Sequence[Instance], now: float) -> bool:
    """Whether a marker that a person wrote still means anything: only then is it put back."""
    if marker.kind == SUSPEND:
        return read_suspension(marker, now) is not None
    if marker.kind == RETRY:
        failed = (i for i in instances if i.role is Role.HELD or i.role.is_hook)
        return any(instance.handle.id in marker.value for instance in failed)
    if marker.kind == STEP:
        generations = frozenset(i.generation.g8 for i in instances if i.service_name == marker.subject)
        return still_steers(read_standing(marker), generations)
    return True


def newest_said(markers: tuple[Marker, ...], kinds: frozenset[str]) -> dict[tuple[str, str], Marker]:
    """The marker that counts of each of these kinds, by kind and subject."""
    return {key: marker for key, marker in newest_markers(markers).items() if key[0] in kinds}
