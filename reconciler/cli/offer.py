"""What the environment that is promoted from has proved: as it is seen now or, where it cannot be reached, as
its record says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import CANNOT_TELL
from reconciler.cli.options import Options
from reconciler.cli.promote_candidates import Offer
from reconciler.cli.records import fetch_record
from reconciler.cli.source import Source, read_ref
from reconciler.cli.tracked import find_tag
from reconciler.cli.workspace import Admit, Workspace, read_workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.proofs import proofs_of, unread
from reconciler.record import Record
from reconciler.record_text import Unusable
from specs.environment import Tags
from specs.proxy import PROXIES

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

Connect = Callable[[Workspace], Clients]


async def close_runtime(clients: Clients) -> None:
    """How a command ends with an engine."""
    await clients.runtime.close()


@dataclass(frozen=True, slots=True)
class Approach:
    """How an environment is found, let through, reached and left. ``find`` gives the commit that counts of
    it; it raises Stop, ProviderError."""

    find: Callable[[str], Source]
    connect: Connect
    admit: Admit = lambda found: found
    end: Callable[[Clients], Awaitable[None]] = close_runtime


def as_a_person(options: Options, repository: GitRepository, source: Source, connect: Connect) -> Approach:
    """As the remote has it now. ``source``: the commit that the promotion is written on."""
    return Approach(lambda name: _tracked(repository, source, name, options.path), connect)


async def read_offer(options: Options, source: Source, approach: Approach) -> Offer:
    """``source``: the commit that the promotion is written on. Raises Stop with 3 where nothing of the
    environment can be read, ProviderError."""
    name = options.source_environment
    theirs = await asyncio.to_thread(approach.find, name)
    asked = replace(options, environment=name, services=(), ref=theirs.commit)
    workspace = await asyncio.to_thread(read_workspace, asked, theirs, approach.admit)
    clients = approach.connect(workspace)
    try:
        observed = await look(workspace.desired, clients)
    finally:
        await approach.end(clients)
    desired = await asyncio.to_thread(workspace.meet, observed)
    offer = offer_of(workspace, clients, desired, observed, theirs)
    if offer.proofs or not any(unread(observed, n) for n in offer.unproved):
        return offer
    seen = next(iter(offer.unproved.values()))
    record = await _read_record(desired, clients)
    if isinstance(record, Record):
        return _recorded(offer, record)
    words = f"{seen}{f'; {record.reason}' if record else ''}"
    problem = failure("CLI085", f"Environment {name}", words, remedy=f"reconciler doctor {name}")
    raise Stop(CANNOT_TELL, (problem,), desired.owner, source.commit)


async def _read_record(desired: Desired, clients: Clients) -> Record | Unusable | None:
    """What it has published; None where it publishes nothing. Raises ProviderError."""
    place = desired.policy.record
    if place is None:
        return None
    return await fetch_record(place, desired.owner, time.time(), clients.registry)


def _recorded(offer: Offer, record: Record) -> Offer:
    """As its record says, which is a claim that is held to its age by a gate."""
    words = f"the record of {offer.name} has no version of it"
    unproved = dict.fromkeys(offer.names - record.proofs.keys(), words)
    return replace(offer, proofs=record.proofs, unproved=unproved, read_at=record.at, is_record=True)


def offer_of(
    workspace: Workspace, clients: Clients, desired: Desired, observed: Observed, source: Source
) -> Offer:
    """As it is seen."""
    name = desired.owner.environment
    ahead = time.time() - observed.at
    """Ages are told by the runtime's clock; windows and what is written, by ours."""
    proofs = {
        service_name: replace(proof, healthy_since=proof.healthy_since + ahead)
        if proof.healthy_since
        else proof
        for service_name, proof in proofs_of(desired, observed, plan(desired, observed, observed.at)).items()
    }
    names = frozenset(desired.services.keys() - set(PROXIES))
    following = desired.following
    pins = source.specs.released(name) if following is not None else {}
    if following is not None:
        names |= following.unpromoted | following.barred.keys()
    unproved = {
        n: f"{name} cannot be read: {reason}"
        if (reason := unread(observed, n))
        else f"{name} has not proved any version of it"
        for n in names - proofs.keys()
    }
    return Offer(name, proofs, names, pins, unproved, time.time(), workspace.registries, clients.registry)


def _tracked(repository: GitRepository, source: Source, name: str, path: str) -> Source:
    """The commit that the environment tracks, as the remote has it now."""
    from providers.git.branch import open_branch

    environment = source.specs.environments[name]
    if isinstance(environment.tracks, Tags):
        commit = find_tag(repository, environment.tracks, name).commit
    else:
        branch = open_branch(repository, environment.tracks)
        commit = source.commit if branch is None else branch.tip()
    return source if commit == source.commit else read_ref(repository, commit, path)
