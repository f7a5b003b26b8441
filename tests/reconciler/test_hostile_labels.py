"""A label or marker is text that anybody with the engine could have written: read, or refused, never believed
beyond its limits."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hostile_bytes import damaged
from reconciler.canonical import (
    MAX_CANONICAL,
    decode_canonical,
    decode_label,
    document_fields,
    encode_canonical,
    encode_label,
)
from reconciler.ownership import Owner, parse_instance_name

QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GOOD = encode_canonical(
    {
        "v": 1,
        "name": "web",
        "service": {
            "environment": {"A": "b"},
            "ports": {"80->80/tcp": {"target": 80}},
            "volumes": {"/d": {}},
        },
        "files": {},
        "volumes": {},
    }
)


def read(label: str) -> None:
    try:
        canonical = decode_label(label)
        fields = document_fields(decode_canonical(canonical))
    except ValueError:
        return
    assert len(canonical) <= MAX_CANONICAL
    json.dumps(dict(fields), allow_nan=False, ensure_ascii=False).encode()


def packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


@QUICK
@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode()))
def test_any_text_is_read_or_refused(text: str) -> None:
    read(text)


@QUICK
@given(damaged(st.just(encode_label(GOOD).encode())))
def test_a_damaged_label_is_read_or_refused(content: bytes) -> None:
    read(content.decode("latin-1"))


@QUICK
@given(damaged(st.just(GOOD.encode())))
def test_a_damaged_text_in_a_sound_label_is_read_or_refused(content: bytes) -> None:
    read(packed(content))


@pytest.mark.parametrize(
    "content",
    [
        b"0" * 50_000_000,
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b'{"v":1e999,"name":"web","service":{},"files":{},"volumes":{}}',
        b'{"v":1,"name":"web","service":{"healthcheck":{"interval":1e999}},"files":{},"volumes":{}}',
        b'{"v":NaN,"name":"web","service":{},"files":{},"volumes":{}}',
        b'{"v":' + b"9" * 5_000 + b',"name":"web","service":{},"files":{},"volumes":{}}',
        b'{"v":1,"name":"web","service":[],"files":{},"volumes":{}}',
        b'{"v":1,"name":"web","service":{"volumes":{"/d":{"source":[]}}},"files":7,"volumes":{}}',
        b'{"v":1,"name":"web","service":{"user":"\\ud800"},"files":{},"volumes":{}}',
    ],
    ids=["bomb", "brackets", "braces", "version", "infinite", "nan", "digits", "list", "shapes", "surrogate"],
)
def test_what_is_meant_to_break_a_reader_does_not(content: bytes) -> None:
    read(packed(content))


@QUICK
@given(st.text(alphabet="abz09-_/.\n\0٣kepthld", max_size=60))
def test_names_and_owners_read_back_or_are_none(text: str) -> None:
    name = parse_instance_name(text)
    assert name is None or str(name) == text
    with contextlib.suppress(ValueError):
        assert str(Owner.parse(text)) == text
