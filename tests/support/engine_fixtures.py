"""Fixtures of what runs under a test: `engine` (each version in turn), `registry_url`, `docker_config`.

All processes of one run share one set of engines. RECONCILER_TEST_STATE names a set that is already running;
without it the first test that needs one starts it, and the run's main process stops it at the end.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import pytest

import engines
from debian_packages import GroundError
from ground import (
    MACHINE,
    VERSIONS,
    Ground,
    RunningEngine,
    can_be_private,
    read_private,
    start_on_machine,
    start_private,
    stop_on_machine,
)

STATE_VARIABLE = "RECONCILER_TEST_STATE"
RUN_VARIABLE = "RECONCILER_TEST_RUN"
ENGINE_NAMES = VERSIONS if can_be_private() else (MACHINE,)


def own_name() -> str:
    """The name of what this run itself starts, the same in all of its processes."""
    return f"reconciler-test-{os.environ[RUN_VARIABLE]}"


def start_of_run() -> None:
    os.environ.setdefault(RUN_VARIABLE, secrets.token_hex(4))


def end_of_run() -> None:
    """Stop what the run's fixtures started; to be called by its main process alone."""
    state = Path("/tmp") / own_name()
    if state.exists():
        engines.stop(state)
    if MACHINE in ENGINE_NAMES:
        stop_on_machine(own_name())


@pytest.fixture(scope="session")
def ground() -> Ground:
    """Engines and registry of this run. A machine without them fails the test and says what is missing."""
    given = os.environ.get(STATE_VARIABLE)
    try:
        if given:
            return read_private(Path(given))
        if can_be_private():
            return start_private(Path("/tmp") / own_name())
        found = start_on_machine(own_name())
    except GroundError as error:
        pytest.fail(str(error))
    print(f"tests use this machine's engine {found.engines[MACHINE].exact_version} alone", file=sys.stderr)
    return found


@pytest.fixture(scope="session", params=ENGINE_NAMES)
def engine(request: pytest.FixtureRequest, ground: Ground) -> RunningEngine:
    """A running engine: 20.10 and 26.1 in turn where they can be started."""
    return ground.engines[str(request.param)]


@pytest.fixture(scope="session")
def newest_engine(ground: Ground) -> RunningEngine:
    """One engine, the newest, for tests whose subject does not depend on the version."""
    return list(ground.engines.values())[-1]


@pytest.fixture(scope="session")
def registry_url(ground: Ground) -> str:
    """The registry's address as a URL, such as http://127.0.0.1:5000."""
    return f"http://{ground.registry}"


@pytest.fixture(scope="session")
def registry_host(ground: Ground) -> str:
    """The registry as the first part of an image reference, such as 127.0.0.1:5000."""
    return ground.registry


@pytest.fixture(scope="session")
def docker_config(ground: Ground) -> str | None:
    """A DOCKER_CONFIG folder with buildx and compose; None where the machine's own is used."""
    return ground.docker_config


@pytest.fixture(scope="session")
def docker_environment(ground: Ground) -> dict[str, str]:
    """Variables for a command that needs any engine: the newest one's."""
    return ground.environment
