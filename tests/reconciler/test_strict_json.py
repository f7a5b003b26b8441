"""What a marker says is read, or counts as nothing that can be understood; it never stops a pass."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile_bytes import damaged
from reconciler.actions import CreateInstance
from reconciler.lease import read_lease
from reconciler.observed import Marker, Observed
from reconciler.plan import plan
from reconciler.release import read_releases
from reconciler.render_plan import PlanView, render_plan
from reconciler.strict_json import read_number, read_object
from sketches import Sketch, desired

GARBAGE = {
    "nothing": "",
    "no JSON": "{",
    "another shape": "[]",
    "text": '"a"',
    "deep": "[" * 100_000,
    "deep mappings": '{"a":' * 100_000,
    "deep below the word": '{"releases":' + "[" * 100_000 + "]" * 100_000 + "}",
    "null": '{"releases":null,"instances":null,"until":null,"holder":null,"active":true,"id":null}',
    "numbers": '{"releases":7,"instances":7,"until":7,"holder":7,"active":7,"id":7}',
    "lists": '{"releases":[[]],"instances":[[]],"until":[],"holder":[],"active":[],"id":[]}',
    "mappings": '{"releases":[{}],"instances":{"a":1},"until":{},"holder":{},"active":{},"id":{}}',
    "huge": '{"until":' + "9" * 4_000 + ',"holder":"a","active":true}',
    "infinite": '{"until":1e999,"holder":"a","active":true}',
    "infinite text": '{"until":"inf","holder":"a","active":true}',
    "not a number": '{"until":NaN,"holder":"a","active":true}',
    "half a pair": '{"until":1,"holder":"\\ud800","active":true,"reason":"\\ud800"}',
    "control codes": '{"until":1e12,"holder":"\\u001b[2J","active":true,"reason":"\\u001b]0;x\\u0007"}',
}


@pytest.mark.parametrize("value", list(GARBAGE.values()), ids=list(GARBAGE))
def test_garbage_is_refused_with_one_error(value: str) -> None:
    try:
        found = read_object(value)
    except ValueError:
        return
    json.dumps(found, allow_nan=False, ensure_ascii=False).encode()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged(st.sampled_from([text.encode() for text in GARBAGE.values() if len(text) < 500])))
def test_any_text_is_read_or_refused(content: bytes) -> None:
    try:
        found = read_object(content.decode("utf-8", "replace"))
    except ValueError:
        return
    assert isinstance(found, dict)


@pytest.mark.parametrize("value", [None, True, [], {}, "inf", "nan", "x", ""])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"number|convert"):
        read_number(value)  # type: ignore[arg-type] # that is the question


@pytest.mark.parametrize("value", list(GARBAGE.values()), ids=list(GARBAGE))
def test_a_plan_is_made_whatever_the_markers_say(value: str) -> None:
    kinds = ("lease", "release", "job", "retry", "suspend", "prune", "loop", "hook", "source")
    markers = tuple(Marker(k, s, 1, value, f"{k}-{s}") for k in kinds for s in ("", "web"))
    observed = Observed(at=1e6, markers=markers)
    wanted = desired(Sketch("web"), at=1)
    made = plan(wanted, observed, 1e6)
    assert not [action for action in made.actions if isinstance(action, CreateInstance)], "it is suspended"
    assert read_lease(observed).until < float("inf")
    assert [read_releases(marker) for marker in markers] == [()] * len(markers)
    assert "\x1b" not in render_plan(PlanView(wanted, observed, made))
