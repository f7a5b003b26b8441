"""A service that somebody else keeps changing: healed ever more slowly, and told as unstable. Pure.

What is healed again and again is healed at full speed at first: a person who restarts and removes things for
some minutes is no fight. Each heal fills three vessels that leak, in a minute, in five, and in half an hour.
What overflows becomes a pause, twice as long with every heal more, a minute at the most.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.actions import Action, CreateInstance, MendInstance, ReviveInstance
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.render import count, format_duration, format_value

UNSTABLE: Final = 5
"""So many heals of one instance within the window are a fight that people should know of."""
WINDOW: Final = 600.0
REMEMBERED: Final = 3600.0
_MOST: Final = 300
_VESSELS: Final = ((60.0, 24.0), (300.0, 60.0), (1800.0, 100.0))
"""Seconds in which a vessel leaks to a third, and how many heals it holds."""
_LONGEST: Final = 60.0
Healed = Mapping[Subject, tuple[float, ...]]
"""Subject of an instance -> when it was healed, in seconds on the runtime's clock, oldest first."""


def is_heal(action: Action) -> bool:
    """Whether it makes good what somebody else did to a service."""
    makes = isinstance(action, CreateInstance | ReviveInstance | MendInstance)
    return makes and action.cause.type == "drift" and action.subject.kind == "Service"


def remember(times: Sequence[float], at: float) -> tuple[float, ...]:
    """The times with one more; what is older than an hour goes."""
    return (*(t for t in times if at - t < REMEMBERED), at)[-_MOST:]


def calm_at(healed: Healed, subject: Subject) -> float:
    """Before this an instance is not healed again; 0 where nothing speaks against it. Replacements take other
    numbers, so the whole service counts as well, by how many of its instances are healed."""
    own = _not_before(healed.get(subject, ()), 1)
    siblings = [times for other, times in healed.items() if _is_of(other, subject.name)]
    return max(own, _not_before(sorted(t for times in siblings for t in times), max(1, len(siblings) // 2)))


def _not_before(times: Sequence[float], instances: int) -> float:
    if not times:
        return 0.0
    last = times[-1]
    over = max(
        sum(math.exp((t - last) / leak) for t in times) - holds * instances for leak, holds in _VESSELS
    )
    return last + min(_LONGEST, 2.0 ** min(over, 16.0)) if over > 0 else 0.0


def heals_of(healed: Healed, service_name: str, now: float) -> int:
    """How often the most contested instance of a service was healed within the window, or the service by as
    many instances as that concerns."""
    recent = [sum(now - t < WINDOW for t in times) for s, times in healed.items() if _is_of(s, service_name)]
    return max((*recent, sum(recent) // max(1, len(recent) // 2)), default=0)


def is_unstable(healed: Healed, service_name: str, now: float) -> bool:
    """Whether a service is in a fight: it is calm again when the window has passed without one."""
    return heals_of(healed, service_name, now) >= UNSTABLE


def unstable_words(times: int, cause: Cause) -> str:
    """Both sides: what we set, and what it was found to be. ``cause`` is that of the last heal, masked."""
    found = f"healed {count(times, 'time')} within {format_duration(WINDOW)}"
    sides = [
        f"{d.path} is set to {format_value(d.desired)} and found as {format_value(d.live)}"
        for d in cause.diffs
    ]
    return f"{found}, and somebody else undoes it: {', '.join(sides[:3] or _in_words(cause.refs))}"


def _in_words(refs: Iterable[str]) -> list[str]:
    return ["it is made, and taken away again" if ref == GONE else ref for ref in refs]


GONE: Final = "an instance is gone"


def _is_of(subject: Subject, service_name: str) -> bool:
    return subject.kind == "Service" and subject.name == service_name
