from __future__ import annotations

import pytest

from providers.oci.challenge import Basic, Bearer, Challenge, merge_scopes, read_challenge

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull"'


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([""], None),
        (["Negotiate"], None),
        (["NTLM TlRMTVNTUAAB=="], None),
        (["Basic"], Basic()),
        (['Basic realm="a, Bearer realm=b"'], Basic()),
        (["basic realm=plain"], Basic()),
        ([HUB], Bearer("https://auth.docker.io/token", "registry.docker.io", ("repository:a/b:pull",))),
        (['Bearer realm="https://a/t"'], Bearer("https://a/t")),
        (['BEARER Realm = "https://a/t" , SERVICE=s'], Bearer("https://a/t", "s")),
        (["Bearer scope=x:y:pull"], None),
        ([r'Bearer realm="https://a/\"t\\"'], Bearer(r"https://a/" + '"t' + "\\")),
        (['Basic realm="x", Bearer realm="https://a/t"'], Bearer("https://a/t")),
        (['Basic realm="x"', 'Bearer realm="https://a/t"'], Bearer("https://a/t")),
        (["Negotiate abc==, Basic realm=x"], Basic()),
        (["Negotiate, ,, Basic"], Basic()),
        (
            ['Bearer realm="https://a/t",scope="repository:a:pull repository:b:push,pull"'],
            Bearer("https://a/t", "", ("repository:a:pull", "repository:b:pull,push")),
        ),
        (
            ['Bearer realm="https://a/t",scope="repository:a:pull",scope="repository:a:push"'],
            Bearer("https://a/t", "", ("repository:a:pull,push",)),
        ),
        (['Bearer realm="unterminated'], None),
        (['Bearer realm="https://a/t" \x01 Basic'], Bearer("https://a/t")),
    ],
)
def test_reads_the_challenge_that_we_can_answer(headers: list[str], expected: Challenge | None) -> None:
    assert read_challenge(headers) == expected


def test_scopes_on_one_resource_are_joined_and_sorted() -> None:
    merged = merge_scopes(["repository:b:pull", "repository:h:5000/a:push"], ["repository:b:push"], [])
    assert merged == ("repository:b:pull,push", "repository:h:5000/a:push")


def test_a_long_hostile_header_is_read_in_linear_time() -> None:
    assert read_challenge(["a " * 8000 + '"' * 100]) is None
    assert read_challenge(['Bearer realm="' + "\\" * 16_000]) is None
