"""Which URLs git may be given, and which name the same repository."""

from __future__ import annotations

import pytest

from providers.git.url import normal_url, parse_url
from reconciler.provider import Refused


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://example.com/team/shop.git", "https"),
        ("https://example.com:8443/shop", "https"),
        ("ssh://git@example.com/team/shop.git", "ssh"),
        ("ssh://git@[2001:db8::1]:22/shop", "ssh"),
        ("git@example.com:team/shop.git", "ssh"),
        ("https://example.com/$HOME/${X}", "https"),
        ("http://127.0.0.1:3000/team/shop.git", "http"),
        ("http://[::1]:3000/shop", "http"),
    ],
)
def test_https_and_ssh_are_allowed_and_http_on_loopback(url: str, protocol: str) -> None:
    assert parse_url(url).protocol == protocol
    assert parse_url(url).text == url


@pytest.mark.parametrize(
    "url",
    [
        "file:///srv/other.git",
        "/srv/other.git",
        "../other",
        "ext::sh -c touch% /tmp/x",
        "http://example.com/x",
        "http://127.0.0.2/x",
        "http://127.0.0.1.example.com/x",
        "http://user@localhost/x",
        "git://example.com/x",
        "--upload-pack=x",
        "-oProxyCommand=x:y",
        "ssh://-oProxyCommand=touch/x",
        "ssh://git@-oProxyCommand=touch/x",
        "-x@example.com:y",
        "git@-example.com:y",
        "https://user:pa55word@example.com/x",
        "https://token@example.com/x",
        "https://example.com/a b",
        "https://example.com/a\nb",
        "https://example.com/-x",
        "https://exa$(id)mple.com/x",
        "https://",
        "",
    ],
)
def test_everything_else_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Refused) as caught:
        parse_url(url)
    assert caught.value.code == "GIT012"
    assert "pa55word" not in str(caught.value)


def test_a_file_needs_the_explicit_argument() -> None:
    assert parse_url("/srv/a.git", allow_file=True).protocol == "file"
    assert parse_url("file:///srv/a.git", allow_file=True).text == "/srv/a.git"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/team/shop.git",
        "https://Example.com/team/shop/",
        "https://user:secret@example.com:8443/team/shop.git",
        "ssh://git@example.com/team/shop",
        "ssh://git@example.com:2222/team/shop.git",
        "git@example.com:team/shop.git",
        "git@example.com:/team/shop",
        "http://example.com/team/shop",
    ],
)
def test_spellings_of_one_repository_are_one(url: str) -> None:
    assert normal_url(url) == "example.com/team/shop"


def test_a_path_stays_a_path() -> None:
    assert normal_url("/srv/shop.git") == normal_url("file:///srv/shop/") == "/srv/shop"
