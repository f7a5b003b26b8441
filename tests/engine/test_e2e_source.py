"""The loop and a source that cannot be trusted, on a real engine: who signed, and what was rewritten."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e import Site
from ground import RunningEngine
from signers import SshSigner, signed_commit

pytestmark = pytest.mark.engine


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for it; AssertionError when it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not happen"
        time.sleep(0.05)


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@pytest.fixture(name="begin")
def _begin(site: Site) -> Iterator[Callable[[], Path]]:
    """Starts a loop over the site's repository; where its log is."""
    signers, log = site.folder / "allowed", site.folder / "loop.log"
    repository = {
        "name": "shop",
        "folder": str(site.repository.path),
        "poll": "200ms",
        "signatures": {"allowed_signers": str(signers)},
        "endpoints": {"dev": f"unix://{site.engine.socket}"},
        "bounds": {"project": site.project},
    }
    head = {"apiVersion": "reconciler/v1", "kind": "Run", "metadata": {"name": "main"}}
    document = {**head, "spec": {"repositories": [repository], "resync": "20s"}}
    (site.folder / "run.yaml").write_text(json.dumps(document))
    running: list[subprocess.Popen[bytes]] = []

    def begin() -> Path:
        end()
        command = [str(Path(sys.executable).with_name("reconciler")), "run", "--config"]
        with log.open("a") as stream:
            process = subprocess.Popen(
                [*command, str(site.folder / "run.yaml")], env=site.variables, stdout=stream, stderr=stream
            )
        running.append(process)
        return log

    def end() -> None:
        while running:
            process = running.pop()
            process.terminate()
            process.wait(60)

    yield begin
    end()


def test_only_signed_history_that_goes_on_is_deployed(
    site: Site, begin: Callable[[], Path], tmp_path: Path
) -> None:
    ann, repository = SshSigner.make(tmp_path / "keys", "ann"), site.repository
    (site.folder / "allowed").write_text(ann.allowed_line)

    def push(version: str) -> str:
        site.service("web", environment={"VERSION": version})
        return signed_commit(repository, ann)

    def runs(version: str) -> bool:
        live = site.live("web")
        if len(live) != 1:
            return False
        return f"VERSION={version}" in site.containers("web")[next(iter(live))]["Config"]["Env"]

    base = signed_commit(repository, ann)
    push("1")
    log = begin()
    until(lambda: runs("1"))

    # what is not signed is not deployed; a process that begins now heals what was
    site.service("web", environment={"VERSION": "2"})
    unsigned = site.commit()
    until(lambda: f"commit {unsigned}" in log.read_text())
    begin()
    site.hand("rm", "--force", site.one("web"))
    until(lambda: runs("1"))

    # what is signed, and rewritten, is held; a person accepts it
    repository.git("reset", "-q", "--hard", base)
    push("3")
    until(lambda: "POL031" in log.read_text())
    assert runs("1")
    asked = site.run("adopt", "dev", exits=4)
    found = re.search(r"--confirm=([0-9a-f]+)", asked.out)
    assert found is not None
    site.run("adopt", "dev", found[0])
    until(lambda: runs("3"))
