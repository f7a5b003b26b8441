"""Room for what is to be pulled, and images that a rollback needs."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cli_world import SPECS, CliWorld
from providers.docker import disk
from providers.docker.disk import free_bytes, platform_of
from providers.docker.endpoint import SocketEndpoint
from providers.docker.line import SocketLine
from reconciler.cli.apply import report_apply
from reconciler.cli.status import report_status
from reconciler.cli.workspace import open_workspace
from reconciler.clients import Clients
from reconciler.look_at_storage import DAY, StorageMemory, is_somewhere
from reconciler.observed import LiveImage
from reconciler.render import format_size
from reconciler.storage import NO_STORAGE, Layer, Storage
from specs.reference import ImageRef

BASE, APP = Layer("sha256:base", 400), Layer("sha256:app", 100)


def test_layers_that_are_here_already_are_not_counted() -> None:
    storage = Storage(free=500, layers={"web@1": (BASE, APP)})
    assert storage.lacking("web@1", ()) == 500
    assert storage.lacking("web@1", [LiveImage(layers=("sha256:base",))]) is None
    assert storage.needed("web@1", [LiveImage(layers=("sha256:base",))]) == 200


def test_what_nobody_can_tell_stops_nothing() -> None:
    assert NO_STORAGE.lacking("web@1", ()) is None
    assert Storage(free=0).lacking("web@1", ()) is None
    assert replace(Storage(layers={"web@1": (BASE,)}), free=None).lacking("web@1", ()) is None


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1234, "1.2 kB"), (45_600_000, "46 MB"), (2e12, "2.0 TB")]
)
def test_sizes_are_said_as_engines_say_them(size: float, words: str) -> None:
    assert format_size(size) == words


def test_the_disk_is_asked_only_where_it_is_surely_the_engines(tmp_path: Path) -> None:
    here = SocketLine(SocketEndpoint("/run/engine.sock"))
    about = {"DockerRootDir": str(tmp_path), "Name": socket.gethostname()}
    assert (free_bytes(about, here) or 0) > 0
    assert free_bytes({**about, "Name": "another-machine"}, here) is None
    assert free_bytes({**about, "DockerRootDir": str(tmp_path / "absent")}, here) is None
    snapshotter = [["driver-type", "io.containerd.snapshotter.v1"]]
    assert free_bytes({**about, "DriverStatus": snapshotter}, here) is None  # type: ignore[dict-item] # as JSON
    assert platform_of({"OSType": "linux", "Architecture": "aarch64"}) == "linux/arm64"
    assert platform_of({}) == ""


def test_a_pull_that_cannot_fit_is_not_begun_and_what_serves_is_untouched(settled: CliWorld) -> None:
    settled.engine.ground.free = 1_000_000
    settled.registries["docker.io"].sizes["library/busybox"] = 5_000_000
    settled.publish("busybox:2")
    settled.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    running = set(settled.engine.ground.containers)
    told = settled.run(report_apply)
    assert told.exit == 4
    assert "1.0 MB free" in told.text
    assert "needs about 10 MB" in told.text
    assert "[PLAN026]" in told.text
    assert set(settled.engine.ground.containers) == running
    settled.engine.ground.free = 11_000_000
    assert settled.run(report_apply).exit == 0


def test_an_image_to_go_back_to_that_is_nowhere_is_told(settled: CliWorld) -> None:
    first = ImageRef.parse("busybox:1.36")
    digest = settled.registries["docker.io"].find(first)
    assert digest is not None
    settled.publish("busybox:2")
    settled.repository.commit({"specs/shop.yaml": SPECS.replace("busybox:1.36", "busybox:2")})
    assert settled.run(report_apply).exit == 0
    settled.registries["docker.io"].forget(first.with_digest(digest))
    (kept,) = [
        c.name for c in settled.engine.ground.containers.values() if "_cache_" in c.name and "kept" in c.name
    ]
    assert not settled.run(report_status).problems, "its container keeps its image"
    settled.engine.hand.remove(kept)
    settled.engine.hand.prune_images()
    (warned,) = settled.run(report_status).problems
    assert (warned.code, warned.severity, warned.subject) == ("PLAN027", "warning", "Service cache")
    assert settled.run(report_apply).exit == 0, "what runs is well"


async def test_an_image_that_was_there_is_asked_for_again_a_day_later(shop: CliWorld) -> None:
    memory = StorageMemory()
    registry = shop.registries["docker.io"]
    digest = registry.find(ImageRef.parse("busybox:1.36"))
    image = ImageRef.parse("busybox:1.36").with_digest(digest) if digest else ImageRef.parse("busybox")
    asked = [await is_somewhere(str(image), at, clients_of(shop), memory) for at in (0.0, 1.0)]
    registry.forget(image)
    asked += [await is_somewhere(str(image), at, clients_of(shop), memory) for at in (DAY - 1, DAY + 1)]
    assert asked == [True, True, True, False]


def clients_of(shop: CliWorld) -> Clients:
    return shop.clients(open_workspace(shop.options("plan")))


def test_nothing_of_ours_removes_an_image() -> None:
    sources = [path.read_text() for path in Path(disk.__file__).parent.rglob("*.py")]
    assert not [text for text in sources if "/images/prune" in text or '"DELETE", f"/images' in text]
