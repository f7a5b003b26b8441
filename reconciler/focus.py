"""What of two commits can matter to one another: services that are alike in both, and that nothing which
differs refers to, are left out, so that a change of twenty services among a thousand costs as much as twenty.
Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.desired import Desired
from reconciler.policy import Policy
from reconciler.prune import prune_limit
from specs.privilege import joined_services
from specs.proxy import PROXIES


def focus(desired: Desired, before: Desired) -> tuple[Desired, Desired]:
    """Both, with the services that matter. What a plan of one on the other says stays the same."""
    kept = _kept(desired, before)
    policy = _limited(desired.policy, before)
    return replace(_only(desired, kept), policy=policy), _only(before, kept)


def _only(desired: Desired, kept: set[str]) -> Desired:
    return replace(desired, services={n: s for n, s in desired.services.items() if n in kept})


def _limited(policy: Policy, before: Desired) -> Policy:
    """The limit of what may be removed at once is a share of all that runs."""
    running = sum(service.replicas > 0 for service in before.services.values())
    return replace(policy, prune_limit=prune_limit(policy, running))


def _kept(desired: Desired, before: Desired) -> set[str]:
    new, old = desired.services, before.services
    kept = {name for name in new.keys() | old.keys() if new.get(name) != old.get(name)}
    if desired.proxy is not None or before.proxy is not None:
        routed = {name for it in (new, old) for name, s in it.items() if s.form.spec.route is not None}
        if kept & routed or desired.proxy != before.proxy or kept & set(PROXIES):
            kept |= routed | (set(PROXIES) & (new.keys() | old.keys()))
    # An environment from which all is taken but what is alike is not emptied.
    kept |= set(sorted(new.keys() & old.keys())[:1])
    related = _related(desired, before)
    while more := {other for name in kept for other in related.get(name, ())} - kept:
        kept |= more
    return kept & (new.keys() | old.keys())


def _related(desired: Desired, before: Desired) -> Mapping[str, set[str]]:
    """Service -> what it waits for, and what shares a namespace with it, either way."""
    found: dict[str, set[str]] = {}
    for service in (*desired.services.values(), *before.services.values()):
        joined = set(joined_services(service.form.spec).values())
        if joined or service.form.spec.depends_on:
            found.setdefault(service.name, set()).update(joined, service.form.spec.depends_on)
        for other in joined:
            found.setdefault(other, set()).add(service.name)
    return found
