"""Every place where text from outside is read gives a value or its own error, and never anything else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hostile_bytes import damaged
from spec_texts import document, environment, service
from specs.dockerfile import read_dockerfile
from specs.effective import effective
from specs.load import SpecFile, load
from specs.model import parse_cpus, parse_duration, parse_mode, parse_size
from specs.problem import has_errors
from specs.reference import Digest, ImageRef, InvalidReference

QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CASES = sorted((Path(__file__).parents[1] / "messages").glob("*.yaml"))
ODD = st.sampled_from(
    ["", ".", "..", "../x", "/", "//", "a//b", "-", "--upload-pack=x", "$(id)", "`id`", "a b", "a\nb", "a\0b",
     "A", "ä", "\u202e", "a" * 300, "reconciler.owner", "_", "*", "[", "1e309", "nan", "inf", "-1", "0", "١",
     "9" * 400, "1_0", "0x10", "host:99999/a:b", "a@sha256:" + "0" * 63, "[::1]:80/x:1", "http://x/y:1"]
)  # fmt: skip
TEXT = ODD | st.text(max_size=40)


def survive(content: bytes) -> None:
    spec_set, problems = load([SpecFile("specs/a.yaml", content)])
    for problem in problems:
        assert str(problem).isprintable(), problem
    if not has_errors(problems):
        for name in spec_set.environments:
            found, more = effective(spec_set, name, file_paths=())
            assert (found is None) == has_errors(more)
            for one in found.services.values() if found else ():
                json.dumps(one.model_dump(mode="json"), allow_nan=False)


@QUICK
@given(damaged(st.sampled_from([path.read_bytes() for path in CASES])))
def test_a_damaged_file_is_read_or_refused(content: bytes) -> None:
    survive(content)


@QUICK
@given(TEXT)
@example("a/" * 5_000 + "b:1")
@example("a." * 5_000 + "/b:1")
@example("a-" * 5_000)
def test_a_reference_is_read_or_refused(text: str) -> None:
    try:
        ref = ImageRef.parse(text)
    except InvalidReference:
        return
    assert ImageRef.parse(str(ref)) == ref
    assert not set(str(ref)) & set(" \n\0$`'\"\\"), text


@QUICK
@given(TEXT)
def test_a_digest_is_read_or_refused(text: str) -> None:
    try:
        assert Digest.parse(text).text == text
    except InvalidReference:
        return


@QUICK
@given(TEXT | st.integers() | st.floats() | st.booleans() | st.none())
def test_an_amount_is_finite_and_in_range_or_refused(value: object) -> None:
    for parse, most in (
        (parse_duration, 3.2e7),
        (parse_size, 2**50),
        (parse_mode, 0o7777),
        (parse_cpus, 4096),
    ):
        try:
            assert 0 <= parse(value) <= most
        except ValueError:
            continue


@QUICK
@given(TEXT)
def test_a_name_is_a_dns_label_or_refused(name: str) -> None:
    for text in (
        document("Service", json.dumps(name), "image: redis:7"),
        environment().replace("project: shop", f"project: {json.dumps(name)}"),
        service("web", f"networks: [{json.dumps(name)}]"),
        service("web", f"environment: {{A: {{secret: {json.dumps(name)}}}}}"),
    ):
        spec_set, problems = load([SpecFile("specs/a.yaml", text.encode("utf-8", "surrogatepass"))])
        if not has_errors(problems):
            for _, found in spec_set.documents:
                assert found.isascii()
                assert found.replace("-", "").isalnum()
                assert found == found.lower()


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(["environment", "labels", "ports", "volumes", "deploy", "command"]), _json
    )
)
def test_a_patch_is_applied_or_refused(patch: dict[str, object]) -> None:
    patches = json.dumps([{"kind": "Service", "name": "web", "spec": patch}])
    text = service("web", "environment: {A: b}") + "---\n" + environment(f"patches: {patches}")
    survive(text.encode("utf-8", "surrogatepass"))


@QUICK
@given(TEXT, TEXT)
def test_a_variable_is_put_in_once_or_refused(value: str, text: str) -> None:
    written = service("web", f"user: {json.dumps('${A}' + text)}") + "---\n"
    written += environment(f"variables: {{A: {json.dumps(value)}}}")
    survive(written.encode("utf-8", "surrogatepass"))


@QUICK
@given(damaged(st.just(b"# syntax=docker/dockerfile:1\nARG A=1\nFROM a:$A AS b\nCOPY --from=b <<E /x\nE\n")))
def test_a_dockerfile_is_read_or_refused(content: bytes) -> None:
    for fault in read_dockerfile(content, {"A": "2"}, (), ()).faults:
        assert fault.seen
        assert len(fault.seen) < 600


@pytest.mark.parametrize(
    "shape", ["x", "{{x}}", "%s%n", "{0.__class__}", "<% x %>", "#{x}", "`id`", "$$(id)"]
)
def test_templates_of_other_languages_are_text(shape: str) -> None:
    text = service("web", f"environment: {{A: {json.dumps(shape)}}}") + "---\n" + environment()
    spec_set, problems = load([SpecFile("specs/a.yaml", text.encode())])
    found, more = effective(spec_set, "dev")
    assert found is not None, [*problems, *more]
    assert found.services["web"].environment["A"] == shape.replace("$$", "$")


def test_nothing_of_python_is_made_of_a_document(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    for tag in (
        "!!python/object/apply:os.system",
        "!!python/object/new:os.system",
        "!!python/name:os.system",
    ):
        survive(service("web", f"user: {tag} ['touch {proof}']").encode())
    assert not proof.exists()
