"""An owner of its own on a real engine, swept away afterwards."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator

import pytest

from ground import RunningEngine
from place import Place, digest_of
from providers.docker import DockerRuntime
from reconciler.ownership import Owner
from specs.reference import ImageRef


@pytest.fixture
async def place(engine: RunningEngine, registry_host: str) -> AsyncIterator[Place]:
    image = ImageRef.parse(f"{registry_host}/busybox").with_digest(
        digest_of(registry_host, "busybox", "1.36")
    )
    runtime = DockerRuntime(engine.docker_host)
    found = Place(engine, runtime, Owner(f"dk-{secrets.token_hex(3)}", "dev"), image)
    await runtime.pull(image, None)
    try:
        yield found
    finally:
        await runtime.close()
        found.clean()


@pytest.fixture
def free_port() -> int:
    """A TCP port of the loopback address that nothing held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
