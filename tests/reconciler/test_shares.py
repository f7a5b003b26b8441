"""The slots of a table: exact shares, as few slots moved as can be, and no share that comes in a row."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.traffic import SLOTS, share

WEIGHTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 60))


@given(st.lists(WEIGHTS, min_size=1, max_size=5))
def test_shares_are_exact_and_slots_that_need_not_move_stay(steps: list[dict[str, int]]) -> None:
    tables = [share((), steps[0])]
    for weights in steps[1:]:
        tables.append(share(tables[-1], weights))
    for weights, table in zip(steps, tables, strict=True):
        total = sum(weights.values())
        assert len(table) == (SLOTS if total else 0)
        for name, slots in Counter(table).items():
            assert abs(slots - SLOTS * weights[name] / total) < 1
    for before, after in pairwise(tables):
        kept = sum(one == other for one, other in zip(before, after, strict=False))
        if before and after:
            assert kept == (Counter(before) & Counter(after)).total()


def longest_row(table: tuple[str, ...], name: str) -> int:
    return max(len(list(row)) for key, row in groupby(table) if key == name)


def test_a_canary_gets_its_requests_one_by_one() -> None:
    before = share((), {"a": 1, "b": 1})
    assert longest_row(before, "a") == 1
    tenth = share(before, {"a": 45, "b": 45, "c": 10})
    assert longest_row(tenth, "c") == 1
    assert longest_row(share((), {"a": 45, "b": 45, "c": 10}), "c") == 1
    half = share(tenth, {"a": 25, "b": 25, "c": 50})
    assert longest_row(half, "c") <= 4
