"""Thirty images promoted, and asked for, beside skopeo: within one registry and between two.

Ours runs as a process of its own, as `promote` would be one; the peer is one skopeo an image, one after
another and four at a time, which is how scripts use it.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from timing import Run, run

from debian_packages import GroundError, read_codename, unpack
from ground import Ground, RunningEngine
from local_registry import find_free_port, is_registry_answering
from oci_sets import put_manifest
from processes import wait_until
from providers.oci import open_registry
from specs.reference import ImageRef

IMAGES = 30
BASE, MIDDLE, OWN = 4 << 20, 1 << 20, 1 << 20
"""Bytes of the layer of all, of one that six share, and of one that is an image's own."""
_PEER = ("skopeo", "libgpgme11", "libassuan0", "libgpg-error0", "libdevmapper1.02.1")


async def push_images(host: str, folder: str) -> dict[str, str]:
    """Repository -> digest of every image."""
    pushed: dict[str, str] = {}
    base, middles = secrets.token_bytes(BASE), [secrets.token_bytes(MIDDLE) for _ in range(IMAGES // 6)]
    async with open_registry(host) as registry:
        for number in range(IMAGES):
            ref = ImageRef(host, f"{folder}/app{number}", "in-1")
            layers = [base, middles[number // 6], secrets.token_bytes(OWN)]
            pushed[ref.repository] = (await put_manifest(registry, ref, layers)).digest.text
    return pushed


def measure_promotion(ground: Ground, engine: RunningEngine, scratch: Path, times: int) -> None:
    """Print everything."""
    peer = find_skopeo()
    with second_registry(engine) as elsewhere:
        here = ground.registry.partition("/")[0]
        images = asyncio.run(push_images(here, f"bench-{secrets.token_hex(3)}"))
        for words, target in (("within one registry", here), ("between two registries", elsewhere)):
            bench = _Bench(scratch, here, target, images, peer)
            copied = bench.compare(bench.copy, bench.peer_copies, times)
            asked = bench.compare(bench.ask, bench.peer_asks, times)
            print(f"{IMAGES} images promoted {words}: {copied}", flush=True)
            print(f"{IMAGES} images, are they promoted, {words}: {asked}", flush=True)


@dataclass
class _Bench:
    scratch: Path
    source: str
    target: str
    images: dict[str, str]
    peer: tuple[Path, dict[str, str]] | None
    asked: str = ""
    """Where the last copies of ours went."""

    def compare(self, ours: Callable[[], Run], peers: Callable[[int], Run], times: int) -> str:
        """In turn; medians, and the ratio of ours to each way of the peer."""
        rounds = [(ours(), [peers(n) for n in (1, 4)] if self.peer else []) for _ in range(times + 1)][1:]
        text = f"ours {_median([one for one, _ in rounds])}"
        for index, name in enumerate(("one by one", "four at a time") if self.peer else ()):
            theirs = [peer[index] for _, peer in rounds]
            ratio = statistics.median(one.wall / peer[index].wall for one, peer in rounds)
            text += f", skopeo {name} {_median(theirs)}: ratio {ratio:.2f}"
        inside = [float((self.scratch / name).read_text()) for name in self._insides()]
        return f"{text}; without the start of the process {statistics.median(inside):.3f} s"

    def copy(self) -> Run:
        self.asked = f"to-{secrets.token_hex(4)}"
        return self._ours("copy", self.asked)

    def ask(self) -> Run:
        return self._ours("ask", self.asked)

    def peer_copies(self, at_once: int) -> Run:
        prefix = f"to-{secrets.token_hex(4)}"
        pairs = [
            f"docker://{self.source}/{repository}@{digest} docker://{self.target}/{prefix}/{repository}:copied"
            for repository, digest in self.images.items()
        ]
        words = "copy --all --src-tls-verify=false --dest-tls-verify=false"
        return self._skopeo(words, pairs, at_once, 2)

    def peer_asks(self, at_once: int) -> Run:
        targets = [
            f"docker://{self.target}/{self.asked}/{name}@{digest}" for name, digest in self.images.items()
        ]
        return self._skopeo("inspect --raw --tls-verify=false", targets, at_once, 1)

    def _skopeo(self, words: str, lines: Sequence[str], at_once: int, each: int) -> Run:
        assert self.peer is not None
        program, environment = self.peer
        (self.scratch / "lines").write_text("\n".join(lines) + "\n")
        command = f"xargs -n {each} -P {at_once} {program} --insecure-policy {words} < lines > /dev/null"
        return run(["sh", "-c", command], self.scratch, environment)

    def _ours(self, verb: str, prefix: str) -> Run:
        for name in self._insides() if verb != self._verb() else ():
            (self.scratch / name).unlink()
        task = {"source": self.source, "target": self.target, "images": self.images, "prefix": prefix}
        (self.scratch / "task.json").write_text(json.dumps(task))
        spent = str(self.scratch / f"spent-{verb}-{len(self._insides())}")
        command = [
            sys.executable,
            str(Path(__file__).with_name("promote_images.py")),
            verb,
            str(self.scratch / "task.json"),
            spent,
        ]
        return run(command, self.scratch, {"PYTHONPATH": os.pathsep.join(sys.path)})

    def _insides(self) -> list[str]:
        return sorted(path.name for path in self.scratch.glob("spent-*"))

    def _verb(self) -> str:
        return self._insides()[0].split("-")[1] if self._insides() else ""


def _median(runs: Sequence[Run]) -> str:
    wall, cpu = (statistics.median(numbers) for numbers in zip(*((r.wall, r.cpu) for r in runs), strict=True))
    return f"{wall:.2f} s ({cpu:.2f} s of processor)"


def find_skopeo() -> tuple[Path, dict[str, str]] | None:
    """The machine's own, else Debian's; None where there is none."""
    found = shutil.which("skopeo")
    if found:
        return Path(found), {}
    try:
        root = unpack(read_codename(), _PEER, ["usr/bin/skopeo"])
    except GroundError:
        return None
    libraries = [str(path) for path in (*root.glob("usr/lib/*-linux-gnu*"), *root.glob("lib/*-linux-gnu*"))]
    return root / "usr/bin/skopeo", {"LD_LIBRARY_PATH": os.pathsep.join(libraries)}


@contextmanager
def second_registry(engine: RunningEngine) -> Iterator[str]:
    """Another registry, in a container."""
    port = find_free_port()
    container = engine.cli("run", "--detach", "--publish", f"127.0.0.1:{port}:5000", "registry:2")
    try:
        wait_until(lambda: is_registry_answering(port), 20)
        yield f"127.0.0.1:{port}"
    finally:
        engine.cli("rm", "--force", "--volumes", container)
