"""Proved releases in a marker that anybody on the engine may have written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.desired import Generation
from reconciler.observed import Marker
from reconciler.release import KIND, REMEMBERED, Release, read_releases, with_newest, write_releases

ONE = Release(Generation("v1:1", "s1:1", "sha256:1"), "in-1", "a/web@sha256:1", "c1", "p1", 2, "{}", ("f1",))


def numbered(number: int) -> Release:
    return replace(ONE, generation=Generation("v1:1", "", f"sha256:{number}"))


def marker(value: str) -> Marker:
    return Marker(KIND, "web", 1, value)


def test_reads_what_it_wrote() -> None:
    assert read_releases(marker(write_releases([ONE, numbered(2)]))) == (ONE, numbered(2))
    assert read_releases(None) == ()


def test_remembers_five_and_names_each_generation_once() -> None:
    known: tuple[Release, ...] = ()
    for number in range(8):
        known = with_newest(numbered(number), known)
    assert known == tuple(numbered(n) for n in (7, 6, 5, 4, 3))
    assert len(known) == REMEMBERED
    again = with_newest(replace(numbered(5), replicas=9), known)
    assert [r.generation.digest for r in again] == [f"sha256:{n}" for n in (5, 7, 6, 4, 3)]
    assert again[0].replicas == 9


def damaged(**changes: object) -> str:
    value = json.loads(write_releases([ONE]))
    value["releases"][0].update(changes)
    return json.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"releases": 7}',
        '{"releases": [7]}',
        '{"releases": {}}',
        damaged(replicas="2"),
        damaged(replicas=-1),
        damaged(replicas=10**9),
        damaged(spec=None),
        damaged(files="f1"),
        "[" * 100_000,
        " " * (5 << 20),
    ],
    ids=lambda value: value[:24],
)
def test_one_that_cannot_be_understood_names_nothing(value: str) -> None:
    assert read_releases(marker(value)) == ()
