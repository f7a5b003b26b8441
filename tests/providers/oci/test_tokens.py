"""Tokens: what is asked for, how long they are used, what happens when they are refused."""

from __future__ import annotations

import asyncio

import pytest

from fake_registry import FakeRegistry
from oci_errors import CANARY, fails_with
from oci_images import content_of, describe, push_image
from oci_logins import CI, ci_login, open_with
from providers.oci import faults, open_registry
from providers.oci.credentials import Credential, IdentityToken
from reconciler.provider import Login, Refused
from registry_twists import answer
from specs.reference import ImageRef

TOKEN = "/token"
MANIFEST = r"/v2/shop/web/manifests/.*"


async def test_tokens_for_everybody(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.login = None
    async with open_registry(bearer.host) as registry:
        await registry.ping()
        assert await registry.digest(ref) is None
    assert all(seen.authorization is None for seen in bearer.seen if seen.path == TOKEN)


async def test_a_token_request_names_service_and_scope(bearer: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await registry.digest(ref)
    asked = [seen.query for seen in bearer.seen if seen.path == TOKEN]
    assert asked == ["service=fake&scope=repository:shop/web:pull"]


async def test_one_token_for_all_who_need_it(bearer: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await asyncio.gather(*(registry.digest(ref) for _ in range(20)))
    assert bearer.count("GET", TOKEN) == 1
    assert bearer.count("GET", "/v2/") == 1


async def test_a_mount_asks_for_two_scopes(bearer: FakeRegistry, ref: ImageRef) -> None:
    layer = b"layer"
    bearer.put_blob("shop/source", layer)
    async with open_registry(bearer.host, CI) as registry:
        placed = await registry.blobs.place(ref, describe("x/y", layer), content_of(layer), "shop/source")
    assert placed == "mounted"
    asked = [seen.query for seen in bearer.seen if seen.path == TOKEN]
    assert bearer.count("POST", ".*") == 1
    assert "service=fake&scope=repository:shop/source:pull&scope=repository:shop/web:pull,push" in asked


async def test_scopes_that_the_challenge_adds_are_asked_for_too(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.extra_scope = "registry:catalog:*"
    async with open_registry(bearer.host, CI) as registry:
        bearer.twist("HEAD", MANIFEST, answer(401, headers={"WWW-Authenticate": _challenge(bearer)}))
        assert await registry.digest(ref) is None
    assert "scope=registry:catalog:" in [seen.query for seen in bearer.seen if seen.path == TOKEN][-1]


def _challenge(fake: FakeRegistry) -> str:
    return f'Bearer realm="{fake.url}/token",service="fake",scope="registry:catalog:*"'


async def test_the_token_may_be_called_access_token(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.grant = {"token": None, "access_token": "?"}
    async with open_registry(bearer.host, CI) as registry:
        assert await registry.digest(ref) is None


@pytest.mark.parametrize(
    ("grant", "kept", "renewed"),
    [
        ({}, 289, 291),
        ({"expires_in": None}, 49, 51),
        ({"expires_in": 10}, 7, 9),
        ({"expires_in": "x"}, 49, 51),
    ],
)
async def test_a_token_is_renewed_before_it_expires(
    bearer: FakeRegistry, ref: ImageRef, grant: dict[str, object], kept: float, renewed: float
) -> None:
    bearer.grant, now = grant, 1000.0
    async with open_with(bearer.host, ci_login, lambda: now) as registry:
        await registry.digest(ref)
        now = 1000 + kept
        await registry.digest(ref)
        assert bearer.count("GET", TOKEN) == 1
        now = 1000 + renewed
        await registry.digest(ref)
        assert bearer.count("GET", TOKEN) == 2


async def test_a_token_that_was_revoked_is_renewed_once(bearer: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await registry.digest(ref)
        bearer.tokens.clear()
        assert await asyncio.gather(*(registry.digest(ref) for _ in range(5))) == [None] * 5
    assert bearer.count("GET", TOKEN) == 2


async def test_tokens_that_are_never_accepted_end_in_a_refusal(bearer: FakeRegistry, ref: ImageRef) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await registry.ping()
        bearer.twist("HEAD", MANIFEST, answer(401, headers={"WWW-Authenticate": _challenge(bearer)}), -1)
        await fails_with(faults.LOGIN_REFUSED, registry.digest(ref))
        assert bearer.count("HEAD", MANIFEST) == 2


async def test_a_login_that_was_rotated_is_found_again(guarded: FakeRegistry, ref: ImageRef) -> None:
    answers = [Login("ci", "an older password"), CI]

    async def rotate() -> Credential:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async with open_with(guarded.host, rotate) as registry:
        assert await registry.digest(ref) is None


async def test_an_identity_token_is_posted_as_a_refresh_token(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.refresh_token = CANARY

    async def source() -> Credential:
        return IdentityToken(CANARY)

    async with open_with(bearer.host, source) as registry:
        await push_image(registry, ref)
    assert bearer.count("GET", TOKEN) == 0
    assert all(seen.query == "" for seen in bearer.seen if seen.path == TOKEN)
    assert CANARY not in str(bearer.seen)


@pytest.mark.parametrize(
    "text", ["", "<html>", "[]", "{}", '{"token": ""}', '{"token": "a b"}', '{"token": "a\\r\\nX: y"}']
)
async def test_an_answer_without_a_usable_token_may_pass(
    bearer: FakeRegistry, ref: ImageRef, text: str
) -> None:
    bearer.twist("GET", TOKEN, answer(200, text))
    async with open_registry(bearer.host, CI) as registry:
        error = await fails_with(faults.TOKEN_UNUSABLE, registry.digest(ref))
        assert not isinstance(error, Refused)
        assert await registry.digest(ref) is None


async def test_a_token_service_that_is_down_or_busy_may_pass(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.twist("GET", TOKEN, answer(429, headers={"Retry-After": "3"}))
    bearer.twist("GET", TOKEN, answer(500, CANARY))
    async with open_registry(bearer.host, CI) as registry:
        error = await fails_with(faults.THROTTLED, registry.digest(ref))
        assert error.retry_after == 3
        await fails_with(faults.SERVER_ERROR, registry.digest(ref))
        assert await registry.digest(ref) is None


async def test_a_credential_is_asked_for_once_for_all(guarded: FakeRegistry, ref: ImageRef) -> None:
    asked = 0

    async def source() -> Credential:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return CI

    async with open_with(guarded.host, source) as registry:
        await asyncio.gather(*(registry.digest(ref.with_tag(f"t{number}")) for number in range(10)))
        await registry.put_inputs(ref, b"{}")
    assert asked == 1


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_token_service_that_says_no_is_a_refusal(
    bearer: FakeRegistry, ref: ImageRef, status: int
) -> None:
    bearer.twist("GET", TOKEN, answer(status, CANARY), -1)
    async with open_registry(bearer.host, CI) as registry:
        await fails_with(faults.LOGIN_REFUSED, registry.digest(ref))
    async with open_registry(bearer.host) as registry:
        await fails_with(faults.LOGIN_NEEDED, registry.digest(ref))


async def test_an_identity_token_that_lapsed_is_a_refusal(bearer: FakeRegistry, ref: ImageRef) -> None:
    async def source() -> Credential:
        return IdentityToken(CANARY)

    async with open_with(bearer.host, source) as registry:
        await fails_with(faults.LOGIN_REFUSED, registry.digest(ref))
