"""What somebody changed on the way of requests: what a proxy has loaded, the table of a route. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.difference import Cause, Diff, Verdict
from reconciler.target import Target, proved_release
from reconciler.traffic import LiveProxy, Traffic, short_id
from reconciler.view import ServiceView
from specs.proxy import PROXIES

TABLE = "route.table"
CONFIG = "proxy.config"
TAMPERED = Cause("drift", (TABLE,))


def way_diffs(target: Target, view: ServiceView, traffic: Traffic) -> tuple[Diff, ...]:
    """What differs on the way of requests of one service, or in one proxy."""
    if target.service.name in PROXIES:
        asked = [proxy for proxy in traffic.proxies if proxy.service_name == target.service.name]
        return tuple(diff for proxy in asked for diff in _config_diffs(target, view, proxy))
    if target.form.spec.route is None or not traffic.proxies:
        return ()
    if traffic.tables is None:
        return (Diff(TABLE, "live", None, None, None, Verdict.CANNOT_TELL),)
    if is_tampered(target, view, traffic):
        return (Diff(TABLE, "live", None, "as it was written", "something else"),)
    return ()


def _config_diffs(target: Target, view: ServiceView, proxy: LiveProxy) -> Iterable[Diff]:
    if proxy.problem:
        return (Diff(CONFIG, "live", None, None, None, Verdict.CANNOT_TELL),)
    is_empty = proxy.diffs == ("",)
    if is_empty and proved_release(target, view) is None:
        return ()  # it was just made
    if is_empty:
        return (Diff(CONFIG, "live", None, "as it was given", "nothing"),)
    paths = [f"{CONFIG}.{path}" for path in proxy.diffs]
    if proxy.follows:
        given = "as it was given"
        return [Diff(path, "commit", "something else", given, given) for path in paths]
    return [Diff(path, "live", None, "as it was given", "something else") for path in paths]


def is_tampered(target: Target, view: ServiceView, traffic: Traffic) -> bool:
    """Whether a table is none that we wrote: while all that was applied is there, it is gone, or leads to
    what was never an instance of the service. An instance that is gone is drift of its own, and its slots
    are led elsewhere. An empty table may be ours: nobody served."""
    release = proved_release(target, view)
    if release is None or release is not view.releases[0] or len(view.live) < release.replicas:
        return False
    slots = (traffic.tables or {}).get(target.service.name)
    known = {short_id(instance.handle) for instance in view.instances}
    return (slots is None and release.replicas > 0) or any(slot not in known for slot in slots or ())
