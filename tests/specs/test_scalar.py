"""What plain scalars mean, compared with what YAML 1.1 makes of them."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from specs.node import Scalar
from specs.problem import Place
from specs.scalar import Odd, read_scalar

PLACE = Place("a", 1, 1)


def plain(text: str) -> object:
    return read_scalar(Scalar(text, PLACE, plain=True))


UNCLEAR = """
    010 0o17 0x1F 0b1 1_000 .5 5. 1e3 1:30 10:30:00 +1 -0 ~ Null NULL yes No ON off y N True FALSE .inf -.Inf
    .NaN     2024-01-01 = 99999999999999999999 1E5 0777 08 -010 +.5 << 2001-12-14t21:59:43.10-05:00
"""


@pytest.mark.parametrize("text", UNCLEAR.split())
def test_refuses_what_readers_disagree_about(text: str) -> None:
    assert plain(text) is Odd.UNCLEAR


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("8080", 8080),
        ("1.5", 1.5),
        ("0.50", 0.5),
        ("true", True),
        ("false", False),
        ("", Odd.NULL),
        ("null", Odd.NULL),
        ("10s", "10s"),
        ("256M", "256M"),
        ("1.2.3", "1.2.3"),
        ("v1", "v1"),
        ("8080:80", "8080:80"),
        ("sha256:00", "sha256:00"),
        ("a/b", "a/b"),
        ("nope", "nope"),
    ],
)
def test_reads_the_rest(text: str, value: object) -> None:
    assert plain(text) == value
    assert type(plain(text)) is type(value)


@pytest.mark.parametrize("start", ["1", "1_", "1.", "1:1", "0x1", "1e1", "."])
def test_a_long_scalar_takes_no_quadratic_time(start: str) -> None:
    assert plain(start * 50_000 + "!") == start * 50_000 + "!"


def test_quoted_scalars_are_text() -> None:
    assert read_scalar(Scalar("yes", PLACE)) == "yes"


@given(st.text("0123456789_.:+-eExob~ynYNTtrues", min_size=1, max_size=12))
def test_never_takes_for_text_what_yaml_11_reads_otherwise(text: str) -> None:
    try:
        theirs = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return
    if isinstance(plain(text), str) and theirs != text:
        assert isinstance(theirs, (dict, list, str))  # structure, not a scalar
