"""What is known from an earlier load changes how long a load takes, never what it gives."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.known_files import KnownFiles
from specs.load import SpecFile, load
from specs.yaml_tree import Budget

_HEAD = "apiVersion: reconciler/v1\nkind: "
_TEXTS = (
    f"{_HEAD}Environment\nmetadata: {{name: dev}}\nspec: {{project: shop, variables: {{A: b}}}}\n",
    f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: 'redis:7'}}\n",
    f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: 'redis:8', configs: [rules]}}\n",
    f"{_HEAD}Service\nmetadata: {{name: api}}\nspec: {{image: 'redis:7', environment: {{X: '${{A}}'}}}}\n",
    f"{_HEAD}Service\nmetadata: {{name: api}}\nspec: {{imgae: 'redis:7'}}\n",
    f"{_HEAD}Config\nmetadata: {{name: rules}}\nspec: {{file: specs/b.yaml}}\n",
    "plain: content\n",
    "- [\n",
    "a: &x 1\n",
    "",
    f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{image: 'redis:7'}}\n---\nplain: 1\n",
)


def _files(chosen: Mapping[str, int]) -> list[SpecFile]:
    return [SpecFile(f"specs/{name}.yaml", _TEXTS[number].encode()) for name, number in chosen.items()]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, len(_TEXTS) - 1), max_size=4), max_size=8
    )
)
def test_every_load_gives_what_a_first_one_gives(loads: list[dict[str, int]]) -> None:
    known = KnownFiles()
    for chosen in loads:
        assert load(_files(chosen), known=known) == load(_files(chosen))


def test_what_is_unchanged_is_the_same_document() -> None:
    known = KnownFiles()
    before, _ = load(_files({"a": 0, "b": 1, "c": 3}), known=known)
    after, _ = load(_files({"a": 0, "b": 2, "c": 3, "d": 5}), known=known)
    same = [key for key in before.documents if after.documents[key] is before.documents[key]]
    assert same == [("Environment", "dev"), ("Service", "api")]


def test_a_file_that_is_known_still_counts_against_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    known = KnownFiles()
    files = _files({"a": 0, "b": 1})
    assert load(files, known=known)[1] == []
    small = len(files[0].content) + 10
    monkeypatch.setattr("specs.load.Budget", lambda *given: Budget(*given) if given else Budget(bytes=small))
    found = load(files, known=known)[1]
    assert found == load(files)[1]
    assert [problem.code for problem in found] == ["SPEC001"]


def test_what_no_load_had_for_a_while_is_forgotten() -> None:
    known = KnownFiles()
    first, _ = load(_files({"a": 1}), known=known)
    for _ in range(3):
        load(_files({"b": 0}), known=known)
    again, _ = load(_files({"a": 1}), known=known)
    assert again.documents["Service", "web"] is first.documents["Service", "web"]
    for _ in range(4):
        load(_files({"b": 0}), known=known)
    later, _ = load(_files({"a": 1}), known=known)
    assert later == first
    assert later.documents["Service", "web"] is not first.documents["Service", "web"]
