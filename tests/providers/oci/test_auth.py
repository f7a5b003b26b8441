"""Logins: accepted, refused, missing, and never shown."""

from __future__ import annotations

import pytest

from fake_registry import FakeRegistry
from oci_errors import CANARY, fails_with
from oci_images import push_image
from oci_logins import CI
from providers.oci import faults, open_registry
from reconciler.provider import Login, Refused
from registry_twists import answer
from specs.reference import ImageRef

MANIFEST = r"/v2/shop/web/manifests/.*"


async def test_works_with_a_login(guarded: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(guarded.host, CI) as registry:
        await registry.ping()
        pushed = await push_image(registry, ref)
        assert await registry.digest(ref) == pushed
        assert await registry.tags(ref) == ("in-1",)


async def test_a_wrong_login_is_refused_with_a_remedy(guarded: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(guarded.host, Login("other", CANARY)) as registry:
        for awaited in (registry.ping(), registry.digest(ref)):
            error = await fails_with(faults.LOGIN_REFUSED, awaited)
            assert isinstance(error, Refused)
            assert error.remedy


async def test_a_missing_login_is_refused_with_a_remedy(guarded: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(guarded.host) as registry:
        error = await fails_with(faults.LOGIN_NEEDED, registry.digest(ref))
        assert isinstance(error, Refused)
        assert "auth" in error.remedy


async def test_a_missing_right_is_refused_and_the_registry_is_quoted_without_the_secret(
    guarded: FakeRegistry, ref: ImageRef
) -> None:
    said = '{"errors":[{"code":"DENIED","message":"not for ' + f"ci:{CANARY} or {CANARY}" + '\\u001b[31m"}]}'
    guarded.twist("HEAD", MANIFEST, answer(403, said, {"Content-Type": "application/json"}))
    guarded.twist("GET", MANIFEST, answer(403, said, {"Content-Type": "application/json"}))
    async with open_registry(guarded.host, CI) as registry:
        error = await fails_with(faults.RIGHT_MISSING, registry.manifests.get(ref))
        assert isinstance(error, Refused)
        assert "DENIED: not for *** or ***" in error.seen
        assert error.remedy


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/plain"])
async def test_a_refused_login_is_told_whatever_page_comes_with_it(
    guarded: FakeRegistry, ref: ImageRef, media_type: str
) -> None:
    headers = {"WWW-Authenticate": "Basic realm=x", "Content-Type": media_type}
    guarded.twist("GET", MANIFEST, answer(401, "<html>", headers), -1)
    async with open_registry(guarded.host, CI) as registry:
        await fails_with(faults.LOGIN_REFUSED, registry.manifests.get(ref))
