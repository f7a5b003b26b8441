"""The loop beside doco-cd: a push, a removal, an edit in place; on the same engine, in turn."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keepers import DocoCd, Keeper, Ours, Receiving, moment

from engine_socket import request
from ground import RunningEngine

_KINDS = {
    "plain": "the old container stops when asked",
    "deaf": "the old container ignores its stop signal",
    "built": "with a rebuild",
}
_STEPS = ("read", "build", "pull", "create")
_JSON = {"Content-Type": "application/json"}
_PEER = "RECONCILER_BENCH_DOCO_CD"


@dataclass(frozen=True)
class Spread:
    """Seconds."""

    values: Sequence[float]
    lost: int = 0
    """Times that it did not happen."""

    @property
    def p50(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        return sorted(self.values)[max(0, round(0.95 * len(self.values)) - 1)]

    def __str__(self) -> str:
        lost = f", {self.lost} of {self.lost + len(self.values)} never" if self.lost else ""
        return f"p50 {self.p50:.3f} s p95 {self.p95:.3f} s{lost}" if self.values else f"never ({self.lost})"


def measure_loop(engine: RunningEngine, image: str, folder: Path, times: int, removals: int) -> None:
    """All of it; the peer only where its binary is named."""
    folder.mkdir()
    keepers: list[Callable[[RunningEngine, str, Path], Keeper]] = [Ours]
    if os.environ.get(_PEER):
        keepers.append(DocoCd)
    else:
        print(f"no doco-cd: name its binary in {_PEER}")
    for kind, words in _KINDS.items():
        places = [folder / f"{kind}-{number}" for number in range(len(keepers))]
        ones = [keeper(engine, image, place) for keeper, place in zip(keepers, places, strict=True)]
        _print(f"webhook to running, {words}", [_pushes(one, times, kind) for one in ones])
    _print(
        "push straight to it, until running",
        [_pushes(Receiving(engine, image, folder / "d"), times, "plain")],
    )
    pairs = [_removals(kind(engine, image, folder / f"r{n}"), removals) for n, kind in enumerate(keepers)]
    _print("removed by hand to running", [spread for spread, _ in pairs])
    spread, bare = pairs[0]
    print(
        f"  ours beside create and start of the same container alone ({bare}): "
        f"p50 x{spread.p50 / bare.p50:.2f}, p95 x{spread.p95 / bare.p95:.2f}",
        flush=True,
    )
    edits = _edits(Ours(engine, image, folder / "e"), times)
    _print("edited in place (restart policy, network) to mended", [edits])


def _print(what: str, spreads: Sequence[Spread]) -> None:
    ours, *peers = spreads
    words = f"{what}: ours {ours}"
    for peer in peers:
        ratio = f": ratio {ours.p50 / peer.p50:.2f}" if peer.values and ours.values else ""
        words += f", doco-cd {peer}{ratio}"
    print(words, flush=True)


def _pushes(keeper: Keeper, times: int, kind: str) -> Spread:
    """From the webhook until the engine says that the new container started."""
    found: list[float] = []
    phases: dict[str, list[float]] = {}
    with keeper:
        try:
            _begin(keeper, kind)
        except TimeoutError as error:
            print(f"  {error}")
            return Spread([], times)
        for number in range(1, times + 1):
            commit = keeper.push(str(number), kind)
            told = time.time()
            keeper.announce(commit)
            found.append(keeper.wait(str(number)) - told)
            time.sleep(18 if kind == "deaf" else 6)  # until the old one is gone and the new one is proved
            for name, at in keeper.phases().items():
                phases.setdefault(name, []).append(at - told)
    if kind == "built" and phases:
        steps = ", ".join(
            f"{name} {statistics.median(phases[name]):.2f} s" for name in _STEPS if name in phases
        )
        print(f"  ours, since the webhook: {steps}", flush=True)
    return Spread(found)


def _removals(keeper: Keeper, times: int) -> tuple[Spread, Spread]:
    """From the end of ``docker rm --force`` until the engine says that another container started, 3 s apart;
    and create and start of the same container by nobody but us, in turn with it."""
    found: list[float] = []
    bare: list[float] = []
    lost = 0
    with keeper:
        _begin(keeper, "plain")
        for number in range(times):
            container = keeper.containers()[0]
            bare.append(_create_and_start(keeper.engine, container, f"bench-bare-{number}"))
            time.sleep(0.5)
            old = container["Id"]
            request(keeper.engine.socket, "DELETE", f"/containers/{old}?force=true")
            removed = time.time()
            try:
                found.append(keeper.wait("0", old, seconds=20) - removed)
            except TimeoutError:
                lost += 1
            time.sleep(max(0.0, 3 - (time.time() - removed)))
    return Spread(found, lost), Spread(bare)


def _create_and_start(engine: RunningEngine, like: Any, name: str) -> float:
    """Seconds until a container like this one, without its labels, was started."""
    wanted = {**like["Config"], "Labels": {}, "Hostname": "", "HostConfig": like["HostConfig"]}
    networks = {network: {} for network in like["NetworkSettings"]["Networks"]}
    body = json.dumps({**wanted, "NetworkingConfig": {"EndpointsConfig": networks}}).encode()
    began = time.time()
    status, answer = request(engine.socket, "POST", f"/containers/create?name={name}", body, _JSON)
    assert status == 201, answer
    request(engine.socket, "POST", f"/containers/{name}/start")
    _, state = request(engine.socket, "GET", f"/containers/{name}/json")
    request(engine.socket, "DELETE", f"/containers/{name}?force=true&v=true")
    return moment(json.loads(state)["State"]["StartedAt"]) - began


def _edits(keeper: Keeper, times: int) -> Spread:
    """From an edit by hand until what it changed is as it was."""
    found: list[float] = []
    with keeper:
        _begin(keeper, "plain")
        for number in range(times):
            container = keeper.containers()[0]
            target, network = container["Id"], next(iter(container["NetworkSettings"]["Networks"]))
            edits: list[tuple[str, dict[str, object]]] = [
                (f"/containers/{target}/update", {"RestartPolicy": {"Name": "no"}}),
                (f"/networks/{network}/disconnect", {"Container": target}),
            ]
            path, body = edits[number % 2]
            request(keeper.engine.socket, "POST", path, json.dumps(body).encode(), _JSON)
            edited = time.monotonic()
            while not _is_whole(keeper, target, network):
                assert time.monotonic() - edited < 30, "an edit is not mended"
                time.sleep(0.01)
            found.append(time.monotonic() - edited)
            time.sleep(2)
    return Spread(found)


def _is_whole(keeper: Keeper, target: str, network: str) -> bool:
    return any(
        c["Id"] == target
        and c["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
        and network in c["NetworkSettings"]["Networks"]
        for c in keeper.containers()
    )


def _begin(keeper: Keeper, kind: str) -> None:
    """A first version, running and at rest."""
    commit = keeper.push("0", kind)
    keeper.start()
    time.sleep(2)
    keeper.announce(commit)
    keeper.wait("0")
    time.sleep(10)
