"""Our figures beside the peers', in one run: ``make bench``. Ratios are ours divided by the peer's.

Every pair is run in turn, so that a machine whose speed drifts slows both. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from fleet import Fleet, write_fleet
from idle import measure_idle
from link import measure_link
from loop import measure_loop
from loss import SITES, Wanted, measure_bad, measure_loss, measure_proxy
from offline import measure_offline
from promotion import measure_promotion
from timing import Run, in_turn, run

from ground import Ground, RunningEngine, find_machine_engine, read_private

_ALL = [
    *("pure", "passes", "validate", "offline", "decide", "idle", "new", "ssh", "look", "drift", "rest"),
    *("loop", "promotion", "loss"),
]
COMMAND = [str(Path(sys.executable).with_name("reconciler"))]


def main() -> int:
    """Measure what the arguments name; everything by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=_ALL)
    parser.add_argument("--times", type=int, default=7, help="of each thing that the loop does")
    parser.add_argument("--removals", type=int, default=20)
    parser.add_argument("--rest", type=float, default=60.0, help="seconds that an idle loop is watched")
    parser.add_argument("--sizes", nargs="*", type=int, default=[50, 200])
    parser.add_argument("--engines", nargs="*", help="versions; all that run by default")
    parser.add_argument("--deploys", type=int, default=3, help="under load; published figures are of 20")
    parser.add_argument("--rate", type=float, default=150.0, help="requests a second; published: 500")
    parser.add_argument("--seconds", type=float, default=45.0, help="of load; published: 1200")
    parser.add_argument("--sites", nargs="*", choices=SITES, default=SITES, help="what deploys under load")
    parser.add_argument("--abrupt", action="store_true", help="an application that exits at once when asked")
    parser.add_argument("--bad", action="store_true", help="also versions that go wrong, under load")
    options = parser.parse_args()
    print(f"{os.cpu_count()} processors, Python {sys.version.split()[0]}")
    if "pure" in options.only:
        print(in_a_process("pure.py"))
    if "passes" in options.only:
        print(in_a_process("passes.py"))
    ground = find_ground()
    chosen = [e for v, e in ground.engines.items() if not options.engines or v in options.engines]
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        for engine in chosen:
            print(f"\nengine {engine.exact_version} (API {engine.api})", flush=True)
            measure_engine(engine, f"{ground.registry}/busybox:1.36", Path(scratch), options)
        if "promotion" in options.only:
            (Path(scratch) / "promotion").mkdir()
            measure_promotion(ground, chosen[-1], Path(scratch) / "promotion", options.times)
        if "offline" in options.only:
            measure_offline(COMMAND, chosen[-1].docker, chosen[-1].environment)
        if "loss" in options.only:
            measure_losses(ground, chosen[-1], Path(scratch), options)
    return 0


def find_ground() -> Ground:
    """The private engines that ``make bench`` started, else the machine's own."""
    state = os.environ.get("RECONCILER_TEST_STATE")
    if state:
        return read_private(Path(state))
    engine = find_machine_engine()
    return Ground({engine.version: engine}, "docker.io/library", None)


def measure_engine(engine: RunningEngine, image: str, scratch: Path, options: argparse.Namespace) -> None:
    """Everything that needs an engine."""
    if "validate" in options.only:
        measure_validation(engine, image, scratch / f"validate-{engine.version}")
    if "decide" in options.only:
        measure_decision(engine, image, scratch / f"decide-{engine.version}")
    if "loop" in options.only:
        measure_loop(engine, image, scratch / f"loop-{engine.version}", options.times, options.removals)
    for size in options.sizes if {"idle", "new", "ssh", "look", "drift", "rest"} & set(options.only) else ():
        fleet = write_fleet(scratch / f"fleet-{engine.version}-{size}", size, image)
        try:
            measure_fleet(engine, fleet, options.only)
            if "rest" in options.only:
                rest = measure_idle(engine, fleet, scratch / f"rest-{engine.version}-{size}", options.rest)
                print(f"a loop that keeps {size} services, nothing to do: {rest}", flush=True)
        finally:
            clear(engine, fleet)


def measure_losses(ground: Ground, engine: RunningEngine, scratch: Path, options: argparse.Namespace) -> None:
    """Deploys under load, on the newest engine alone."""
    wanted = Wanted(options.deploys, options.rate, options.seconds, options.abrupt)
    measure_loss(ground, engine, scratch / "l", wanted, options.sites)
    if options.bad:
        measure_bad(ground, engine, scratch / "b", wanted, options.sites)
    through = [name for name in options.sites if name in ("ours", "hand")]
    measure_proxy(ground, engine, scratch / "p", Wanted(0, options.rate, 10.0), through)


def measure_validation(engine: RunningEngine, image: str, folder: Path) -> None:
    """Read and check 200 services, whole processes: ours, and Compose's reading of the same."""
    fleet = write_fleet(folder, 200, image)
    peer = [engine.docker, "compose", "config", "--quiet"]
    pair = in_turn(
        lambda: run([*COMMAND, "validate"], folder, engine.environment),
        lambda: run(peer, folder, engine.environment),
        times=15,
    )
    print(
        f"{fleet.size} services read and checked: ours {words(pair.ours)}, "
        f"compose config {words(pair.peer)}: ratio {pair.ratio:.2f}",
        flush=True,
    )


def measure_decision(engine: RunningEngine, image: str, folder: Path) -> None:
    """Need 10,000 files be built? Beside a build by the builder whose cache is warm."""
    ours = float(in_a_process("decide.py", str(folder), image))
    build = [engine.docker, "buildx", "build", "--quiet", str(folder / "app")]
    peer = min((run(build, folder, engine.environment) for _ in range(4)), key=lambda r: r.wall)
    print(
        f"10,000 files, nothing to build: ours {ours * 1000:.0f} ms in a running process, "
        f"cached buildx {peer.wall * 1000:.0f} ms: ratio {ours / peer.wall:.3f}"
    )


def measure_fleet(engine: RunningEngine, fleet: Fleet, only: Sequence[str]) -> None:
    """From nothing, then with nothing to do."""

    def ours(*arguments: str) -> Run:
        return run([*COMMAND, *arguments], fleet.folder, engine.environment)

    def peer(*arguments: str) -> Run:
        return run([engine.docker, *arguments], fleet.folder, engine.environment)

    began = time.time()
    first = ours("apply", "dev")
    started = last_start(engine, f"reconciler.owner={fleet.project}/dev") - began
    began = time.time()
    first_of_peer = peer(*fleet.compose_up)
    started_by_peer = last_start(engine, f"com.docker.compose.project={fleet.peer}") - began
    if "new" in only:
        print(
            f"{fleet.size} new services, until the last one runs: ours {started:.2f} s, "
            f"compose {started_by_peer:.2f} s: rate x{started_by_peer / started:.2f}; until the command ends "
            f"(ours proves that each stays up): ours {words(first)}, compose {words(first_of_peer)}",
            flush=True,
        )
    if "look" in only:
        measure_look(engine, fleet)
    if "ssh" in only:
        measure_ssh(engine, fleet)
    if "drift" in only:
        compare(fleet, "drift", lambda: ours("drift", "dev"), lambda: peer(*fleet.compose_dry_run))
    if "idle" in only:
        for verb in ("plan", "apply"):
            compare(fleet, verb, lambda verb=verb: ours(verb, "dev"), lambda: peer(*fleet.compose_up))


def compare(fleet: Fleet, verb: str, ours: Callable[[], Run], peer: Callable[[], Run]) -> None:
    """One of our verbs with nothing to do, beside Compose's way to the same answer."""
    pair, said = in_turn(ours, peer), "compose up --dry-run" if verb == "drift" else "compose up"
    print(
        f"{fleet.size} services, {verb} with nothing to do: ours {words(pair.ours)}, "
        f"{said} {words(pair.peer)}: ratio {pair.ratio:.2f}",
        flush=True,
    )


def measure_look(engine: RunningEngine, fleet: Fleet) -> None:
    """One pass with nothing to do, in a process that runs already."""
    words = in_a_process("look.py", str(fleet.folder), str(engine.socket), **engine.environment)
    ours, bare = (float(word) for word in words.split())
    print(
        f"{fleet.size} services, one pass with nothing to do: ours {ours * 1000:.0f} ms, "
        f"bare list and inspect {bare * 1000:.0f} ms: ratio {ours / bare:.2f}",
        flush=True,
    )


def measure_ssh(engine: RunningEngine, fleet: Fleet) -> None:
    """A plan with nothing to do, with the engine at the other end of a slow link."""
    with tempfile.TemporaryDirectory(prefix="bench-ssh-") as scratch:
        pair = measure_link(engine, fleet, COMMAND, Path(scratch))
    print(
        f"{fleet.size} services over ssh with 30 ms more, plan with nothing to do: ours {words(pair.ours)}, "
        f"compose up {words(pair.peer)}: ratio {pair.ratio:.2f}",
        flush=True,
    )


def in_a_process(script: str, *arguments: str, **variables: str) -> str:
    """What a script of this folder prints. In a process of its own: a child that is started from a large one
    reports the large one's memory as its peak."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout.strip()


def last_start(engine: RunningEngine, label: str) -> float:
    """When the last container with this label was started, by the engine (on this machine): seconds since
    1970."""
    ids = engine.cli("container", "ls", "--quiet", "--filter", f"label={label}").split()
    times = engine.cli("container", "inspect", "--format", "{{.State.StartedAt}}", *ids).split()
    # nine digits after the point, of which Python takes six
    return max(datetime.fromisoformat(f"{moment[:26].rstrip('Z')}+00:00").timestamp() for moment in times)


def words(run: Run) -> str:
    """A run in words."""
    return f"{run.wall:.2f} s ({run.cpu:.2f} s of processor, {run.peak:.0f} MB)"


def clear(engine: RunningEngine, fleet: Fleet) -> None:
    """Remove both fleets, by their own labels."""
    run([engine.docker, *fleet.compose_down], fleet.folder, engine.environment)
    label = f"label=reconciler.owner={fleet.project}/dev"
    for kind in ("container", "volume", "network"):
        everything = ["--all"] if kind == "container" else []
        ids = engine.cli(kind, "ls", "--quiet", *everything, "--filter", label).split()
        if ids:
            engine.cli(kind, "rm", "--force", *ids) if kind != "network" else engine.cli(kind, "rm", *ids)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"\nmeasured in {time.monotonic() - began:.0f} s")
    sys.exit(code)
