"""``adopt ENV``: hands an environment over to another source, a rewritten history, or another engine."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.accepted import SOURCE, Accepted, engine_confirmation, read_accepted
from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE, REFUSED
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Json
from reconciler.observed import Marker, Observed
from reconciler.ownership import Role, short_digest
from reconciler.provider import Question
from reconciler.render import escape
from reconciler.render_json import JsonObject
from reconciler.repository import Kinship
from reconciler.source import is_same_source
from reconciler.view import newest_markers

_FOLLOWS = (Kinship.SAME, Kinship.ANCESTOR)


@dataclass(frozen=True, slots=True)
class Handover:
    """What keeps this commit from being taken: other sources, and commits that it does not contain."""

    others: tuple[str, ...] = ()
    lost: tuple[tuple[str, Kinship], ...] = ()

    @property
    def is_needed(self) -> bool:
        """Anything does."""
        return bool(self.others or self.lost)

    def identity(self, desired: Desired) -> str:
        """The id that releases exactly this."""
        lost = [commit for commit, _ in self.lost]
        parts = (
            str(desired.owner),
            desired.policy.source,
            *self.others,
            *([desired.commit, *lost] if lost else []),
        )
        return short_digest("\n".join(parts))


def find_handover(workspace: Workspace, desired: Desired, observed: Observed) -> Handover:
    """Raises ProviderError. Blocking."""
    wanted = desired.policy.source
    accepted = read_accepted(newest_markers(observed.markers).get((SOURCE, "")))
    if accepted is not None:
        others = set() if is_same_source(accepted.source, wanted) else {accepted.source}
        commits = {accepted.commit} if accepted.commit else set()
    else:
        others = {i.source for i in observed.instances if not is_same_source(i.source, wanted)}
        live = {i.commit.removesuffix("-dirty") for i in observed.instances if i.role is Role.LIVE}
        commits = {commit for commit in live if commit}
    kin = workspace.source.lineage(sorted(commits)) if not others else {}
    lost = tuple((commit, kin[commit]) for commit in sorted(kin) if kin[commit] not in _FOLLOWS)
    return Handover(tuple(sorted(others)), lost)


async def report_handover(
    workspace: Workspace, clients: Clients, desired: Desired, handover: Handover
) -> Report | None:
    """Without the right ``--confirm`` only what it would do, an id, and exit 4; None where there is nothing
    to hand over. Raises ProviderError."""
    owner, confirm = desired.owner, workspace.options.confirm
    world = await clients.runtime.observe(Question(owner))
    is_other_engine = bool(world.engine) and confirm == engine_confirmation(owner, world.engine)
    if not handover.is_needed and not is_other_engine:
        return None
    identity = handover.identity(desired)
    members: JsonObject = {
        "source": desired.policy.source,
        "others": list[Json](handover.others),
        "lost": list[Json](commit for commit, _ in handover.lost),
    }
    if confirm != identity and not is_other_engine:
        command = f"reconciler adopt {owner.environment} --confirm={identity}"
        text = "\n".join([*_words(desired, handover), f"to do it: {command}"]) + "\n"
        return Report(REFUSED, text, {"result": "asked", "confirm": identity, **members})
    earlier = newest_markers(world.markers).get((SOURCE, ""))
    commit = desired.commit.removesuffix("-dirty")
    value = Accepted(desired.policy.source, commit, engine=world.engine or None, by_hand=True).write()
    sequence = earlier.sequence + 1 if earlier else 1
    await clients.runtime.put_marker(owner, Marker(SOURCE, "", sequence, value))
    text = f"{owner} belongs to this source now\nnext:\n  reconciler plan {owner.environment}\n"
    return Report(DONE, text, {"result": "accepted", **members})


def _words(desired: Desired, handover: Handover) -> list[str]:
    owner = desired.owner
    if handover.others:
        what = [
            f"  what runs came from {escape(other)}, which may act here no more" for other in handover.others
        ]
        return [f"{owner} is handed over to {escape(desired.policy.source)}:", *what]
    lines = [f"{owner} goes on at {desired.commit[:12]}, whose history is another:"]
    for commit, kinship in handover.lost:
        said = {
            Kinship.DESCENDANT: f"it comes before {commit[:12]}, which was accepted",
            Kinship.CANNOT_TELL: f"{commit[:12]}, which was accepted, is not in this clone",
        }.get(kinship, f"it does not contain {commit[:12]}, which was accepted")
        lines.append(f"  {said}")
    return lines
