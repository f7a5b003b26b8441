"""The loop as a service: ready, watched, told of another file, and ended in the middle of something."""

from __future__ import annotations

import json
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import Site
from ground import RunningEngine
from warm_command import Started

pytestmark = pytest.mark.engine

STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for it; AssertionError when it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not happen"
        time.sleep(0.05)


def write_run_file(site: Site, **words: object) -> Path:
    repository = {"name": "shop", "folder": str(site.repository.path), "poll": "200ms", "bounds": "any"}
    spec = {"repositories": [repository], "resync": "5s", **words}
    document = {"apiVersion": "reconciler/v1", "kind": "Run", "metadata": {"name": "main"}, "spec": spec}
    path = site.folder / "run.yaml"
    path.write_text(json.dumps(document))
    return path


def started(site: Site, path: Path, **variables: str) -> Started:
    endpoint = f"unix://{site.engine.socket}"
    return site.start("run", "--config", str(path), RECONCILER_ENDPOINT_DEV=endpoint, **variables)


def ended(process: Started, seconds: float) -> str:
    """All that it said."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    return out + err


class Lines:
    """The JSON objects that a process prints, one a line, as they come."""

    def __init__(self, process: Started) -> None:
        self._found: queue.Queue[str] = queue.Queue()
        assert process.stdout is not None
        self._stream = process.stdout
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._stream:
            self._found.put(line)

    def next(self, seconds: float = 20.0) -> dict[str, Any]:
        """The next one. Raises queue.Empty."""
        found: dict[str, Any] = json.loads(self._found.get(timeout=seconds))
        return found


def version(site: Site) -> str | None:
    live = site.live("web")
    if len(live) != 1:
        return None
    variables = site.containers("web")[next(iter(live))]["Config"]["Env"]
    return dict(v.split("=", 1) for v in variables).get("VERSION")


def is_stopping(site: Site) -> bool:
    """The old one has been set aside and is being stopped: it does not listen."""
    kept = [c for c in site.containers("web").values() if c["Name"].endswith("_kept")]
    return any(c["State"]["Running"] for c in kept)


def has_settled(site: Site) -> bool:
    loop = site.run("status", "dev", "--json").json["loop"] or {}
    return loop.get("result") == "settled" and loop.get("settled_at") is not None


def test_a_step_that_was_begun_is_finished_and_a_second_signal_ends_at_once(site: Site) -> None:
    site.service("web", STUBBORN, environment={"VERSION": "1"}, stop_grace_period="3s")
    site.commit()
    path = write_run_file(site)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(site.folder / "notify"))
        heard.settimeout(20.0)
        process = started(site, path, NOTIFY_SOCKET=str(site.folder / "notify"), WATCHDOG_USEC="3000000")
        try:
            assert heard.recv(100) == b"READY=1"
            assert heard.recv(100) == b"WATCHDOG=1"
            until(lambda: has_settled(site))
            assert version(site) == "1"
            site.service("web", STUBBORN, environment={"VERSION": "2"}, stop_grace_period="3s")
            site.commit()
            until(lambda: is_stopping(site))
            process.send_signal(signal.SIGTERM)
        finally:
            said = ended(process, 60.0)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert not is_stopping(site), "the step that was begun is done"
    site.run("apply", "dev", "--timeout", "60s")  # nobody holds the lease
    assert version(site) == "2"

    process = started(site, path)
    try:
        until(lambda: has_settled(site))
        site.service("web", STUBBORN, environment={"VERSION": "3"}, stop_grace_period="1s")
        site.commit()
        until(lambda: is_stopping(site))
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)  # of two signals of one kind at once only one is heard
        process.send_signal(signal.SIGTERM)
    finally:
        said = ended(process, 60.0)
    assert process.returncode == 128 + signal.SIGTERM, f"not 0, as when what was begun is finished: {said}"


def test_the_status_is_shown_as_it_changes(site: Site) -> None:
    site.service("web", environment={"VERSION": "1"})
    site.commit()
    site.apply()
    watching = site.start("status", "dev", "--watch", "--json")
    try:
        lines = Lines(watching)
        first = lines.next()
        assert [s["state"] for s in first["services"]] == ["settled"]
        site.hand("rm", "--force", site.one("web"))
        began = time.monotonic()
        gone = lines.next()
        assert gone["services"][0]["replicas"] == {"desired": 1, "ready": 0}
        assert time.monotonic() - began < 4.0, "by the engine's event, not by the slow tick"
        site.apply()
        seen = lines.next()
        while seen["services"][0]["state"] != "settled":
            seen = lines.next()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10.0) == 130
    finally:
        watching.kill()
        watching.wait()
