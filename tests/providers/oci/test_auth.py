"""Logins and tokens: what is asked for, what is sent where, and that no secret shows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from fake_registry import FakeRegistry, answer
from oci_errors import CANARY, fails_with
from oci_images import content_of, describe, push_image
from providers.oci import OciRegistry, faults, open_registry
from providers.oci.auth import Authorizer
from providers.oci.client import Client
from providers.oci.credentials import Credential, IdentityToken
from providers.oci.transport import Deadlines, Transport
from reconciler.provider import Login, Refused
from specs.reference import ImageRef

CI = Login("ci", CANARY)
TOKEN = "/token"
MANIFEST = r"/v2/shop/web/manifests/.*"


@pytest.fixture(params=["basic", "bearer"])
def guarded(fake: FakeRegistry, request: pytest.FixtureRequest) -> FakeRegistry:
    fake.mode, fake.login = request.param, ("ci", CANARY)
    return fake


@pytest.fixture
def bearer(fake: FakeRegistry) -> FakeRegistry:
    fake.mode, fake.login = "bearer", ("ci", CANARY)
    return fake


def open_with(
    host: str, source: Callable[[], Awaitable[Credential | None]], clock: Callable[[], float] | None = None
) -> OciRegistry:
    """A client whose credential comes from a function and whose tokens age by a clock."""
    transport = Transport(Deadlines())
    authorizer = Authorizer(transport, source, clock) if clock else Authorizer(transport, source)
    return OciRegistry(Client(host, transport, authorizer, True))


async def ci_login() -> Credential:
    return CI


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


async def test_tokens_for_everybody(bearer: FakeRegistry, ref: ImageRef) -> None:
    bearer.login = None
    async with open_registry(bearer.host) as registry:
        await registry.ping()
        assert await registry.digest(ref) is None
    assert all(seen.authorization is None for seen in bearer.seen if seen.path == TOKEN)


async def test_the_first_look_is_anonymous_and_a_login_goes_only_where_asked(
    bearer: FakeRegistry, ref: ImageRef
) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await registry.digest(ref)
    assert bearer.seen[0].authorization is None
    for seen in bearer.seen[1:]:
        kind = (seen.authorization or "").partition(" ")[0]
        assert kind == ("Basic" if seen.path == TOKEN else "Bearer")


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
        assert await registry.blobs.mount(ref, describe("x/y", layer).digest, "shop/source")
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


async def test_an_identity_token_is_no_basic_login(fake: FakeRegistry, ref: ImageRef) -> None:
    fake.mode, fake.login = "basic", ("ci", CANARY)

    async def source() -> Credential:
        return IdentityToken(CANARY)

    async with open_with(fake.host, source) as registry:
        await fails_with(faults.LOGIN_REFUSED, registry.digest(ref))
    assert all(seen.authorization is None for seen in fake.seen)


@pytest.mark.parametrize(
    "realm", ["http://auth.example/token", "ftp://a/", "token", "http://ci:word@127.0.0.1/"]
)
async def test_a_realm_that_is_not_safe_gets_no_login(
    bearer: FakeRegistry, ref: ImageRef, realm: str
) -> None:
    bearer.realm = realm
    async with open_registry(bearer.host, CI) as registry:
        error = await fails_with(faults.REALM_REFUSED, registry.digest(ref))
        assert isinstance(error, Refused)


async def test_a_realm_on_another_loopback_port_is_asked(
    bearer: FakeRegistry, elsewhere: FakeRegistry, ref: ImageRef
) -> None:
    bearer.realm, elsewhere.tokens, elsewhere.login = (
        f"{elsewhere.url}/token?tenant=1",
        bearer.tokens,
        bearer.login,
    )
    async with open_registry(bearer.host, CI) as registry:
        assert await registry.digest(ref) is None
    assert elsewhere.seen[0].query == "tenant=1&service=fake&scope=repository:shop/web:pull"


async def test_no_credential_follows_a_redirect_to_another_origin(
    guarded: FakeRegistry, elsewhere: FakeRegistry, ref: ImageRef
) -> None:
    layer = b"layer"
    elsewhere.put_blob("store", layer)
    descriptor = describe("x/y", layer)
    back = f"{guarded.url}/v2/shop/web/blobs/{descriptor.digest}"
    async with open_registry(guarded.host, CI) as registry:
        await registry.blobs.put(ref, descriptor, content_of(layer))
        away = {"Location": f"{elsewhere.url}/v2/store/blobs/{descriptor.digest}"}
        guarded.twist("GET", r".*/blobs/sha256:.*", answer(307, headers=away), times=2)
        assert await registry.blobs.read(ref, descriptor, 10) == layer
        elsewhere.twist("GET", r".*/blobs/sha256:.*", answer(307, headers={"Location": back}))
        guarded.seen.clear()
        await fails_with(faults.LOGIN_REFUSED, registry.blobs.read(ref, descriptor, 10))
    assert [seen.authorization for seen in elsewhere.seen] == [None, None]
    returned = [seen for seen in guarded.seen if "/blobs/" in seen.path][1]
    assert returned.authorization is None


async def test_no_credential_follows_a_next_page_that_a_redirect_led_to(
    guarded: FakeRegistry, elsewhere: FakeRegistry, ref: ImageRef
) -> None:
    page = r"/v2/shop/web/tags/list"
    link = {"Link": '</v2/shop/web/tags/list?last=a>; rel="next"', "Content-Type": "application/json"}
    elsewhere.twist("GET", page, answer(200, '{"tags": ["a"]}', link))
    async with open_registry(guarded.host, CI) as registry:
        await registry.ping()
        guarded.twist(
            "GET", page, answer(307, headers={"Location": f"{elsewhere.url}/v2/shop/web/tags/list"})
        )
        await fails_with(faults.PAGE_ELSEWHERE, registry.tags(ref))
    assert [seen.authorization for seen in elsewhere.seen] == [None]


async def test_a_registry_that_sends_all_reads_elsewhere_works_without_a_login(
    fake: FakeRegistry, elsewhere: FakeRegistry, ref: ImageRef
) -> None:
    elsewhere.twist("GET", "/v2/", answer(401, headers={"WWW-Authenticate": "Basic"}), -1)
    away = {"Location": f"{elsewhere.url}/v2/"}
    fake.twist("GET", "/v2/", answer(307, headers=away), -1)
    fake.put_manifest("shop/web", "in-1", "application/vnd.oci.image.manifest.v1+json", b"{}")
    async with open_registry(fake.host, CI) as registry:
        assert await registry.digest(ref) is not None
    assert all(seen.authorization is None for seen in [*fake.seen, *elsewhere.seen])


async def test_a_challenge_of_another_origin_gets_no_credential(
    guarded: FakeRegistry, elsewhere: FakeRegistry, ref: ImageRef
) -> None:
    elsewhere.mode, elsewhere.login = guarded.mode, ("ci", CANARY)
    async with open_registry(guarded.host, CI) as registry:
        await registry.ping()
        away = {"Location": f"{elsewhere.url}{'/v2/shop/web/manifests/in-1'}"}
        guarded.twist("HEAD", MANIFEST, answer(307, headers=away))
        await fails_with(faults.LOGIN_REFUSED, registry.digest(ref))
    assert [seen.authorization for seen in elsewhere.seen] == [None]


async def test_an_unknown_kind_of_login_is_refused(fake: FakeRegistry, ref: ImageRef) -> None:
    fake.twist("GET", "/v2/", answer(401, headers={"WWW-Authenticate": "Negotiate"}), -1)
    async with open_registry(fake.host, CI) as registry:
        await fails_with(faults.CHALLENGE_UNKNOWN, registry.ping())


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


@pytest.mark.parametrize("media_type", ["text/html", "application/json", "text/plain"])
async def test_a_refused_login_is_told_whatever_page_comes_with_it(
    guarded: FakeRegistry, ref: ImageRef, media_type: str
) -> None:
    headers = {"WWW-Authenticate": "Basic realm=x", "Content-Type": media_type}
    guarded.twist("GET", MANIFEST, answer(401, "<html>", headers), -1)
    async with open_registry(guarded.host, CI) as registry:
        await fails_with(faults.LOGIN_REFUSED, registry.manifests.get(ref))


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
