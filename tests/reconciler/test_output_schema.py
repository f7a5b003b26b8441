"""The schemas of outputs: committed as the models say, for every verb that prints JSON, and strict enough."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from json_schema import faults
from outputs import action, diff, drift, drifted, envelope, plan, problem
from published import FOLDER, hold_to_schema
from reconciler.cli.arguments import VERBS, build_parser
from reconciler.cli.arguments_forms import PRINT
from reconciler.cli.start import main
from reconciler.outputs.schema import OUTPUTS, schema, text


@pytest.mark.parametrize("verb", OUTPUTS)
def test_the_committed_schema_is_not_stale(verb: str) -> None:
    path = FOLDER / f"{verb}.v1.json"
    assert path.read_text() == text(verb), f"run: reconciler schema --output {verb} > docs/schema/{path.name}"


def test_there_is_one_for_every_verb_that_prints_json() -> None:
    help_words = {verb: _help(verb) for verb in VERBS}
    assert {verb for verb in VERBS if "--json" in help_words[verb]} <= set(OUTPUTS)
    assert set(PRINT) == set(OUTPUTS)
    assert {path.name for path in FOLDER.iterdir()} == {f"{verb}.v1.json" for verb in OUTPUTS}


def _help(verb: str) -> str:
    subparsers = next(a for a in build_parser()._actions if a.dest == "verb")
    return str(subparsers.choices[verb].format_usage())  # type: ignore[index, call-overload, union-attr]


def test_schema_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "--output", "plan"]) == 0
    assert json.loads(capsys.readouterr().out) == schema("plan")
    assert main(["schema", "--output", "plan", "--json"]) == 0
    hold_to_schema(json.loads(capsys.readouterr().out))


STEP = action("create", "web", cause={"type": "commit", "refs": ["x"], "diffs": [diff("a", 1, [2])]})
WHOLE = {
    "plan": plan([STEP], problems=[problem()]),
    "drift": drift(drifted("web", diff("a", 1, {"b": None}, "live"))),
    "alone": envelope("plan", exit=1, owner=None, commit=None, problems=[problem(file=None, line=None)]),
}


def parts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every member of every object in it."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(*path, key) for key in value] if isinstance(value, dict) else []
    return found + [inner for key, part in below for inner in parts(part, (*path, key))]


def without(value: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(value)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


@pytest.mark.parametrize("name", WHOLE)
def test_no_promised_member_may_be_missing_and_others_may_come(name: str) -> None:
    value = WHOLE[name]
    hold_to_schema(value)
    hold_to_schema({**value, "added": {"later": 1}})
    free = {"endpoint", "place"}
    for path in parts(value):
        is_value = any(key in ("desired", "applied", "live") for key in path[:-1])
        if not free & set(path) and not is_value:
            assert faults(without(value, path), schema(str(value["schema"]).split("/")[1])), path


def test_half_an_output_is_no_envelope_alone() -> None:
    broken = without(WHOLE["plan"], ("plan_id",))
    with pytest.raises(AssertionError, match="plan_id"):
        hold_to_schema(broken)
    with pytest.raises(AssertionError):
        hold_to_schema({**WHOLE["alone"], "schema": "reconciler/drift/v2"})
