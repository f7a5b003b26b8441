"""Finding out where and how a registry answers: https, plain http on loopback, or not at all."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from local_registry import find_free_port
from oci_errors import CANARY, fails_with
from oci_images import push_image
from providers.oci import CODES, OciRegistry, faults, open_registry
from providers.oci.client import Client
from providers.oci.faults import Fault
from providers.oci.manifest import compute_digest
from providers.oci.origin import Origin
from reconciler.provider import Login, Refused
from registry_twists import Handler, answer
from specs.reference import ImageRef


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key in the same file."""
    folder = tmp_path_factory.mktemp("tls")
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *files]
    subprocess.run(made, check=True, capture_output=True)
    whole = folder / "whole.pem"
    whole.write_text((folder / "key.pem").read_text() + (folder / "cert.pem").read_text())
    return whole


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def client_tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


async def test_https_is_spoken_on_loopback_where_it_is_understood(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with FakeRegistry(tls=server_tls) as fake, open_registry(fake.host, tls=client_tls) as registry:
        ref = ImageRef(fake.host, "shop/web", "in-1")
        assert await registry.digest(ref) is None
        pushed = await push_image(registry, ref)
        assert await registry.digest(ref) == pushed


async def test_a_certificate_that_does_not_verify_is_no_reason_for_plain_http(
    server_tls: ssl.SSLContext,
) -> None:
    async with FakeRegistry(tls=server_tls) as fake, open_registry(fake.host) as registry:
        error = await fails_with(faults.CERTIFICATE, registry.ping())
        assert isinstance(error, Refused)
        assert fake.seen == []


async def test_https_is_not_left_by_a_redirect(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, elsewhere: FakeRegistry
) -> None:
    layer = b"layer"
    digest = compute_digest(layer)
    elsewhere.put_blob("store", layer)
    async with FakeRegistry(tls=server_tls) as fake, open_registry(fake.host, tls=client_tls) as registry:
        for origin in (elsewhere.url, f"http://{fake.host}"):
            location = {"Location": f"{origin}/v2/store/blobs/{digest}"}
            fake.twist("HEAD", r".*/blobs/.*", answer(307, headers=location))
            found = registry.blobs.exists(ImageRef(fake.host, "shop/web"), digest)
            assert isinstance(await fails_with(faults.REDIRECT_REFUSED, found), Refused)
    assert elsewhere.seen == []


async def test_plain_http_and_https_may_be_demanded(
    fake: FakeRegistry, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with open_registry(fake.host, plain_http=True) as registry:
        await registry.ping()
    async with open_registry(fake.host, plain_http=False) as registry:
        await fails_with(faults.NO_TLS, registry.ping())
    async with (
        FakeRegistry(tls=server_tls) as secure,
        open_registry(secure.host, plain_http=False, tls=client_tls) as registry,
    ):
        await registry.ping()


async def test_a_plain_realm_of_a_secure_registry_gets_no_login(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, elsewhere: FakeRegistry
) -> None:
    async with (
        FakeRegistry(tls=server_tls, mode="bearer", realm=f"{elsewhere.url}/token") as fake,
        open_registry(fake.host, Login("ci", CANARY), tls=client_tls) as registry,
    ):
        await fails_with(faults.REALM_REFUSED, registry.ping())
    assert elsewhere.seen == []


async def test_only_loopback_falls_back_to_plain_http() -> None:
    for host in ("registry.example.com", "10.0.0.1:5000", "localhost.example.com:5000"):
        async with open_registry(host) as registry:
            assert [origin.scheme for origin in candidates(registry)] == ["https"]
    for host in ("localhost:5000", "127.0.0.2:5000", "[::1]:5000"):
        async with open_registry(host) as registry:
            assert [origin.scheme for origin in candidates(registry)] == ["https", "http"]


def candidates(registry: OciRegistry) -> tuple[Origin, ...]:
    client = registry._client
    assert isinstance(client, Client)
    return client._candidates


async def test_nobody_there_is_an_error_that_may_pass() -> None:
    async with open_registry(f"127.0.0.1:{find_free_port()}", Login("ci", CANARY)) as registry:
        error = await fails_with(faults.UNREACHABLE, registry.ping())
        assert not isinstance(error, Refused)
        assert error.__suppress_context__  # what lies below may carry the request with its headers


async def test_a_registry_that_comes_up_later_is_found(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.twist("GET", "/v2/", answer(503, headers={"Retry-After": "2"}))
    error = await fails_with(faults.THROTTLED, registry.ping())
    assert error.retry_after == 2
    await registry.ping()


@pytest.mark.parametrize(
    ("status", "media_type", "text"),
    [
        (200, "text/html", "<html>Log in</html>"),
        (200, "text/plain", "hello"),
        (404, "text/plain", "404 page not found"),
        (404, "application/json", "{}"),
        (204, "application/json", ""),
        (400, "text/html", "<html>"),
    ],
)
async def test_what_is_no_registry_is_told_apart_from_an_empty_one(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, status: int, media_type: str, text: str
) -> None:
    fake.twist("GET", "/v2/", answer(status, text, {"Content-Type": media_type}), -1)
    await fails_with(faults.NO_REGISTRY, registry.ping())
    await fails_with(faults.NO_REGISTRY, registry.digest(ref))
    assert fake.count("HEAD", ".*") == 0


async def test_a_server_that_hangs_up_is_an_error_that_may_pass(ref: ImageRef) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_registry(f"127.0.0.1:{port}", Login("ci", CANARY)) as registry:
        error = await fails_with(faults.BROKEN_OFF, registry.ping())
        assert not isinstance(error, Refused)


async def test_a_server_that_speaks_nonsense_is_an_error_that_may_pass() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" + b"\0" * 100_000)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, open_registry(f"127.0.0.1:{port}", plain_http=True) as registry:
        await fails_with(faults.BROKEN_OFF, registry.ping())


@pytest.mark.parametrize(
    "host", ["", "a b", "ci:word@registry.example.com", "http://x", "a/b", "x:port", "é"]
)
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(Refused) as caught:
        open_registry(host)
    assert caught.value.code == faults.REFERENCE_UNUSABLE.code
    assert "word" not in str(caught.value)


async def test_no_cookie_is_kept(fake: FakeRegistry) -> None:
    cookies: list[str | None] = []

    async def remember(request: web.Request, handler: Handler) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        response = await handler(request)
        response.headers["Set-Cookie"] = "session=1; Path=/"
        return response

    fake.twist("GET", "/v2/", remember, -1)
    async with open_registry(f"localhost:{fake.port}") as registry:
        await registry.ping()
        await registry.ping()
    assert cookies == [None] * 3


def test_every_code_is_listed_once_with_its_meaning() -> None:
    declared = [one for one in vars(faults).values() if isinstance(one, Fault)]
    assert {one.code: one.meaning for one in declared} == CODES
    assert len(declared) == len(CODES)


def test_importing_and_opening_loads_no_http_library() -> None:
    program = (
        "import json, sys; from providers.oci import open_registry; open_registry('registry.example.com');"
        "print(json.dumps([name for name in ('aiohttp', 'yarl', 'multidict') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
