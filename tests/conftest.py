"""What every test finds: the fixtures of engines and registry, and the check of what is under test."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

import order_of_tests
import specs
from engine_fixtures import (
    docker_config,
    docker_environment,
    end_of_run,
    engine,
    ground,
    newest_engine,
    registry_host,
    registry_url,
    start_of_run,
)

__all__ = [
    "docker_config",
    "docker_environment",
    "engine",
    "ground",
    "newest_engine",
    "registry_host",
    "registry_url",
]


def pytest_configure(config: pytest.Config) -> None:
    """Where the installed wheel is to be tested, refuse to test a source folder by accident."""
    start_of_run()
    installed = Path(specs.__file__).is_relative_to(sys.prefix)
    if os.environ.get("RECONCILER_TEST_INSTALLED") and not installed:
        pytest.exit(
            f"the tests import {specs.__file__}, not the installed wheel; run `make setup`", returncode=1
        )


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Where several processes share the tests, say which belong together and in which order they begin."""
    if not hasattr(config, "workerinput"):
        return (yield)
    order_of_tests.group_by_fixtures(items)
    yield
    items[:] = order_of_tests.mix(items)
    return None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        end_of_run()
