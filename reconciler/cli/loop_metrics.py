"""Metrics in Prometheus' text format 0.0.4. Names of owners are DNS labels, so nothing has to be escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.keeper import Keeper
from reconciler.ownership import Owner

Row = tuple[Owner, float, str]


def metrics_text(keepers: Mapping[Owner, Keeper], now: float) -> str:
    """All metrics of this process. ``now`` by ``time.monotonic``."""
    ordered = sorted(keepers.items(), key=lambda item: str(item[0]))
    tallies = [(owner, keeper.tally) for owner, keeper in ordered]
    blocks = [
        _block("passes_total", "counter", "Passes.", ((o, t.passes, "") for o, t in tallies)),
        _block("pass_seconds_sum", "counter", "Seconds in passes.", ((o, t.seconds, "") for o, t in tallies)),
        _block(
            "actions_total",
            "counter",
            "Actions that ended.",
            ((o, n, f',result="{result}"') for o, t in tallies for result, n in sorted(t.actions.items())),
        ),
        _block("drift_total", "counter", "Actions against drift.", ((o, t.drift, "") for o, t in tallies)),
        _block(
            "commit_to_settled_seconds",
            "gauge",
            "From reading the newest settled commit to its rest.",
            ((o, t.commit_to_settled, "") for o, t in tallies if t.commit_to_settled is not None),
        ),
        _block(
            "observation_age_seconds",
            "gauge",
            "Since the last complete look.",
            ((o, now - k.looked_at, "") for o, k in ordered if k.looked_at is not None),
        ),
        _block(
            "settled",
            "gauge",
            "1 when at rest and settled.",
            ((o, float(k.rest is not None and k.rest.result == "settled"), "") for o, k in ordered),
        ),
        _block("in_flight", "gauge", "Actions in flight.", ((o, k.in_flight, "") for o, k in ordered)),
    ]
    return "".join(blocks)


def _block(name: str, kind: str, meaning: str, rows: Iterable[Row]) -> str:
    lines = [f"# HELP reconciler_{name} {meaning}", f"# TYPE reconciler_{name} {kind}"]
    for owner, value, labels in rows:
        place = f'project="{owner.project}",environment="{owner.environment}"{labels}'
        lines.append(f"reconciler_{name}{{{place}}} {value:g}")
    return "\n".join(lines) + "\n"
