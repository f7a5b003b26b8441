"""``apply`` beside a loop (contracts, section 2): at the commit that it keeps we look on, else we yield.

Where the environment waits for ``apply``, the loop follows: marker ``applied`` says which commit is meant.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from reconciler.applied import read_applied, write_applied
from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.person import person
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Kinship
from reconciler.loop import look
from reconciler.loop_mark import living_loop
from reconciler.loop_seen import LivingLoop
from reconciler.observed import Marker, Observed
from reconciler.prune import PRUNE
from reconciler.view import group, newest_markers, suspension

_RELEASED = 3600.0
"""Seconds for which a prune that was released may be done by a loop, too."""


@dataclass(eq=False)
class LoopKeeps(Exception):
    """A loop is at work on exactly this commit."""

    loop: LivingLoop


@dataclass(slots=True)
class Beside:
    """What the first look of an ``apply`` tells of a loop."""

    workspace: Workspace
    was_asked: bool = False

    def meet(self, observed: Observed) -> Desired:
        """What is desired, knowing what lives. Raises LoopKeeps, Stop with 4, ProviderError."""
        if not self.was_asked:
            self.was_asked = True
            self._meet_loop(observed)
        return self.workspace.meet(observed)

    def alive(self, observed: Observed) -> bool:
        """Whether a loop keeps this commit, and is allowed to act."""
        loop = acting_loop(observed)
        return loop is not None and keeps(loop) == self.workspace.desired.commit

    def _meet_loop(self, observed: Observed) -> None:
        loop, desired = acting_loop(observed), self.workspace.desired
        if loop is None or keeps(loop) is None:
            return
        if keeps(loop) == desired.commit:
            if not self.workspace.options.heal:
                raise LoopKeeps(loop)
        elif not waits_for_apply(self.workspace):
            raise _refusal(self.workspace, loop)


def acting_loop(observed: Observed) -> LivingLoop | None:
    """The loop that keeps the environment, unless that is suspended for loops."""
    return None if suspension(group(observed), "", observed.at) is not None else living_loop(observed)


def keeps(loop: LivingLoop) -> str | None:
    """The commit that it is at work on; of an older process the one that it settled on."""
    return loop.keeps or loop.commit


def waits_for_apply(workspace: Workspace) -> bool:
    """Whether the loop of this environment follows this ``apply``: a whole commit, not a part of one."""
    options = workspace.options
    is_whole = not options.services and workspace.source.mode == "live"
    return is_whole and workspace.effective.environment.deploy == "manual"


def _refusal(workspace: Workspace, loop: LivingLoop) -> Stop:
    """It would undo what we do, and we what it does."""
    desired, name = workspace.desired, workspace.owner.environment
    seen = f"a loop ({loop.by}) keeps it at {(keeps(loop) or '')[:12]}"
    remedy = f"reconciler suspend {name} --reason TEXT, then apply; or push, and let the loop do it"
    if workspace.effective.environment.deploy == "manual":
        remedy = f"reconciler suspend {name} --reason TEXT, then apply; or apply a whole commit"
    problem = failure("CLI016", f"Environment {name}", seen, "no loop, or the commit that it keeps", remedy)
    return Stop(REFUSED, (*workspace.problems, problem), desired.owner, desired.commit)


async def leave_word(workspace: Workspace, clients: Clients) -> None:
    """Write for the loop what this command line asks for: which commit, and which prune is released. Raises
    ProviderError, also where the markers cannot be written: else the loop would undo what we do."""
    wanted = workspace.options.allow_prune
    if wanted is None and not waits_for_apply(workspace):
        return
    observed = await look(workspace.desired, clients)
    if observed.cannot_read("markers"):
        return  # nothing is done without them
    owner, desired = workspace.owner, await asyncio.to_thread(workspace.meet, observed)
    if wanted is not None:
        earlier = newest_markers(observed.markers).get((PRUNE, ""))
        value = json.dumps({"id": wanted, "until": observed.at + _RELEASED}, sort_keys=True)
        marker = Marker(PRUNE, "", earlier.sequence + 1 if earlier else 1, value)
        await clients.runtime.put_marker(owner, marker)
    if waits_for_apply(workspace) and _may_be_asked_for(desired, observed):
        await clients.runtime.put_marker(
            owner, write_applied(desired.commit, person(), observed.at, observed.markers)
        )


def _may_be_asked_for(desired: Desired, observed: Observed) -> bool:
    """Not what the guards refuse anyway, and not what was asked for already."""
    applied = read_applied(observed.markers)
    if applied is not None and applied.commit == desired.commit:
        return False
    is_older = any(desired.lineage.get(i.commit) is Kinship.DESCENDANT for i in observed.instances)
    return desired.policy.backwards or not is_older
