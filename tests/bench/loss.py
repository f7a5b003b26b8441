"""Requests lost while an application is deployed again and again under load; ours beside what peers lose.

    python tests/bench/measure.py --only loss --deploys 20 --rate 500 --seconds 1200 --sites ours compose

Each deploy brings another version of the same application (`loss_app`). The load (`loss_load`) is a process
of its own.
"""

from __future__ import annotations

import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from loss_image import make_app_image
from loss_ours import Ours, Pushed
from loss_record import Kind, read_records
from loss_report import (
    Deploy,
    Latency,
    Result,
    compare,
    measure_harm,
    measure_latency,
    measure_turns,
    read_log,
)
from loss_sites import HOST, Compose, HandMade, NotDeployed, Site, until
from loss_swarm import Stack
from loss_words import tell

from ground import MACHINE, Ground, RunningEngine

_SITES: dict[str, type[Site]] = {
    "ours": Ours,
    "pushed": Pushed,
    "compose": Compose,
    "hand": HandMade,
    "stack": Stack,
}
SITES, OURS = list(_SITES), ("ours", "pushed")
_BAD_S = 45.0
_SETTLE_S, _TAIL_S, _TURNS = 2.0, 12.0, 5


@dataclass(frozen=True)
class Wanted:
    """How much of it: requests a second, for how many seconds, over how many deploys."""

    deploys: int
    rate: float
    seconds: float
    is_abrupt: bool = False
    """Whether the application exits at once when it is asked to stop."""


def measure_loss(
    ground: Ground, engine: RunningEngine, folder: Path, wanted: Wanted, names: Sequence[str]
) -> None:
    """Every site in turn."""
    image, caddy = make_app_image(ground), f"{ground.registry}/caddy:2"
    found: list[tuple[str, str, int, float]] = []
    for name in possible(ground, names):
        with _SITES[name](engine, image, caddy, folder / name) as site:
            result = run_site(site, wanted)
        print("\n".join(tell(result)), flush=True)
        found.append((name, result.name, result.lost, result.turn))
    ours = [row for row in found if row[0] in OURS]
    for _, name, lost, turn in ours:
        for _, peer, lost_by_peer, turn_of_peer in (row for row in found if row not in ours):
            print(
                f"lost: {name} {lost}, {peer} {lost_by_peer}; apply to all-new {turn:.1f} s, "
                f"{turn_of_peer:.1f} s: ratio {turn / turn_of_peer:.2f}"
            )


def possible(ground: Ground, names: Sequence[str]) -> list[str]:
    """Without what this machine has no engine for."""
    if "stack" in names and MACHINE in ground.engines:
        print("no stack: a swarm needs an engine of its own, which only private engines can be")
        return [name for name in names if name != "stack"]
    return list(names)


def measure_bad(
    ground: Ground, engine: RunningEngine, folder: Path, wanted: Wanted, names: Sequence[str]
) -> None:
    """Versions that go wrong, each where a good one served: what was seen of them, and for how long."""
    image, caddy = make_app_image(ground), f"{ground.registry}/caddy:2"
    for name in possible(ground, names):
        for fault in ("never_ready", "exits", f"fails_after:{wanted.rate:.0f}", "unhealthy_after:3"):
            place = folder / f"{name}-{fault.replace(':', '-')}"
            with _SITES[name](engine, image, caddy, place) as site:
                result = run_site(site, Wanted(1, wanted.rate, _BAD_S), fault)
            answered, bad, seconds = measure_harm(result.records, "v1")
            deployed = result.deploys[0]
            took = f"{deployed.ended - deployed.began:.1f} s"
            said = f"said so after {took}" if deployed.refused else f"said nothing, in {took}"
            print(
                f"{site.name}, {fault}: {result.lost} lost, {answered} answered by it, {bad} of these badly, "
                f"over {seconds:.1f} s; the deploy {said}",
                flush=True,
            )


def measure_proxy(
    ground: Ground, engine: RunningEngine, folder: Path, wanted: Wanted, names: Sequence[str]
) -> None:
    """The same application by a published port of its own, and through each site's proxy, in turn."""
    image, caddy = make_app_image(ground), f"{ground.registry}/caddy:2"
    with ExitStack() as stack:
        sites: list[Site] = [Compose(engine, image, caddy, folder / "direct")]
        sites += [_SITES[name](engine, image, caddy, folder / f"through-{name}") for name in names]
        for site in sites:
            stack.enter_context(site).deploy("v0")
            assert until(partial(is_serving, site.port), 30.0), f"{site.name} does not serve"
        turns = [[measure_quick(site, wanted, turn) for site in sites] for turn in range(_TURNS)]
    for kind in (Kind.NEW, Kind.KEPT):
        direct = [turn[0][kind] for turn in turns]
        print(f"{kind.value} connections, direct: p50 {spread([d.p50 for d in direct])}")
        for number, site in enumerate(sites[1:], 1):
            through = [turn[number][kind] for turn in turns]
            p50 = [t.p50 - d.p50 for t, d in zip(through, direct, strict=True)]
            p99 = [t.p99 - d.p99 for t, d in zip(through, direct, strict=True)]
            print(f"  {site.name}: its proxy adds to p50 {spread(p50)}, to p99 {spread(p99)}", flush=True)


def measure_quick(site: Site, wanted: Wanted, turn: int) -> dict[Kind, Latency]:
    """One load of quick requests alone."""
    out = site.folder / f"latency-{turn}.tsv"
    load = start_load(site.port, wanted, out, "--only", "new", "kept")
    load.communicate()
    assert load.returncode == 0, "the load failed"
    records = read_records(out)
    return {kind: measure_latency(r for r in records if r.kind is kind) for kind in (Kind.NEW, Kind.KEPT)}


def spread(seconds: Sequence[float]) -> str:
    """The median of what the turns gave, and the least and the most."""
    least, middle, most = (1000 * f(seconds) for f in (min, statistics.median, max))
    return f"{middle:.2f} ms ({least:.2f} … {most:.2f})"


def run_site(site: Site, wanted: Wanted, fault: str = "") -> Result:
    """A first version, then the load, and the deploys at even distances while it runs."""
    usual = "abrupt" if wanted.is_abrupt else ""
    site.deploy("v0", usual)
    assert until(lambda: is_serving(site.port), 30.0), f"{site.name} does not serve"
    out = site.folder / "records.tsv"
    with start_load(site.port, wanted, out) as load:
        time.sleep(_SETTLE_S)
        distance = max(0.0, wanted.seconds - _SETTLE_S - _TAIL_S) / wanted.deploys
        began, deploys = time.monotonic(), []
        for number in range(wanted.deploys):
            time.sleep(max(0.0, began + number * distance - time.monotonic()))
            if load.poll() is not None:
                break
            deploys.append(deploy(site, f"v{number + 1}", fault or usual))
        told, _ = load.communicate(timeout=wanted.seconds + 120)
        assert load.returncode == 0, "the load failed"
    records = read_records(out)
    server = compare(records, *read_log(site.log))
    return Result(site.name, records, deploys, measure_turns(records, deploys), server, json.loads(told))


def deploy(site: Site, version: str, fault: str) -> Deploy:
    """One deploy, timed."""
    began = time.monotonic()
    try:
        site.deploy(version, fault)
    except NotDeployed:
        return Deploy(version, began, time.monotonic(), refused=True)
    return Deploy(version, began, time.monotonic())


def start_load(port: int, wanted: Wanted, out: Path, *more: str) -> subprocess.Popen[str]:
    """The load as a process; what it prints at its end is the summary of its streams."""
    script = str(Path(__file__).with_name("loss_load.py"))
    words = ["--port", str(port), "--rate", str(wanted.rate), "--seconds", str(wanted.seconds)]
    command = [sys.executable, script, *words, "--out", str(out), "--host", HOST, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def is_serving(port: int) -> bool:
    """Whether the application answers there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
