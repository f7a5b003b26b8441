"""What the proxies need: their work, their networks, and when a routed service may begin. Pure."""

from __future__ import annotations

from reconciler.actions import LoadProxy
from reconciler.decision import Ender
from reconciler.desired import NetworkUse, Subject
from reconciler.difference import Cause
from reconciler.observed import Instance, Phase
from reconciler.proxy_reach import is_routed, needed_networks
from reconciler.readiness import serves
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.traffic import EDGE, INNER, DesiredProxy, LiveProxy, short_id
from specs.proxied import BASE
from specs.proxy import PROXIES

_START = 60.0
_PAUSE = 0.3
_NEVER = ("",)
"""What differs of a proxy that was never given anything: all of it."""


def load_proxies(steps: Steps) -> None:
    """Give each proxy that does something else what it is to do. First of all: what it has no work for,
    no instance can be asked through."""
    proxy = steps.desired.proxy
    if proxy is None:
        return
    for live in steps.observed.traffic.proxies:
        if live.problem:
            _wait_for(steps, live)
        elif _is_leaving(steps, live):
            continue
        elif live.diffs and (live.service_name != EDGE or not _lacks_certificate(steps, proxy)):
            subject = Subject("Proxy", live.service_name, live.handle.id[:12])
            steps.act(LoadProxy(subject, _cause(live), live.handle, live.service_name, proxy))


def _is_leaving(steps: Steps, live: LiveProxy) -> bool:
    """An inner proxy of other names than today's is replaced, and bears those names until then: a route that
    was taken away is answered as ever for so long."""
    view, today = steps.views.of(live.service_name), steps.desired.services.get(live.service_name)
    if live.service_name != INNER or not live.follows or today is None or view.held:
        return False
    instance = next((i for i in view.live if i.handle == live.handle), None)
    return instance is not None and instance.generation.fingerprint != today.form.fingerprint


def _wait_for(steps: Steps, live: LiveProxy) -> None:
    """One that was just started needs a moment; one that does not answer for long needs somebody."""
    subject, words = Subject("Service", live.service_name), f"it cannot be asked: {live.problem}"
    instances = steps.views.of(live.service_name).live
    started = next((i.started_at for i in instances if i.handle == live.handle), None)
    if started is not None and steps.now - started < _START:
        steps.wait(subject, words, Ender.TIME, steps.now + _PAUSE, "ready")
    else:
        steps.wait(subject, words, Ender.OUTSIDE)


def _cause(live: LiveProxy) -> Cause:
    if live.diffs == _NEVER:
        return Cause("commit", ("it has no work yet",))
    return Cause("commit" if live.follows else "drift", live.diffs[:5])


def _lacks_certificate(steps: Steps, proxy: DesiredProxy) -> bool:
    names = sorted({n for it in proxy.settings.certificates for n in (it.certificate.secret, it.key.secret)})
    missing = [name for name in names if name not in proxy.certificates]
    for name in missing[:1]:
        owner = steps.desired.owner
        steps.block(
            Subject("Service", EDGE),
            "PLAN011",
            f"it needs the secret {name} for a certificate, which has no value here",
            f"put the value into <secrets folder>/{owner}/{name}",
        )
    return bool(missing)


def is_reachable(steps: Steps, target: Target) -> bool:
    """Whether a new generation of a routed service may begin: a proxy is there to ask it through, and to let
    requests reach it. Plans the Wait when not."""
    if steps.desired.proxy is None or steps.desired.proxy.route_of(target.service.name) is None:
        return True
    if any(proxy.agrees for proxy in steps.observed.traffic.proxies):
        return True
    words = f"{first_proxy(steps)} does what is desired"
    wait_for_proxy(steps, Subject("Service", target.service.name), words)
    return False


def wait_for_proxy(steps: Steps, subject: Subject, words: str) -> None:
    """Wait for a proxy; where nothing of ours will bring it, for somebody else."""
    name = first_proxy(steps)
    live = steps.views.of(name).live
    lies = not steps.desired.policy.heal and bool(live) and not any(i.phase is Phase.RUNNING for i in live)
    if lies or name not in steps.desired.services:
        steps.wait(subject, words, Ender.OUTSIDE)
    else:
        steps.wait_on(subject, Subject("Service", name), words)


def first_proxy(steps: Steps) -> str:
    """The proxy that counts when there is one to wait for."""
    return next((name for name in PROXIES if name in steps.desired.services), INNER)


def joined_now(steps: Steps, target: Target, instance: Instance) -> tuple[NetworkUse, ...]:
    """The networks that an instance is to be on now. A proxy joins those of its neighbours once it has its
    work: the engine gives out its names at once, whether or not anything listens."""
    uses = target.form.networks
    if target.service.name not in PROXIES:
        return uses
    live = next((it for it in steps.observed.traffic.proxies if it.handle == instance.handle), None)
    is_able = live is not None and live.agrees and (target.service.name != INNER or _knows_all(steps))
    named = {use.object_name for use in uses}
    uses += tuple(use for use in needed_networks(steps, instance) if use.object_name not in named)
    return tuple(
        use for use in uses if is_able or use.name in target.form.spec.networks or _is_on(instance, use)
    )


def _is_on(instance: Instance, use: NetworkUse) -> bool:
    return use.object_name in instance.networks


def _knows_all(steps: Steps) -> bool:
    """Every name leads somewhere, when there is anything to lead to: a service that gets its first route is
    reached by its neighbours all the while."""
    proxy, tables = steps.desired.proxy, steps.observed.traffic.tables
    if proxy is None:
        return False
    for route in proxy.routes:
        live = steps.views.of(route.service_name).live
        slots = set((tables or {}).get(route.service_name, ()))
        # What lies there may be of a route that was taken away long ago.
        leads = bool(slots) and slots <= {short_id(i.handle) for i in live if i.phase is Phase.RUNNING}
        if not leads and any(serves(i) or (i.phase is Phase.RUNNING and not is_routed(i)) for i in live):
            return False
    return tables is not None


def without_attachments(uses: tuple[NetworkUse, ...], service_name: str) -> tuple[NetworkUse, ...]:
    """The networks that an instance is made with."""
    return tuple(use for use in uses if use.name == BASE) if service_name in PROXIES else uses
