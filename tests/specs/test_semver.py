"""The order of versions, as semver.org section 11 gives it."""

from __future__ import annotations

import itertools

import pytest

from specs.semver import Version, newest, read_version

_TAGS = """v0.9.10 v1.0.0-alpha v1.0.0-alpha.1 v1.0.0-alpha.beta v1.0.0-beta v1.0.0-beta.2 v1.0.0-beta.11
v1.0.0-rc.1 v1.0.0 v1.0.1 v1.2.0 v1.10.0 v2.0.0-0 v2.0.0"""
RISING = _TAGS.split()


def test_versions_rise_by_number_and_pre_releases_come_before_their_release() -> None:
    for shuffled in (RISING, RISING[::-1], sorted(RISING)):
        assert sorted(shuffled, key=lambda tag: read_version(tag, "v*") or Version(())) == RISING
        assert newest(shuffled, "v*") == "v2.0.0"
    for one, other in itertools.pairwise(RISING):
        assert newest([other, one], "v*") == other


@pytest.mark.parametrize(
    "tag",
    ["v1", "v1.2", "v1.2.3.4", "v01.2.3", "v1.02.3", "1.2.3-01", "1.2.3-", "1.2.3+", "vv1.2.3", "latest",
     "v1.2.3-a..b", "v1.2.3 ", "v1.2.٣", "v" + "9" * 5000 + ".0.0", ""],
)  # fmt: skip
def test_what_is_no_version_is_none(tag: str) -> None:
    assert read_version(tag, "*") is None


@pytest.mark.parametrize(
    ("tag", "pattern", "release"),
    [
        ("1.2.3", "*", (1, 2, 3)),
        ("v1.2.3", "v1.*", (1, 2, 3)),
        ("web-v1.2.3", "web-v*", (1, 2, 3)),
        ("web-1.2.3", "web-*", (1, 2, 3)),
        ("release/1.2.3", "release/*", (1, 2, 3)),
        ("a-b/v1.2.3", "a-b/v?.*", (1, 2, 3)),
        ("v1.2.3", "v1.2.3", (1, 2, 3)),
        ("v1.2.3-4.5.6", "v1.2.3-*", (1, 2, 3)),
    ],
)
def test_what_the_pattern_writes_out_is_no_part_of_it(
    tag: str, pattern: str, release: tuple[int, ...]
) -> None:
    found = read_version(tag, pattern)
    assert found is not None
    assert found.release == release


def test_of_equal_versions_the_last_text_counts() -> None:
    assert newest(["v1.0.0+b", "v1.0.0+a", "1.0.0"], "*") == "v1.0.0+b"
    assert newest(["latest"], "*") is None
