from __future__ import annotations

import pytest

from providers.oci.origin import Origin, Target, api_origin, parse_target, resolve_target

HERE = Target(Origin("https", "registry.example.com", 443), "/v2/a/blobs/uploads/?x=1")


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("https://Registry.Example.com", Origin("https", "registry.example.com", 443), "/"),
        ("https://a.example:443/x?y=%2F", Origin("https", "a.example", 443), "/x?y=%2F"),
        ("http://a.example:8080/x#fragment", Origin("http", "a.example", 8080), "/x"),
        ("http://[::1]:5000/v2/", Origin("http", "::1", 5000), "/v2/"),
    ],
)
def test_takes_an_address_apart(url: str, origin: Origin, path: str) -> None:
    assert parse_target(url) == Target(origin, path)


@pytest.mark.parametrize(
    "url",
    [
        *("", "/v2/", "ftp://a/", "file:///etc/passwd", "javascript:alert(1)", "https:///x"),
        *("https://a\\@b/", "https://user:word@a/", "https://a b/", "https://a/\r\nX: y", "https://a\t/"),
        *("https://a:port/", "https://a:99999/", "https://[::1/", "https://ex%61mple/", "https://é/"),
    ],
)
def test_refuses_an_address_that_readers_would_read_differently(url: str) -> None:
    with pytest.raises(ValueError, match=r"^an address"):
        parse_target(url)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/blobs/uploads/u?s=a%2Fb", "https://registry.example.com/v2/a/blobs/uploads/u?s=a%2Fb"),
        ("u2", "https://registry.example.com/v2/a/blobs/uploads/u2"),
        ("?n=2", "https://registry.example.com/v2/a/blobs/uploads/?n=2"),
        ("//elsewhere.example/x", "https://elsewhere.example/x"),
        ("http://registry.example.com/x", "http://registry.example.com/x"),
        ("https://REGISTRY.example.com:443/x", "https://registry.example.com/x"),
    ],
)
def test_resolves_a_location(location: str, expected: str) -> None:
    assert resolve_target(location, HERE).url == expected


def test_origins_differ_by_scheme_host_and_port() -> None:
    same = resolve_target("https://REGISTRY.example.com:443/x", HERE).origin
    others = ("http://registry.example.com/", "https://registry.example.com:5000/", "https://example.com/")
    assert same == HERE.origin
    assert all(parse_target(url).origin != HERE.origin for url in others)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *(("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True)),
        *(("localhost.example.com", False), ("10.0.0.1", False), ("127.0.0.1.example", False)),
    ],
)
def test_knows_loopback(host: str, loopback: bool) -> None:
    assert Origin("http", host, 80).is_loopback is loopback


def test_docker_io_answers_elsewhere() -> None:
    assert str(api_origin("docker.io", "https")) == "https://registry-1.docker.io"
    assert str(api_origin("[::1]:5000", "http")) == "http://[::1]:5000"


def test_a_target_prints_without_path_and_query() -> None:
    assert "uploads" not in repr(HERE)
    assert HERE.with_query("digest", "a%3Ab").path.endswith("?x=1&digest=a%3Ab")
