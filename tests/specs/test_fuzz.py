"""The loader never crashes, always ends, and gives problems or a set that works."""

from __future__ import annotations

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spec_texts import document
from specs.document import KINDS
from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import has_errors
from specs.service import Service

SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(),
    st.sampled_from(
        ["", "web", "redis:7", "${A}", "$", "${secret:token}", "80:80", "data:/d", "/:/h", "10s", "1e308",
         "0o440", "no", "~", "*", "../x", "a: b", "\t", "\x00", "\u202e", "A="]
    ),
    st.text(max_size=8),
)  # fmt: skip
_keys = st.one_of(
    st.sampled_from(
        [*Service.model_fields, "source", "target", "secret", "test", "replicas", "patches", "project"]
    ),
    st.text(max_size=6),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)
_specs = st.fixed_dictionaries(
    {"image": st.sampled_from(["redis:7", "web", "${A}"])},
    optional={name: _values for name in Service.model_fields if name != "image"},
)
_documents = st.one_of(
    _specs.map(lambda spec: {"kind": "Service", "spec": spec}),
    st.fixed_dictionaries({"kind": st.sampled_from(KINDS), "spec": _values}),
    st.fixed_dictionaries(
        {
            "kind": st.just("Environment"),
            "spec": st.fixed_dictionaries(
                {"project": st.just("shop")},
                optional={
                    "patches": st.lists(
                        st.fixed_dictionaries(
                            {
                                "kind": st.just("Service"),
                                "name": st.sampled_from(["web", "api"]),
                                "spec": _values,
                            }
                        ),
                        max_size=2,
                    ),
                    "variables": st.dictionaries(st.sampled_from(["A", "B"]), _scalars),
                    "services": _values,
                },
            ),
        }
    ),
)
_envelopes = st.builds(
    lambda document, name: {"apiVersion": "reconciler/v1", "metadata": {"name": name}, **document},
    _documents,
    st.sampled_from(["web", "api", "dev", "data", "main", ""]),
)


def survive(content: bytes) -> None:
    spec_set, problems = load([SpecFile("specs/a.yaml", content)])
    assert problems == load([SpecFile("specs/a.yaml", content)])[1]
    for problem in problems:
        assert str(problem).count("\n") == 0
    if has_errors(problems):
        return
    for name in spec_set.environments:
        result, more = effective(spec_set, name, file_paths=())
        assert (result is None) == has_errors(more)


@SLOW
@given(st.binary(max_size=300))
def test_survives_any_bytes(content: bytes) -> None:
    survive(content)


@SLOW
@given(st.text(alphabet="abk: -[]{}\"'|>&*!%#?,\n\t ${}~<0.1", max_size=200))
def test_survives_any_punctuation(text: str) -> None:
    survive(text.encode())


@SLOW
@given(st.lists(_envelopes, max_size=4))
def test_survives_documents_of_any_shape(documents: list[object]) -> None:
    text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
    survive(text.encode("utf-8", "surrogatepass"))


@SLOW
@given(_envelopes, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_survives_a_document_that_was_damaged(document: object, position: int, damage: bytes) -> None:
    content = yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")
    survive(content[:position] + damage + content[position + len(damage) :])


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(Service.model_fields)), st.sampled_from(["", "[{}]", "{{a: {}}}", "[[{}]]"]))
def test_no_value_of_a_field_is_in_a_message(field: str, shape: str) -> None:
    secret = "s3cret value!"
    value = shape.format(f'"{secret}"') if shape else f'"{secret}"'
    text = document("Service", "web", "image: 'a:1'", f"{field}: {value}")
    _, problems = load([SpecFile("specs/a.yaml", text.encode())])
    assert secret not in "".join(str(problem) for problem in problems)
