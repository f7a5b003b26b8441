"""Fixtures of the registry client: a fake registry, another origin, a client that is closed afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fake_registry import FakeRegistry
from oci_errors import CANARY, assert_no_canary
from providers.oci import OciRegistry, open_registry
from specs.reference import ImageRef


@pytest.fixture
async def fake() -> AsyncIterator[FakeRegistry]:
    async with FakeRegistry() as registry:
        yield registry


@pytest.fixture
async def elsewhere() -> AsyncIterator[FakeRegistry]:
    """A server on another origin, which should get no credential."""
    async with FakeRegistry() as registry:
        yield registry


@pytest.fixture
async def registry(fake: FakeRegistry) -> AsyncIterator[OciRegistry]:
    async with open_registry(fake.host) as client:
        yield client


@pytest.fixture
def ref(fake: FakeRegistry) -> ImageRef:
    return ImageRef(fake.host, "shop/web", "in-1")


@pytest.fixture(params=["basic", "bearer"])
def guarded(fake: FakeRegistry, request: pytest.FixtureRequest) -> FakeRegistry:
    fake.mode, fake.login = request.param, ("ci", CANARY)
    return fake


@pytest.fixture
def bearer(fake: FakeRegistry) -> FakeRegistry:
    fake.mode, fake.login = "bearer", ("ci", CANARY)
    return fake


@pytest.fixture(autouse=True)
def _silent(caplog: pytest.LogCaptureFixture) -> object:
    caplog.set_level("DEBUG")
    yield
    assert_no_canary(caplog.text)
