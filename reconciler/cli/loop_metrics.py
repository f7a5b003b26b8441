"""Metrics in Prometheus' text format 0.0.4, named by its conventions: units in the name, counters end in
``_total``. The table of them is in docs/loop.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Final, Literal

from reconciler.cli.loop_health import Health
from reconciler.cli.loop_process_metrics import process_families
from reconciler.cli.metric_text import Family, Sample, metric_text
from reconciler.cli.outbox import Outbox
from reconciler.keeper import Keeper
from reconciler.ownership import Owner
from reconciler.tally import Histogram

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Kind = Literal["counter", "gauge"]


def metrics_text(
    keepers: Mapping[Owner, Keeper],
    now: float,
    health: Health | None = None,
    deliveries: Mapping[tuple[str, str], int] | None = None,
    outbox: Outbox | None = None,
) -> str:
    """All metrics of this process. ``now`` by the event loop's clock; ``deliveries``: by repository and
    result."""
    ordered = sorted(keepers.items(), key=lambda item: str(item[0]))
    health = health or Health()
    return metric_text(
        [
            *_environments(ordered, now),
            *_actions(ordered),
            *_arrivals(health, deliveries or {}),
            *_loop(health),
            *(() if outbox is None else _results(outbox)),
            *process_families(),
        ]
    )


def _environments(ordered: list[tuple[Owner, Keeper]], now: float) -> Iterable[Family]:
    def rows(value: float, owner: Owner) -> Sample:
        return Sample(value, _labels(owner))

    def family(name: str, kind: Kind, meaning: str, found: Iterable[tuple[Owner, float]]) -> Family:
        return Family(name, kind, meaning, tuple(rows(value, owner) for owner, value in found))

    tallies = [(owner, keeper.tally) for owner, keeper in ordered]
    yield family("passes_total", "counter", "Passes.", ((o, sum(t.passes.counts)) for o, t in tallies))
    yield _histogram("pass_duration_seconds", "How long passes took.", ((o, t.passes) for o, t in tallies))
    yield family(
        "incomplete_passes_total",
        "counter",
        "Passes in which something could not be read.",
        ((o, t.failed_looks) for o, t in tallies),
    )
    yield family(
        "hints_total",
        "counter",
        "Hints that something may have happened.",
        ((o, t.hints) for o, t in tallies),
    )
    yield family("queued", "gauge", "1 while a pass is due.", ((o, k.wake.is_set()) for o, k in ordered))
    yield family("in_flight_actions", "gauge", "Actions in flight.", ((o, k.in_flight) for o, k in ordered))
    yield family(
        "observation_age_seconds",
        "gauge",
        "Since the last complete look.",
        ((o, now - k.looked_at) for o, k in ordered if k.looked_at is not None),
    )
    yield family(
        "settled",
        "gauge",
        "1 when at rest and settled.",
        ((o, k.rest is not None and k.rest.result == "settled") for o, k in ordered),
    )
    yield family(
        "last_commit_to_settled_seconds",
        "gauge",
        "From reading the newest settled commit to its rest.",
        ((o, t.commit_to_settled) for o, t in tallies if t.commit_to_settled is not None),
    )
    yield _histogram(
        "commit_to_settled_seconds",
        "From reading a commit to its rest.",
        ((o, t.settled) for o, t in tallies),
    )


def _actions(ordered: list[tuple[Owner, Keeper]]) -> Iterable[Family]:
    yield Family(
        "actions_total",
        "counter",
        "Actions that ended.",
        tuple(
            Sample(count, {**_labels(owner), "verb": verb, "result": result})
            for owner, keeper in ordered
            for (verb, result), count in sorted(keeper.tally.actions.items())
        ),
    )
    tallies = [(owner, keeper.tally) for owner, keeper in ordered]
    yield _histogram(
        "action_duration_seconds", "How long actions took.", ((o, t.action_seconds) for o, t in tallies)
    )
    yield Family(
        "drift_actions_total",
        "counter",
        "Actions against drift.",
        tuple(Sample(t.drift, _labels(o)) for o, t in tallies),
    )
    yield Family(
        "drift_reported",
        "gauge",
        "Objects that drift and are left so (drift: report).",
        tuple(Sample(t.reported, _labels(o)) for o, t in tallies),
    )
    yield Family(
        "unstable_services",
        "gauge",
        "Services that somebody else keeps changing.",
        tuple(Sample(t.unstable, _labels(o)) for o, t in tallies),
    )


def _arrivals(health: Health, deliveries: Mapping[tuple[str, str], int]) -> Iterable[Family]:
    yield Family(
        "webhook_deliveries_total",
        "counter",
        "Webhooks, by what became of them; without a repository: nobody's.",
        tuple(
            Sample(count, {"repository": name, "result": result})
            for (name, result), count in sorted(deliveries.items())
        ),
    )
    yield Family(
        "fetch_failures_total",
        "counter",
        "Times that a repository gave no answer.",
        tuple(Sample(count, {"repository": name}) for name, count in sorted(health.failures.items())),
    )


def _results(outbox: Outbox) -> Iterable[Family]:
    tally = outbox.tally
    samples = {"sent": tally.sent, "failed": tally.failed, "dropped": tally.dropped}
    yield Family(
        "results_total",
        "counter",
        "Statuses and notifications, by what became of them; one that failed is tried again.",
        tuple(Sample(count, {"result": result}) for result, count in samples.items()),
    )
    waiting = Sample(len(outbox.waiting), {})
    yield Family("results_waiting", "gauge", "Statuses and notifications that wait to be sent.", (waiting,))


def _loop(health: Health) -> Iterable[Family]:
    faults = sorted(health.faults.items())
    yield Family(
        "faults_total",
        "counter",
        "Faults of our own; what had one was begun again.",
        tuple(Sample(fault.times, {"about": name}) for name, fault in faults),
    )
    yield Family(
        "config_reloads_total",
        "counter",
        "Times that the Run file was read again.",
        tuple(Sample(count, {"result": result}) for result, count in sorted(health.reloads.items())),
    )
    lag = Sample(health.lag, {})
    yield Family("event_loop_lag_seconds", "gauge", "How late the event loop was, of late.", (lag,))


def _labels(owner: Owner) -> dict[str, str]:
    return {"project": owner.project, "environment": owner.environment}


def _histogram(name: str, meaning: str, found: Iterable[tuple[Owner, Histogram]]) -> Family:
    samples: list[Sample] = []
    for owner, histogram in found:
        labels = _labels(owner)
        bounds = [f"{bound:g}" for bound in histogram.bounds] + ["+Inf"]
        sums = list(accumulate(histogram.counts))
        samples += [
            Sample(count, {**labels, "le": bound}, "_bucket")
            for bound, count in zip(bounds, sums, strict=True)
        ]
        samples += [Sample(histogram.total, labels, "_sum"), Sample(sums[-1], labels, "_count")]
    return Family(name, "histogram", meaning, tuple(samples))
