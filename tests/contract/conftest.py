"""The runtimes that every contract test runs against: the engine in memory and each real one."""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator

import pytest

from engine_fixtures import ENGINE_NAMES
from reconciler.ownership import Owner
from runtime_subject import MemorySubject, RuntimeSubject


@pytest.fixture(
    params=["memory", *(pytest.param(n, marks=pytest.mark.engine, id=f"docker-{n}") for n in ENGINE_NAMES)]
)
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[RuntimeSubject]:
    """A runtime with an owner of its own; what the test leaves is removed."""
    owner = Owner(f"contract-{secrets.token_hex(3)}", "dev")
    if request.param == "memory":
        yield MemorySubject(owner)
        return
    # A machine without an engine can still hold the engine in memory to the contract.
    from docker_subject import DockerSubject

    ground = request.getfixturevalue("ground")
    docker = DockerSubject(owner, ground.engines[request.param], ground.registry)
    try:
        yield docker
    finally:
        await docker.runtime.close()
        docker.clean()


@pytest.fixture
def free_port() -> int:
    """A TCP port that nothing held a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
