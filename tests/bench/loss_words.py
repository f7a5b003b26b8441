"""The result of a site in words."""

from __future__ import annotations

from collections.abc import Iterator

from loss_record import Kind, Outcome
from loss_report import Result, count_outcomes, measure_latency


def tell(result: Result) -> Iterator[str]:
    """Lines."""
    sent, turns = len(result.requests), result.turns
    first = sum(1 for r in result.requests if r.is_lost_unless_repeated)
    share = 100 * result.lost / sent if sent else 0.0
    yield f"{result.name}: {len(result.deploys)} deploys, {sent} requests: {result.lost} lost ({share:.2f} %)"
    if first != result.lost:
        yield f"  {first} without the second try of requests on kept connections that were closed"
    by = count_outcomes(result.records)
    for kind in Kind:
        counts = {o.value: by[kind, o] for o in Outcome if by[kind, o]}
        if counts:
            latency = measure_latency(r for r in result.records if r.kind is kind)
            words = ", ".join(f"{name} {count}" for name, count in counts.items())
            yield f"  {kind.value:8} {words}" + (f"; {latency}" if kind is not Kind.EVENTS else "")
    if turns:
        seen = sorted(turn for turn in turns if turn is not None)
        never = f", never {len(turns) - len(seen)}" if len(seen) < len(turns) else ""
        most = f", most {seen[-1]:.1f} s" if seen else ""
        took = sorted(d.ended - d.began for d in result.deploys)
        yield (
            f"  apply to all-new: p50 {result.turn:.1f} s{most}{never}; "
            f"the command itself: p50 {took[len(took) // 2]:.1f} s, most {took[-1]:.1f} s"
        )
    sockets, listeners = result.streams["sockets"], result.streams["listeners"]
    yield (
        f"  streams: {sockets['opened']} WebSockets opened, {sockets['closed']} closed in order, "
        f"{sockets['broken']} broken; {listeners['events']} events, {listeners['closed']} ends in order, "
        f"{listeners['broken']} broken or refused"
    )
    server = result.server
    yield (
        f"  the application's log: {server.received} received, {server.unanswered} of these not answered, "
        f"{server.again} received again, {server.twice} answered twice, "
        f"{server.unheard} answered but lost on the way, {server.invented} answered by nobody"
    )
    late = 1000 * result.streams["late_p99"], 1000 * result.streams["late_max"]
    yield f"  the load itself was late by p99 {late[0]:.1f} ms, at most {late[1]:.0f} ms"
