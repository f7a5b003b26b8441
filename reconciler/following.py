"""Looking on while a loop does the work: the same passes as ``converge``, of which nothing is executed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.loop import Converged, Meet, PassReport, Report, judge
from reconciler.observe import Memory, observe
from reconciler.observed import Observed
from reconciler.plan import plan

Alive = Callable[[Observed], bool]

_LOOKS = 1.0
"""Seconds between two looks at most; never busier than looking is."""


async def follow(
    desired: Desired, clients: Clients, *, within: float, report: Report, meet: Meet, alive: Alive
) -> Converged | None:
    """Look until nothing is left that anybody here or time will end, at most ``within`` seconds; None as soon
    as ``alive`` says that nobody works at it any more. Raises what ``meet`` raises."""
    began, memory, passes = time.monotonic(), Memory(), 0
    while True:
        look_began = time.monotonic()
        observed = await observe(desired, clients, memory)
        desired = await asyncio.to_thread(meet, observed)
        decided = plan(desired, observed, observed.at)
        passes += 1
        report(PassReport(passes, observed, decided, (), ()))
        took = time.monotonic() - began
        if decided.settled and not observed.unreadable:
            return Converged(judge(observed, decided, []), passes, took, (), decided, observed)
        if not observed.unreadable and not alive(observed):
            return None
        if took > within:
            return Converged("waiting", passes, took, (), decided, observed, timed_out=True)
        await asyncio.sleep(max(_LOOKS, time.monotonic() - look_began))
