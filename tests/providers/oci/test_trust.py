"""What is sent to whom: a login and a token go only where they belong."""

from __future__ import annotations

import pytest

from fake_registry import FakeRegistry
from oci_errors import CANARY, fails_with
from oci_images import content_of, describe
from oci_logins import CI, open_with
from providers.oci import faults, open_registry
from providers.oci.credentials import Credential, IdentityToken
from reconciler.provider import Refused
from registry_twists import answer
from specs.reference import ImageRef

TOKEN = "/token"
MANIFEST = r"/v2/shop/web/manifests/.*"


async def test_the_first_look_is_anonymous_and_a_login_goes_only_where_asked(
    bearer: FakeRegistry, ref: ImageRef
) -> None:
    async with open_registry(bearer.host, CI) as registry:
        await registry.digest(ref)
    assert bearer.seen[0].authorization is None
    for seen in bearer.seen[1:]:
        kind = (seen.authorization or "").partition(" ")[0]
        assert kind == ("Basic" if seen.path == TOKEN else "Bearer")


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
